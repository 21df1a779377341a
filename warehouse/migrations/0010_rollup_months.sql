-- Months added up from the rollups of their days, so that a year of a site with many pages is read in a twentieth of the
-- rows. Nothing in them is not in `rollups`: they may be thrown away and are made anew. MergeTree, as rows are only ever
-- added, under the number of a build. Sorted like `rollups`. Labels are plain texts, which group a quarter faster than
-- dictionaries of many words. No report by the hour, which has no months.
CREATE TABLE IF NOT EXISTS rollup_months (
  site_id UInt32 CODEC(ZSTD(1)),
  report LowCardinality(String) CODEC(ZSTD(1)),
  day Date CODEC(ZSTD(1)),
  build UInt64 CODEC(ZSTD(1)),
  label1 String CODEC(ZSTD(1)),
  label2 String CODEC(ZSTD(1)),
  label3 String CODEC(ZSTD(1)),
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

-- Which month is whole under which build, and of which builds of its days it was made: with other builds it is not read.
CREATE TABLE IF NOT EXISTS rollup_month_builds (
  site_id UInt32 CODEC(ZSTD(1)),
  month Date CODEC(ZSTD(1)),
  build UInt64 CODEC(ZSTD(1)),
  made_of FixedString(32) CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (site_id, month, build)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0
