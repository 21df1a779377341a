-- Partial states of visits. Every column is a minimum, a maximum or the same in all rows of a visit, never a sum: the
-- drain writes what is true of the visit so far, so writing a row twice changes nothing, and nothing is ever updated.
-- Read it with GROUP BY visit_id (tuples of entry and exit: place in the visit by time, hostname, pathname).
-- Visitors lie in the order of their ids, so their differences are shorter than they are: Delta.
CREATE TABLE IF NOT EXISTS visits (
  site_id UInt32 CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  visitor_id UInt64 CODEC(Delta, ZSTD(1)),
  visit_id UInt64 CODEC(ZSTD(1)),
  start SimpleAggregateFunction(min, DateTime('UTC')) CODEC(Delta, ZSTD(3)),
  end SimpleAggregateFunction(max, DateTime('UTC')) CODEC(Delta, ZSTD(3)),
  pageviews SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  events SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  interactions SimpleAggregateFunction(max, UInt32) CODEC(ZSTD(1)),
  entry SimpleAggregateFunction(min, Tuple(UInt32, String, String)) CODEC(ZSTD(3)),
  exit SimpleAggregateFunction(max, Tuple(UInt32, String, String)) CODEC(ZSTD(3)),
  referrer SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  source SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  channel SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  utm_source SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  utm_medium SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  utm_campaign SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  utm_content SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  utm_term SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  click_id SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  country SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  region SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  city SimpleAggregateFunction(anyLast, UInt32) CODEC(ZSTD(1)),
  browser SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  browser_version SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  os SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  os_version SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  device SimpleAggregateFunction(anyLast, LowCardinality(String)) CODEC(ZSTD(1)),
  received_day SimpleAggregateFunction(max, Date) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site_id, day, visitor_id, visit_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
