-- How many calls a second a server has borne. Its place is its id, or, where it has none, its address.
CREATE TABLE paces (
    place           TEXT NOT NULL,
    environment     TEXT NOT NULL,
    endpoint        TEXT NOT NULL,  -- where it answered by then
    rate            REAL NOT NULL,
    is_limit        INTEGER NOT NULL CHECK (is_limit IN (0, 1)),  -- 1: it has refused more
    noted_at        TEXT NOT NULL,
    PRIMARY KEY (place, environment)
) WITHOUT ROWID;
