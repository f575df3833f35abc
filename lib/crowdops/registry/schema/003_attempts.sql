-- How often the unit was launched anew, because its HIT led to a page that is gone: part of its HIT's token.
ALTER TABLE units ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0);
