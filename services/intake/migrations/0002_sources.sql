-- Which callers may speak for which sources of CloudEvents, and what they may report; and the keys of anonymous reports, which are
-- forgotten. {service} is replaced by the service's name.

-- Written by `ledger source` as the owner: the service reads who is registered and can register nobody.
CREATE TABLE source (
    source_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject   text        NOT NULL,
    source    text        NOT NULL,
    opens     boolean     NOT NULL,
    adds      boolean     NOT NULL,
    exercises boolean     NOT NULL,
    added_at  timestamptz NOT NULL,
    ended_at  timestamptz
);
COMMENT ON COLUMN source.subject IS 'the pseudonym of the subject of the caller''s token';
COMMENT ON COLUMN source.source IS 'the `source` of its CloudEvents; one that ends in * stands for all that begin so';
COMMENT ON COLUMN source.opens IS 'may report new incidents';
COMMENT ON COLUMN source.adds IS 'may add to incidents that others reported';
COMMENT ON COLUMN source.exercises IS 'may report exercises';
COMMENT ON COLUMN source.ended_at IS 'null while the registration counts; one that has ended stays, as a record';
CREATE UNIQUE INDEX source_registered ON source (subject, source) WHERE ended_at IS NULL;

-- Who opened an incident is asked at each report that adds to it.
CREATE INDEX report_opens ON report (incident_id) WHERE (data ->> 'opens')::boolean;

-- The keys of anonymous reports were plain hashes of caller and key, which can be guessed.
DELETE FROM idempotency USING report
WHERE report.anonymous AND (report.partition, report.sequence) = (idempotency.partition, idempotency.sequence);
CREATE INDEX idempotency_anonymous ON idempotency (recorded_at) WHERE starts_with(key, 'anonymous ');

GRANT SELECT ON source TO {service}_service, ledger_auditor;
GRANT DELETE ON idempotency TO {service}_service;
