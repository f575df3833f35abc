CREATE TABLE task_runs (
    run_id          TEXT PRIMARY KEY,
    task_name       TEXT NOT NULL,
    environment     TEXT NOT NULL CHECK (environment IN ('local', 'sandbox', 'production')),
    endpoint        TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('launching', 'running', 'draining', 'finished', 'stopped', 'failed')),
    detached        INTEGER NOT NULL DEFAULT 0 CHECK (detached IN (0, 1)),
    parameters      TEXT NOT NULL,  -- JSON: the run parameters as they were resolved at launch
    data_digest     TEXT NOT NULL,  -- SHA-256 of the data file
    units           INTEGER NOT NULL CHECK (units >= 0),
    hit_type_id     TEXT,
    created_at      TEXT NOT NULL,  -- every time is ISO 8601 in UTC
    ended_at        TEXT,
    reason          TEXT            -- why the run ended as it did, in words
);
CREATE INDEX task_runs_by_name ON task_runs (task_name);

CREATE TABLE units (
    run_id          TEXT NOT NULL REFERENCES task_runs (run_id),
    unit_index      INTEGER NOT NULL CHECK (unit_index >= 0),
    state           TEXT NOT NULL DEFAULT 'planned'
                    CHECK (state IN ('planned', 'creating', 'outstanding', 'finished', 'disposed', 'expired', 'failed')),
    input           TEXT,           -- JSON object: the data row; NULL when it cannot be known
    hit_id          TEXT,
    intended_at     TEXT,           -- when 'creating' was written: a token is good for a day from here
    created_at      TEXT,
    expired_at      TEXT,           -- when this suite ended the HIT early
    error           TEXT,
    PRIMARY KEY (run_id, unit_index)
) WITHOUT ROWID;
CREATE INDEX units_by_state ON units (run_id, state, unit_index);
CREATE UNIQUE INDEX units_by_hit ON units (hit_id) WHERE hit_id IS NOT NULL;

-- A returned assignment's id can be handed to the next worker, so the worker is part of the key.
CREATE TABLE assignments (
    assignment_id   TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    unit_index      INTEGER NOT NULL,
    hit_id          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('Submitted', 'Approved', 'Rejected')),
    accepted_at     TEXT,
    submitted_at    TEXT,
    auto_approval_at TEXT,
    approved_at     TEXT,
    rejected_at     TEXT,
    answer          TEXT NOT NULL,  -- JSON object: field name to value
    bonus           TEXT,           -- decimal dollars paid beside the reward
    collected_at    TEXT NOT NULL,
    PRIMARY KEY (assignment_id, worker_id),
    FOREIGN KEY (run_id, unit_index) REFERENCES units (run_id, unit_index)
) WITHOUT ROWID;
CREATE INDEX assignments_by_unit ON assignments (run_id, unit_index);

CREATE TABLE servers (
    server_id       TEXT PRIMARY KEY,
    run_id          TEXT REFERENCES task_runs (run_id),
    kind            TEXT NOT NULL CHECK (kind IN ('local', 'heroku', 'url')),
    name            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('creating', 'up', 'gone')),
    url             TEXT,
    detail          TEXT NOT NULL,  -- JSON object: pid and start time, or app id, team, size and number of dynos
    created_at      TEXT NOT NULL,
    ended_at        TEXT
);
CREATE INDEX servers_by_run ON servers (run_id);
CREATE INDEX servers_by_state ON servers (state);

-- What was done to what, when, by which command. Rows are only ever added.
CREATE TABLE events (
    event_id        INTEGER PRIMARY KEY,
    at              TEXT NOT NULL,
    command         TEXT NOT NULL,
    pid             INTEGER NOT NULL,
    run_id          TEXT,
    kind            TEXT NOT NULL,
    target          TEXT NOT NULL,
    detail          TEXT
);
CREATE INDEX events_by_run ON events (run_id, event_id);
