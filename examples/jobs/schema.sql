-- Made once, in one transaction with the jobs themselves.

CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY,
    payload    TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done', 'failed')),
    attempts   INTEGER NOT NULL DEFAULT 0,  -- how often it was leased; the number of the lease that holds it
    panics     INTEGER NOT NULL DEFAULT 0,  -- how many workers it has cost
    not_before INTEGER NOT NULL DEFAULT 0,  -- in milliseconds since 1970
    leased_by  INTEGER,                     -- the run that leased it last
    error      TEXT                         -- what the last panic said
) STRICT;

CREATE INDEX jobs_that_wait ON jobs (not_before, id) WHERE state = 'queued';

-- A row for each completion. Nothing here keeps a job from having two: so a second one would be seen, not hidden.
CREATE TABLE completions (
    job     INTEGER NOT NULL REFERENCES jobs (id),
    attempt INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    result  INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (number INTEGER PRIMARY KEY) STRICT;
