-- What a person decided about an assignment. 'noted' waits to be carried out; 'sending' was written before the call.
CREATE TABLE decisions (
    assignment_id   TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    verdict         TEXT NOT NULL CHECK (verdict IN ('approve', 'reject')),
    feedback        TEXT,
    bonus           TEXT,           -- decimal dollars to pay with it
    soft_block      INTEGER NOT NULL DEFAULT 0 CHECK (soft_block IN (0, 1)),
    state           TEXT NOT NULL CHECK (state IN ('noted', 'sending', 'done', 'failed')),
    decided_at      TEXT NOT NULL,
    settled_at      TEXT,
    error           TEXT,
    PRIMARY KEY (assignment_id, worker_id),
    FOREIGN KEY (assignment_id, worker_id) REFERENCES assignments (assignment_id, worker_id)
) WITHOUT ROWID;
CREATE INDEX decisions_by_state ON decisions (state);

-- A bonus is what its token is made of: assignment, worker, amount and reason. It exists once.
CREATE TABLE bonuses (
    token           TEXT PRIMARY KEY,
    assignment_id   TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    amount          TEXT NOT NULL,  -- decimal dollars
    reason          TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('sending', 'paid', 'failed')),
    intended_at     TEXT NOT NULL,
    settled_at      TEXT,
    error           TEXT,
    FOREIGN KEY (assignment_id, worker_id) REFERENCES assignments (assignment_id, worker_id)
) WITHOUT ROWID;
CREATE INDEX bonuses_by_assignment ON bonuses (assignment_id, worker_id);

-- A compensation HIT is a run of its own, of one unit, under the task_name it makes up for.
CREATE TABLE makeups (
    makeup_id       TEXT PRIMARY KEY,  -- a hash of endpoint, task_name, worker, amount and reason
    run_id          TEXT NOT NULL UNIQUE,  -- chosen here, before the run is written
    worker_id       TEXT NOT NULL,
    intended_at     TEXT NOT NULL
) WITHOUT ROWID;

-- Who got which message. 'sending' that stays so may have arrived, and is never sent again.
CREATE TABLE notices (
    endpoint        TEXT NOT NULL,
    digest          TEXT NOT NULL,  -- of the text
    worker_id       TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('sending', 'sent', 'failed')),
    intended_at     TEXT NOT NULL,
    settled_at      TEXT,
    error           TEXT,
    PRIMARY KEY (endpoint, digest, worker_id)
) WITHOUT ROWID;
