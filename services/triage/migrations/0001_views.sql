-- What triage's readers see, written from the ledger and emptied by a rebuild.
-- {service} is replaced by the service's name.

CREATE TABLE incident (
    incident_id   uuid        PRIMARY KEY,
    exercise      boolean     NOT NULL,
    opened_at     timestamptz NOT NULL,
    stage         smallint    NOT NULL,
    platform      text        NOT NULL,
    determination text,
    severity      text,
    assessment    jsonb,
    inaction      text,
    dismissal     jsonb,
    reports       integer     NOT NULL,
    owed          integer     NOT NULL
);
COMMENT ON COLUMN incident.stage IS 'how far it has come, as the index of a name in views.STAGES';
COMMENT ON COLUMN incident.owed IS 'uses of break-glass that a second person has not spoken on';
CREATE INDEX incident_newest ON incident (opened_at DESC, incident_id DESC);
CREATE INDEX incident_owing ON incident (opened_at DESC, incident_id DESC) WHERE owed > 0;

CREATE TABLE fact (
    fact_id      uuid        PRIMARY KEY,
    incident_id  uuid        NOT NULL,
    version      bigint      NOT NULL,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text        NOT NULL,
    data         jsonb       NOT NULL,
    corrected_by uuid
);
CREATE INDEX fact_incident ON fact (incident_id, version);

CREATE TABLE seat (
    incident_id uuid NOT NULL,
    seat        text NOT NULL,
    holder      text NOT NULL,
    PRIMARY KEY (incident_id, seat)
);
CREATE INDEX seat_holder ON seat (holder);

CREATE TABLE action (
    action_id   uuid        PRIMARY KEY,
    incident_id uuid        NOT NULL,
    version     bigint      NOT NULL,
    proposed_at timestamptz NOT NULL,
    proposed_by text        NOT NULL,
    proposal    jsonb       NOT NULL,
    legal       jsonb,
    legal_by    text,
    authorised_by text[]    NOT NULL,
    outcome     jsonb,
    outcome_by  text
);
CREATE INDEX action_incident ON action (incident_id, version);

CREATE TABLE break_glass (
    break_glass_id uuid        PRIMARY KEY,
    incident_id    uuid        NOT NULL,
    version        bigint      NOT NULL,
    used_at        timestamptz NOT NULL,
    used_by        text        NOT NULL,
    use            jsonb       NOT NULL,
    word           jsonb,
    word_by        text
);
CREATE INDEX break_glass_incident ON break_glass (incident_id, version);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON incident, fact, seat, action, break_glass TO {service}_service;
