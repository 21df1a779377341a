-- Which event ids of batches were counted, so that a repeat is known after a restart too: a keyed hash, not the id.
-- One row per id; a row written twice changes nothing. Read once, at start, as a whole, so the order only helps the
-- engine to pack. A partition per half hour: they are dropped whole when they are a day old, nothing is rewritten.
CREATE TABLE IF NOT EXISTS event_ids (
  site_id UInt32,
  hash UInt64,
  received DateTime('UTC') CODEC(Delta, ZSTD(1)),
  batch UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(toUnixTimestamp(received), 1800)
ORDER BY (site_id, received)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
