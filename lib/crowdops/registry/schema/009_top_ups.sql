-- The type of the HITs that take another's place: it keeps out who has answered the units that have such a HIT.
ALTER TABLE task_runs ADD COLUMN replacement_type_id TEXT;
-- Whether the unit's HIT is, or is to be, of that type.
ALTER TABLE units ADD COLUMN is_replaced INTEGER NOT NULL DEFAULT 0 CHECK (is_replaced IN (0, 1));

-- HITs of which another has taken the place, with more answers than none: they stay, and are nobody's own any more.
CREATE TABLE replaced_hits (
    hit_id          TEXT PRIMARY KEY,
    run_id          TEXT NOT NULL REFERENCES task_runs (run_id),
    unit_index      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX replaced_hits_by_run ON replaced_hits (run_id, unit_index);
