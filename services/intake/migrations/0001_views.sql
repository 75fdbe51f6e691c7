-- What intake's readers see, written from the ledger and emptied by a rebuild; and the reporters, which stand nowhere else.
-- {service} is replaced by the service's name.

CREATE TABLE incident (
    incident_id uuid        PRIMARY KEY,
    exercise    boolean     NOT NULL,
    opened_at   timestamptz NOT NULL,
    stage       smallint    NOT NULL
);
COMMENT ON COLUMN incident.stage IS 'how far it has come, as the index of a name in views.STAGES';

CREATE TABLE report (
    report_id   uuid        PRIMARY KEY,
    incident_id uuid        NOT NULL,
    version     bigint      NOT NULL,
    said_at     timestamptz NOT NULL,
    actor       text        NOT NULL,
    anonymous   boolean     NOT NULL,
    exercise    boolean     NOT NULL,
    channel     text        NOT NULL,
    platform    text        NOT NULL,
    partition   smallint    NOT NULL,
    sequence    bigint      NOT NULL,
    hash        bytea       NOT NULL,
    data        jsonb       NOT NULL
);
CREATE INDEX report_newest ON report (said_at DESC, report_id DESC);
CREATE INDEX report_incident ON report (incident_id, said_at DESC, report_id DESC);
CREATE INDEX report_platform ON report (platform, said_at DESC, report_id DESC);

-- Personal data. Not a view: the ledger knows only the reference, so nothing can write these rows again.
CREATE TABLE reporter (
    reference uuid        PRIMARY KEY,
    name      text,
    contact   text,
    kept_at   timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON incident, report TO {service}_service;
GRANT SELECT, INSERT, DELETE ON reporter TO {service}_service;
