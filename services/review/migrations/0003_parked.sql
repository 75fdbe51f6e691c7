-- What waits is one event of one chain. What is parked once is a message, its bytes and its headers, and not a place: after a broker
-- lost the end of its log, another may stand there. What is not trusted keeps its bytes, because its key may become known later.

ALTER TABLE log_waiting DROP CONSTRAINT log_waiting_pkey, ADD PRIMARY KEY (service, partition, sequence);

ALTER TABLE log_parked
    DROP CONSTRAINT log_parked_pkey,
    ADD COLUMN parked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN message_key bytea,
    ADD COLUMN value bytea,
    ADD COLUMN headers jsonb NOT NULL DEFAULT '[]';
COMMENT ON TABLE log_parked IS 'what is on the topic and was no leaf when it came; its bytes stay on the topic, and in the table parked';
COMMENT ON COLUMN log_parked.value IS 'of what was not trusted, to be examined again when another key is known';
CREATE UNIQUE INDEX log_parked_once ON log_parked (partition, kafka_offset, reason, value_sha256, md5(headers::text));
CREATE INDEX log_parked_untrusted ON log_parked (parked_id) WHERE reason = 'untrusted' AND value IS NOT NULL;
