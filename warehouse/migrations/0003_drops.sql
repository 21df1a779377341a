-- How many hits of a site were dropped, by hour and reason: the only record of a drop, and it names nobody.
-- MergeTree with the batch in the row, not SummingMergeTree: the drain counts a batch's rows after a crash.
CREATE TABLE IF NOT EXISTS drops (
  site_id UInt32,
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
  reason LowCardinality(String),
  hits UInt64 CODEC(ZSTD(1)),
  batch UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (site_id, hour, reason)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
