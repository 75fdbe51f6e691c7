-- Who stands behind a pseudonym. Events name pseudonyms alone; this directory turns them back into names, and can forget.

CREATE TABLE person (
    pseudonym text        NOT NULL PRIMARY KEY CHECK (pseudonym ~ '^p[a-z2-7]{26}$'),
    subject   text        NOT NULL,
    name      text,
    seen_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN person.subject IS 'as the token or the request that was seen first spelt it';

CREATE TABLE forgotten_person (
    pseudonym    text        NOT NULL PRIMARY KEY,
    forgotten_by uuid        NOT NULL,
    forgotten_at timestamptz NOT NULL
);
COMMENT ON TABLE forgotten_person IS 'persons who are never taken in again; forgotten_by is the event that says so';

CREATE TABLE untold_person (
    pseudonym text NOT NULL PRIMARY KEY
);
COMMENT ON TABLE untold_person IS 'persons of whom the relay has to tell the other services: their names, or that they are forgotten';

GRANT SELECT, INSERT, UPDATE, DELETE ON person TO {service}_service;
GRANT SELECT, INSERT, DELETE ON untold_person TO {service}_service;
GRANT SELECT, INSERT ON forgotten_person TO {service}_service;
GRANT SELECT ON forgotten_person TO ledger_auditor;
