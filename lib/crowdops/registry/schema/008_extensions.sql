-- How many assignments the unit's HIT has or is to have; NULL: as many as its run's assignments_per_unit.
ALTER TABLE units ADD COLUMN places INTEGER CHECK (places > 0);
CREATE INDEX units_by_places ON units (run_id, state) WHERE places IS NOT NULL;

-- More assignments or more time for the HITs of a run, as a command asked for it; open until all of them have it.
CREATE TABLE extension_orders (
    order_id        INTEGER PRIMARY KEY,
    run_id          TEXT NOT NULL REFERENCES task_runs (run_id),
    terms           TEXT NOT NULL,  -- JSON object: assignments, seconds, until
    begun_at        TEXT NOT NULL,
    ended_at        TEXT
);
CREATE UNIQUE INDEX extension_orders_open ON extension_orders (run_id) WHERE ended_at IS NULL;

-- One HIT of an order. 'sending' was written before the calls, which it outlives: the token is made of the HIT and
-- of how many assignments it is to have.
CREATE TABLE extensions (
    order_id        INTEGER NOT NULL REFERENCES extension_orders (order_id),
    hit_id          TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    unit_index      INTEGER NOT NULL,
    max_assignments INTEGER,
    expires_at      TEXT,
    state           TEXT NOT NULL CHECK (state IN ('sending', 'done', 'failed')),
    intended_at     TEXT NOT NULL,
    settled_at      TEXT,
    error           TEXT,
    PRIMARY KEY (order_id, hit_id),
    FOREIGN KEY (run_id, unit_index) REFERENCES units (run_id, unit_index)
) WITHOUT ROWID;
CREATE INDEX extensions_by_unit ON extensions (run_id, unit_index);
