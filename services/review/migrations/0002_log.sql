-- What the sealer knows of the sealed log. One row, changed only by the holder of the current epoch.
-- {service} is replaced by the service's name.

CREATE TABLE log_state (
    single         boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch          bigint  NOT NULL DEFAULT 0,
    size           bigint  NOT NULL DEFAULT 0,
    root           bytea   NOT NULL,
    published_size bigint  NOT NULL DEFAULT 0,
    published_root bytea   NOT NULL,
    published_at   timestamptz,
    witnessed_size bigint,
    entries        bytea[],
    signatures     bytea[],
    CHECK (published_size <= size),
    CHECK (coalesce(cardinality(entries), 0) = size - published_size)
);
COMMENT ON COLUMN log_state.size IS 'decided: these leaves and no others, whether or not anybody has seen them yet';
COMMENT ON COLUMN log_state.entries IS 'the leaves that are decided and not yet published, to be written again after a crash';
COMMENT ON COLUMN log_state.witnessed_size IS 'the largest tree that a quorum of witnesses cosigned; null when none did';
ALTER TABLE log_state ALTER COLUMN entries SET STORAGE EXTERNAL, ALTER COLUMN signatures SET STORAGE EXTERNAL;
INSERT INTO log_state (root, published_root) VALUES (sha256(''), sha256(''));

CREATE TABLE log_leaf (
    leaf      bigint   NOT NULL UNIQUE,
    service   text     NOT NULL,
    partition smallint NOT NULL,
    sequence  bigint   NOT NULL,
    hash      bytea    NOT NULL,
    PRIMARY KEY (service, partition, sequence)
);
COMMENT ON TABLE log_leaf IS 'where each event stands in the log: the index of its leaf, from 0';
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON log_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows();
ALTER TABLE log_leaf ENABLE ALWAYS TRIGGER only_grows;

CREATE TABLE log_chain (
    service   text     NOT NULL,
    partition smallint NOT NULL,
    sequence  bigint   NOT NULL,
    hash      bytea    NOT NULL,
    PRIMARY KEY (service, partition)
);
COMMENT ON TABLE log_chain IS 'the last event of each chain that is a leaf';
INSERT INTO log_chain
SELECT service, partition, 0, decode(repeat('00', 32), 'hex')
FROM unnest(ARRAY['intake', 'triage', 'notify', 'review']) AS service, generate_series(0, 7) AS partition;

CREATE TABLE log_rotation (
    service   text     NOT NULL,
    partition smallint NOT NULL,
    sequence  bigint   NOT NULL,
    envelope  bytea    NOT NULL,
    PRIMARY KEY (service, partition, sequence)
);
COMMENT ON TABLE log_rotation IS 'the leaves that change a key';

CREATE TABLE log_offset (
    partition   smallint PRIMARY KEY,
    next_offset bigint   NOT NULL
);
INSERT INTO log_offset SELECT partition, 0 FROM generate_series(0, 7) AS partition;

CREATE TABLE log_waiting (
    partition    smallint NOT NULL,
    kafka_offset bigint   NOT NULL,
    service      text     NOT NULL,
    sequence     bigint   NOT NULL,
    message_key  bytea,
    value        bytea    NOT NULL,
    headers      jsonb    NOT NULL,
    PRIMARY KEY (partition, kafka_offset)
);
COMMENT ON TABLE log_waiting IS 'what came before its chain''s earlier numbers did: held back until they come';

CREATE TABLE log_hole (
    service     text        NOT NULL,
    partition   smallint    NOT NULL,
    sequence    bigint      NOT NULL,
    since       timestamptz NOT NULL,
    recorded_at timestamptz,
    filled_at   timestamptz,
    PRIMARY KEY (service, partition, sequence)
);

CREATE TABLE log_parked (
    partition    smallint    NOT NULL,
    kafka_offset bigint      NOT NULL,
    reason       text        NOT NULL,
    detail       text        NOT NULL,
    value_sha256 bytea       NOT NULL,
    service      text,
    sequence     bigint,
    parked_at    timestamptz NOT NULL,
    recorded_at  timestamptz,
    PRIMARY KEY (partition, kafka_offset)
);
COMMENT ON TABLE log_parked IS 'what is on the topic and never becomes a leaf; its bytes stay on the topic, and in the table parked';

CREATE TABLE log_witness (
    name      text        PRIMARY KEY,
    size      bigint,
    answered_at timestamptz,
    problem   text
);
COMMENT ON COLUMN log_witness.size IS 'the largest tree that it is known to have cosigned';

GRANT SELECT, INSERT ON log_leaf, log_rotation TO {service}_service;
GRANT SELECT, UPDATE ON log_state TO {service}_service;
GRANT SELECT, INSERT, UPDATE ON log_chain, log_offset, log_hole, log_parked TO {service}_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON log_waiting, log_witness TO {service}_service;
GRANT SELECT ON log_state, log_leaf, log_rotation, log_chain, log_offset, log_waiting, log_hole, log_parked, log_witness TO ledger_auditor;
