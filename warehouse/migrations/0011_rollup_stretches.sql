-- Sums of other stretches of days than months: the last 28 days of a big site, for instance, which everybody looks at
-- first. They lie in `rollup_months` under the first of their days; of the last one only this list knows.
ALTER TABLE rollup_month_builds
  ADD COLUMN IF NOT EXISTS last Date DEFAULT toLastDayOfMonth(month) CODEC(ZSTD(1))
