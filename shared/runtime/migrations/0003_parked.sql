-- After a broker lost the end of its log, another message may stand at an offset at which one was parked before. So what is parked
-- once is a message, its bytes and its headers, and not a place.

ALTER TABLE parked ADD COLUMN hash bytea GENERATED ALWAYS AS (sha256('\x00'::bytea || value)) STORED;
COMMENT ON COLUMN parked.hash IS 'of the value, as the ledger hashes an envelope';
ALTER TABLE parked DROP CONSTRAINT parked_partition_kafka_offset_reason_key;
CREATE UNIQUE INDEX parked_once ON parked (partition, kafka_offset, reason, hash, md5(headers::text));
