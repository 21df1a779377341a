-- Which files were imported: each counts once, a longer one continues, and one can be taken out again.
-- A few rows per site, read whole by site.
CREATE TABLE IF NOT EXISTS imports (
  site_id UInt32,
  number UInt64,
  stored DateTime('UTC'),
  format LowCardinality(String),
  label String,
  content_bytes UInt64,
  digest String,
  follows UInt64,
  events UInt64,
  rejected UInt64,
  first_day Date,
  last_day Date
)
ENGINE = MergeTree
ORDER BY (site_id, stored, number)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
