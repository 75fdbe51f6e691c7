-- What review's readers see, written from the ledger and emptied by a rebuild.
-- {service} is replaced by the service's name.

CREATE TABLE review (
    incident_id    uuid        PRIMARY KEY,
    status         text        NOT NULL DEFAULT 'not_opened' CHECK (status IN ('not_opened', 'open', 'published')),
    exercise       boolean,
    determination  text,
    severity       text,
    dismissed      boolean     NOT NULL DEFAULT false,
    known_since    timestamptz NOT NULL,
    reported_at    timestamptz,
    opened_at      timestamptz,
    published_at   timestamptz,
    closed_at      timestamptz,
    findings       integer     NOT NULL DEFAULT 0,
    action_items   integer     NOT NULL DEFAULT 0,
    lessons        integer     NOT NULL DEFAULT 0,
    next_review_on date
);
COMMENT ON COLUMN review.exercise IS 'null while the report that opened the incident is not known here';
COMMENT ON COLUMN review.closed_at IS 'since when retention runs: dismissed, or published';
CREATE INDEX review_closed ON review (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX review_newest ON review (known_since DESC, incident_id DESC);

CREATE TABLE action_item (
    finding_id  uuid     NOT NULL,
    number      smallint NOT NULL,
    incident_id uuid     NOT NULL,
    description text,
    owner       text     NOT NULL,
    due         date     NOT NULL,
    PRIMARY KEY (finding_id, number)
);
COMMENT ON COLUMN action_item.description IS 'digest of it';
CREATE INDEX action_item_due ON action_item (due, finding_id, number);
CREATE INDEX action_item_owner ON action_item (owner, due, finding_id, number);

CREATE TABLE lesson (
    lesson_id   uuid PRIMARY KEY,
    incident_id uuid NOT NULL,
    text        text
);
COMMENT ON COLUMN lesson.text IS 'digest of it';
CREATE INDEX lesson_incident ON lesson (incident_id);

CREATE TABLE erasure (
    erasure_id   uuid        PRIMARY KEY,
    incident_id  uuid        NOT NULL,
    status       text        NOT NULL CHECK (status IN ('requested', 'erased', 'refused')),
    scope        text,
    ground       text        NOT NULL,
    texts        jsonb       NOT NULL,
    asked_as     text,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL,
    reason       text,
    decided_by   text,
    decided_at   timestamptz,
    refusal      text
);
COMMENT ON COLUMN erasure.texts IS 'events and fields, never what they said';
COMMENT ON COLUMN erasure.reason IS 'digest of it, as is refusal';
CREATE INDEX erasure_newest ON erasure (requested_at DESC, erasure_id DESC);
CREATE INDEX erasure_incident ON erasure (incident_id, requested_at DESC, erasure_id DESC);

CREATE TABLE hold (
    hold_id        uuid        PRIMARY KEY,
    incident_id    uuid        NOT NULL,
    placed_as      text        NOT NULL,
    placed_by      text        NOT NULL,
    placed_at      timestamptz NOT NULL,
    reason         text,
    released_by    text,
    released_at    timestamptz,
    release_reason text
);
COMMENT ON COLUMN hold.reason IS 'digest of it, as is release_reason';
CREATE INDEX hold_incident ON hold (incident_id, placed_at DESC, hold_id DESC);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON review, action_item, lesson, erasure, hold TO {service}_service;
