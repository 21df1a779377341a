-- What a closed day came to: one row per site, report (a set of dimensions), day and labels, with the parts that metrics
-- are formed from. A visitor id lives one day, so every part may be added up over days and stays exact.
-- MergeTree: rows are only ever added, under the number of the build that made them; `rollup_builds` says which builds
-- count, so a crash or a rebuild never shows half a day. Sorted by site, report and day: a question reads one report's
-- days in one stretch. Partitions by year: rows are few, and
-- a question over a year opens one or two parts instead of twelve.
CREATE TABLE IF NOT EXISTS rollups (
  site_id UInt32 CODEC(ZSTD(1)),
  report LowCardinality(String) CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  origin LowCardinality(String) CODEC(ZSTD(1)),
  build UInt64 CODEC(ZSTD(1)),
  label1 LowCardinality(String) CODEC(ZSTD(1)),
  label2 LowCardinality(String) CODEC(ZSTD(1)),
  label3 LowCardinality(String) CODEC(ZSTD(1)),
  visitors UInt64 CODEC(ZSTD(1)),
  visits UInt64 CODEC(ZSTD(1)),
  pageviews UInt64 CODEC(ZSTD(1)),
  events UInt64 CODEC(ZSTD(1)),
  visit_pageviews UInt64 CODEC(ZSTD(1)),
  entered UInt64 CODEC(ZSTD(1)),
  bounced UInt64 CODEC(ZSTD(1)),
  ended UInt64 CODEC(ZSTD(1)),
  seconds UInt64 CODEC(ZSTD(1)),
  depths UInt64 CODEC(ZSTD(1)),
  depth_visits UInt64 CODEC(ZSTD(1)),
  engaged_ms UInt64 CODEC(ZSTD(1)),
  engaged_visits UInt64 CODEC(ZSTD(1)),
  event_rows UInt64 CODEC(ZSTD(1)),
  engagement_rows UInt64 CODEC(ZSTD(1)),
  visit_rows UInt64 CODEC(ZSTD(1)),
  amounts Map(LowCardinality(String), Decimal(38, 3)) CODEC(ZSTD(1)),
  sales Map(LowCardinality(String), UInt64) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(day)
ORDER BY (site_id, report, day, label1, label2, label3)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

-- Visitors who are in several rows of a report on one day, counted by the set of those rows: what is folded into one
-- row counts them once. Few: a visitor's country or browser hardly changes within a day.
CREATE TABLE IF NOT EXISTS rollup_overlaps (
  site_id UInt32 CODEC(ZSTD(1)),
  report LowCardinality(String) CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  build UInt64 CODEC(ZSTD(1)),
  labels Array(Tuple(String, String, String)) CODEC(ZSTD(1)),
  visitors UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(day)
ORDER BY (site_id, report, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

-- Which builds count: of a site, day and origin the newest whole one (base 1) and what was added after it. A row is
-- written when all rows of its build are stored, and is what makes them visible.
CREATE TABLE IF NOT EXISTS rollup_builds (
  site_id UInt32 CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  origin LowCardinality(String) CODEC(ZSTD(1)),
  build UInt64 CODEC(ZSTD(1)),
  base UInt8 CODEC(ZSTD(1)),
  batch UInt64 CODEC(ZSTD(1)),
  batches Array(UInt64) CODEC(ZSTD(1)),
  goals Array(String) CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (site_id, day, origin, build)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0
