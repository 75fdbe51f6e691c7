-- When the worker of retention looks at a closed incident next. No view: what is lost here is looked at again.
-- {service} is replaced by the service's name.

CREATE TABLE retention_look (
    incident_id uuid        PRIMARY KEY,
    next_at     timestamptz NOT NULL
);
CREATE INDEX retention_look_next ON retention_look (next_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON retention_look TO {service}_service;
