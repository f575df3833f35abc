-- Which crowd server a run is at, at whatever address; NULL for an endpoint that has no identity.
ALTER TABLE task_runs ADD COLUMN crowd_server_id TEXT;
CREATE INDEX task_runs_by_place ON task_runs (crowd_server_id, environment, endpoint);

-- Where a server was seen. Its place is its id, or, where it has none, the address at which it was seen first.
CREATE TABLE addresses (
    place           TEXT NOT NULL,
    environment     TEXT NOT NULL,
    endpoint        TEXT NOT NULL,
    first_seen_at   TEXT NOT NULL,
    seen_at         TEXT NOT NULL,
    PRIMARY KEY (place, environment, endpoint)
) WITHOUT ROWID;
