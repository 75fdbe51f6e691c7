-- What people wrote, beside the events that hold its digests: readable, and erasable. A text counts for an event when its digest
-- stands in it. Whoever may write to the topic can tell a text under another event's id, so the id is part of the key: such a copy
-- does not keep the true one out.

CREATE TABLE disclosure (
    digest   text NOT NULL,
    event_id uuid NOT NULL,
    content  text NOT NULL,
    PRIMARY KEY (digest, event_id)
);
COMMENT ON COLUMN disclosure.content IS 'base64url of the JSON [salt, name, value], RFC 9901';
CREATE INDEX disclosure_event ON disclosure (event_id);

CREATE TABLE erased (
    digest    text        NOT NULL PRIMARY KEY,
    event_id  uuid        NOT NULL,
    name      text        NOT NULL,
    erased_by uuid        NOT NULL,
    erased_at timestamptz NOT NULL,
    ground    text        NOT NULL
);
COMMENT ON TABLE erased IS 'texts that are never taken in again; erased_by is the event that says so';
CREATE INDEX erased_event ON erased (event_id);

CREATE TABLE retold (
    event_id  uuid     NOT NULL PRIMARY KEY,
    partition smallint NOT NULL,
    mark      bigint   GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE retold IS 'events whose texts the relay has to tell again, with fewer or with none';
COMMENT ON COLUMN retold.mark IS 'another one whenever it is wanted once more: what was told before does not settle it';

CREATE TABLE told_offset (
    partition   smallint PRIMARY KEY,
    next_offset bigint   NOT NULL
);
COMMENT ON TABLE told_offset IS 'how far the topic of disclosures has been read';
INSERT INTO told_offset SELECT partition, 0 FROM generate_series(0, 7) AS partition;

ALTER TABLE relay_lease ADD COLUMN nudged_at timestamptz NOT NULL DEFAULT clock_timestamp();
COMMENT ON COLUMN relay_lease.nudged_at IS 'when each partition of the topic of disclosures was last written to for the sake of its compaction';

GRANT SELECT, INSERT, DELETE ON disclosure TO {service}_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON retold TO {service}_service;
GRANT SELECT, INSERT ON erased TO {service}_service;
GRANT SELECT, INSERT, UPDATE ON told_offset TO {service}_service;
GRANT SELECT ON erased, retold, told_offset TO ledger_auditor;
GRANT SELECT (digest, event_id) ON disclosure TO ledger_auditor;
