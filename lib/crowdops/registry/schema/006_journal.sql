-- Whom an entry is about, beside its target: the HIT of an assignment or of a bonus, and its worker.
ALTER TABLE events ADD COLUMN hit_id TEXT;
ALTER TABLE events ADD COLUMN worker_id TEXT;
UPDATE events SET hit_id = target WHERE kind LIKE 'hit-%' OR kind IN ('unit-reopened', 'unit-stranded', 'unit-planned-again');
UPDATE events SET worker_id = target WHERE kind LIKE 'worker-%';
-- Where an assignment's id went from one worker to the next, which of them was meant is not known.
UPDATE events SET
    hit_id = (SELECT CASE count(*) WHEN 1 THEN max(hit_id) END FROM assignments WHERE assignment_id = target),
    worker_id = (SELECT CASE count(*) WHEN 1 THEN max(worker_id) END FROM assignments WHERE assignment_id = target)
WHERE kind LIKE 'assignment-%' OR kind LIKE 'bonus-%';

CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_kind ON events (kind);
CREATE INDEX events_by_target ON events (target);
CREATE INDEX events_by_hit ON events (hit_id) WHERE hit_id IS NOT NULL;
CREATE INDEX events_by_worker ON events (worker_id) WHERE worker_id IS NOT NULL;
