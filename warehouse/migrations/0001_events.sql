-- One row per event, with the attributes of its visit on it, so that no question needs a join.
-- MergeTree: rows are only ever added. Sorted by site and day (every question names both), then by visitor, so that the
-- rows of a visit lie together and their equal attributes compress to almost nothing. Monthly partitions: a year of
-- imported days touches twelve, not 365.
CREATE TABLE IF NOT EXISTS events (
  site_id UInt32,
  day Date,
  ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
  visitor_id UInt64,
  visit_id UInt64,
  seq UInt32 CODEC(ZSTD(1)),
  name LowCardinality(String),
  hostname String CODEC(ZSTD(3)),
  pathname String CODEC(ZSTD(3)),
  interactive UInt8,
  scroll_depth UInt8,
  engagement_ms UInt32 CODEC(ZSTD(1)),
  props Map(String, String) CODEC(ZSTD(3)),
  revenue_amount Decimal(18, 3) CODEC(ZSTD(1)),
  revenue_currency LowCardinality(String),
  referrer String CODEC(ZSTD(3)),
  source String CODEC(ZSTD(3)),
  channel LowCardinality(String),
  utm_source String CODEC(ZSTD(3)),
  utm_medium String CODEC(ZSTD(3)),
  utm_campaign String CODEC(ZSTD(3)),
  utm_content String CODEC(ZSTD(3)),
  utm_term String CODEC(ZSTD(3)),
  click_id LowCardinality(String),
  country LowCardinality(String),
  region LowCardinality(String),
  city UInt32 CODEC(ZSTD(1)),
  browser LowCardinality(String),
  browser_version LowCardinality(String),
  os LowCardinality(String),
  os_version LowCardinality(String),
  device LowCardinality(String),
  received_day Date,
  batch UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site_id, day, visitor_id, visit_id, seq)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
