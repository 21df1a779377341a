-- Whether a row of a closed day was sealed: its ids are random ones, its time is five minutes wide. 0 for a row as it
-- came. What comes late for a sealed day is told from what is done by it.
ALTER TABLE events ADD COLUMN IF NOT EXISTS sealed UInt8 DEFAULT 0 CODEC(ZSTD(1));

ALTER TABLE visits ADD COLUMN IF NOT EXISTS sealed SimpleAggregateFunction(max, UInt8) DEFAULT 0 CODEC(ZSTD(1))
