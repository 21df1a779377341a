-- What the noise of small filtered cells on public views is drawn from: 8 bits that follow from the visitor's id as it
-- was received. Sealing gives a visitor another id and leaves these bits, so a shown number stays what it was. Few bits
-- on purpose: they are shared by many and lead back to nobody.
ALTER TABLE events ADD COLUMN IF NOT EXISTS noise_hash UInt8 DEFAULT toUInt8(sipHash64(visitor_id)) CODEC(ZSTD(1));

ALTER TABLE visits
  ADD COLUMN IF NOT EXISTS noise_hash SimpleAggregateFunction(any, UInt8) DEFAULT toUInt8(sipHash64(visitor_id))
