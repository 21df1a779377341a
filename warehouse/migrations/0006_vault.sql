-- Encrypted addresses, one row per UTC day, site and address once merged; blind index and ciphertext live and die with
-- the day's key. AggregatingMergeTree, because a collector writes what it saw every few seconds: hours are put together
-- and hits added. A partition per day, for a day is dropped whole. Sorted by site and index: that is how it is asked.
-- Site 0 is the vault itself: its row of index 0 carries, per partition, the newest batch that was written there, in
-- the same part as the batch's rows, so that a batch counts once; rows of people carry no batch, as it would tell when.
CREATE TABLE IF NOT EXISTS vault (
  day Date CODEC(Delta, ZSTD(1)),
  site_id UInt32,
  bidx FixedString(16),
  ct SimpleAggregateFunction(any, FixedString(45)),
  hours SimpleAggregateFunction(groupBitOr, UInt32),
  hits SimpleAggregateFunction(sum, UInt64),
  batch SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, site_id, bidx)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 60
