-- What notify's readers and its sender see, written from the ledger and emptied by a rebuild.
-- {service} is replaced by the service's name.

CREATE TABLE incident (
    incident_id   uuid        PRIMARY KEY,
    known_since   timestamptz NOT NULL,
    exercise      boolean,
    determination text,
    severity      text
);
COMMENT ON COLUMN incident.exercise IS 'null until the report is heard';
CREATE INDEX incident_newest ON incident (known_since DESC, incident_id DESC);

CREATE TABLE duty (
    incident_id uuid        NOT NULL,
    audience    text        NOT NULL,
    rule        text        NOT NULL,
    status      text        NOT NULL,
    required_at timestamptz NOT NULL,
    settled_at  timestamptz,
    settled_by  text,
    reason      text,
    PRIMARY KEY (incident_id, audience)
);
COMMENT ON COLUMN duty.reason IS 'digest of why it was waived';
CREATE INDEX duty_owed ON duty (incident_id) WHERE status = 'required';

CREATE TABLE communication (
    communication_id uuid        PRIMARY KEY,
    incident_id      uuid        NOT NULL,
    audience         text        NOT NULL,
    channel          text        NOT NULL,
    texts            text[]      NOT NULL,
    facts            uuid[]      NOT NULL,
    drafted_by       text        NOT NULL,
    drafted_at       timestamptz NOT NULL,
    approvals_needed smallint    NOT NULL,
    approvals        jsonb       NOT NULL DEFAULT '[]',
    status           text        NOT NULL DEFAULT 'draft',
    since            timestamptz NOT NULL,
    attempt          integer     NOT NULL DEFAULT 0,
    due_at           timestamptz,
    note             text
);
COMMENT ON COLUMN communication.since IS 'when it came to its status';
COMMENT ON COLUMN communication.due_at IS 'when the sender takes it up; null when it does not';
COMMENT ON COLUMN communication.texts IS 'digests of title and text';
COMMENT ON COLUMN communication.note IS 'digest of why it was rejected, why sending failed, or what a person found out';
CREATE INDEX communication_newest ON communication (drafted_at DESC, communication_id DESC);
CREATE INDEX communication_incident ON communication (incident_id, drafted_at DESC, communication_id DESC);
CREATE INDEX communication_due ON communication (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX communication_started ON communication (communication_id) WHERE status = 'started';

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON incident, duty, communication TO {service}_service;
