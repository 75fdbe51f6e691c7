-- The ledger of one service: what it said and what it heard, in one table that only grows.
-- {service} is replaced by the service's name; the owner of these tables is {service}_owner, the service runs as {service}_service.

CREATE TABLE ledger (
    position     bigint GENERATED ALWAYS AS IDENTITY,
    service      text        NOT NULL,
    partition    smallint    NOT NULL,
    sequence     bigint      NOT NULL CHECK (sequence > 0),
    event_id     uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    type         text        NOT NULL,
    envelope     bytea       NOT NULL CHECK (octet_length(envelope) <= 65535),
    signature    bytea       NOT NULL CHECK (octet_length(signature) IN (64, 100, 132, 164, 196, 228, 260)),
    hash         bytea       NOT NULL CONSTRAINT hash_is_the_envelopes CHECK (hash = sha256('\x00'::bytea || envelope)),
    kafka_offset bigint,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (service, partition, sequence),
    UNIQUE (subject_id, version)
);
COMMENT ON COLUMN ledger.version IS 'gapless per subject over said and heard';
COMMENT ON COLUMN ledger.kafka_offset IS 'where it was heard; null for what this service said';
CREATE UNIQUE INDEX ledger_position ON ledger (position);
-- Not unique: a speaker that repeats an id is a finding of `ledger verify`, and must not stop the chain from being heard.
CREATE INDEX ledger_event_id ON ledger (event_id);

CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege', HINT = 'say a correcting event instead';
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows();
-- ALWAYS: a session with session_replication_role = replica does not get round it.
ALTER TABLE ledger ENABLE ALWAYS TRIGGER only_grows;

-- The head of every chain that this service knows. Its own row of a partition is also that partition's lane: whoever writes for
-- the partition, saying or hearing, holds it, so that numbers and versions come in commit order.
CREATE TABLE chain (
    service   text     NOT NULL,
    partition smallint NOT NULL,
    sequence  bigint   NOT NULL,
    hash      bytea    NOT NULL,
    PRIMARY KEY (service, partition)
);
INSERT INTO chain
SELECT service, partition, 0, decode(repeat('00', 32), 'hex')
FROM unnest(ARRAY['intake', 'triage', 'notify', 'review']) AS service, generate_series(0, 7) AS partition;

CREATE TABLE subject_head (
    subject_id uuid   PRIMARY KEY,
    version     bigint NOT NULL,
    said_hash   bytea  NOT NULL
);
COMMENT ON COLUMN subject_head.said_hash IS 'hash of this service''s own last event of the subject, for subjectprev';

CREATE TABLE idempotency (
    key         text        PRIMARY KEY,
    digest      bytea       NOT NULL,
    subject_id uuid        NOT NULL,
    partition   smallint    NOT NULL,
    sequence    bigint      NOT NULL,
    events      smallint    NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE relay_lease (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch  bigint  NOT NULL
);
INSERT INTO relay_lease (epoch) VALUES (0);

CREATE TABLE relay_cursor (
    partition smallint PRIMARY KEY,
    sequence  bigint   NOT NULL
);
INSERT INTO relay_cursor SELECT partition, 0 FROM generate_series(0, 7) AS partition;

CREATE TABLE heard_offset (
    partition   smallint PRIMARY KEY,
    next_offset bigint   NOT NULL
);
INSERT INTO heard_offset SELECT partition, 0 FROM generate_series(0, 7) AS partition;

CREATE TABLE parked (
    parked_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason       text        NOT NULL,
    detail       text        NOT NULL,
    partition    smallint    NOT NULL,
    kafka_offset bigint      NOT NULL,
    service      text,
    sequence     bigint,
    message_key  bytea,
    value        bytea,
    headers      jsonb       NOT NULL,
    parked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at  timestamptz,
    resolution   text,
    UNIQUE (partition, kafka_offset, reason)
);
CREATE INDEX parked_waiting ON parked (partition, service, sequence) WHERE resolved_at IS NULL;

GRANT SELECT, INSERT ON ledger TO {service}_service;
GRANT SELECT, INSERT, UPDATE ON chain, subject_head, idempotency, relay_lease, relay_cursor, heard_offset, parked TO {service}_service;
GRANT SELECT ON ledger, chain, subject_head, relay_lease, relay_cursor, heard_offset, parked TO ledger_auditor;
