-- Partial states of visits. Every column is a minimum, a maximum or the same in all rows of a visit, never a sum: the
-- drain writes what is true of the visit so far, so writing a row twice changes nothing, and nothing is ever updated.
-- Read it with GROUP BY visit_id (tuples of entry and exit: sequence number, hostname, pathname).
CREATE TABLE IF NOT EXISTS visits (
  site_id UInt32,
  day Date,
  visitor_id UInt64,
  visit_id UInt64,
  start SimpleAggregateFunction(min, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
  end SimpleAggregateFunction(max, DateTime('UTC')) CODEC(Delta, ZSTD(1)),
  pageviews SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  events SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  interactions SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  entry SimpleAggregateFunction(min, Tuple(UInt32, String, String)) CODEC(ZSTD(3)),
  exit SimpleAggregateFunction(max, Tuple(UInt32, String, String)) CODEC(ZSTD(3)),
  referrer SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  source SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  channel SimpleAggregateFunction(anyLast, LowCardinality(String)),
  utm_source SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  utm_medium SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  utm_campaign SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  utm_content SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  utm_term SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(3)),
  click_id SimpleAggregateFunction(anyLast, LowCardinality(String)),
  country SimpleAggregateFunction(anyLast, LowCardinality(String)),
  region SimpleAggregateFunction(anyLast, LowCardinality(String)),
  city SimpleAggregateFunction(anyLast, UInt32) CODEC(ZSTD(1)),
  browser SimpleAggregateFunction(anyLast, LowCardinality(String)),
  browser_version SimpleAggregateFunction(anyLast, LowCardinality(String)),
  os SimpleAggregateFunction(anyLast, LowCardinality(String)),
  os_version SimpleAggregateFunction(anyLast, LowCardinality(String)),
  device SimpleAggregateFunction(anyLast, LowCardinality(String)),
  received_day SimpleAggregateFunction(max, Date)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site_id, day, visitor_id, visit_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
