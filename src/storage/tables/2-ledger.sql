-- What happened to each request. Numbers stand for names, so that rows and indexes stay small.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE requests (
    at             INTEGER PRIMARY KEY, -- microseconds since 1970 when it ended, made unique: rows lie in the order of time
    id             TEXT    NOT NULL,    -- as its client and the log know it
    client         TEXT,                -- an address; NULL: the command line
    caller         INTEGER NOT NULL,    -- a name, as are all numbers down to `upstream_model`
    endpoint       INTEGER NOT NULL,
    dialect        INTEGER NOT NULL,
    model          INTEGER NOT NULL,    -- as asked for, if that led anywhere
    provider       INTEGER NOT NULL,    -- that answered, or was tried last
    upstream_model INTEGER NOT NULL,
    asked          TEXT,                -- the name asked for, where it led nowhere
    stream         INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    outcome        INTEGER NOT NULL,    -- a name
    input          INTEGER,             -- tokens of the answer that the client got; NULL: nobody counted any
    cached         INTEGER,
    cache_write    INTEGER,
    output         INTEGER,
    reasoning      INTEGER,
    provenance     INTEGER,             -- a name
    cost           REAL,                -- USD of all attempts; NULL: nothing was used, or no price is known
    prices         INTEGER,             -- a name: which list of prices
    first_token    INTEGER,             -- microseconds since it came in, as are those down to `total`
    upstream       INTEGER,
    overhead       INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    request_bytes  INTEGER,
    bytes          INTEGER NOT NULL,
    chunks         INTEGER NOT NULL,
    hedged         INTEGER NOT NULL,
    failed         INTEGER NOT NULL,    -- its client got less than it asked for, and not by its own doing
    error          TEXT,
    traceparent    TEXT,
    way            TEXT    NOT NULL     -- JSON: what the name was found to be, the plan, who was passed over and why
) STRICT;
CREATE INDEX requests_by_id       ON requests (id);
CREATE INDEX requests_by_caller   ON requests (caller);
CREATE INDEX requests_by_model    ON requests (model);
CREATE INDEX requests_by_provider ON requests (provider);
CREATE INDEX requests_by_failure  ON requests (failed) WHERE failed;

-- Every try of it.
CREATE TABLE attempts (
    at             INTEGER NOT NULL, -- of its request
    number         INTEGER NOT NULL, -- from 0, in the order in which they began
    via            INTEGER NOT NULL, -- names
    provider       INTEGER NOT NULL,
    upstream_model INTEGER NOT NULL,
    vendor         INTEGER NOT NULL,
    host           INTEGER NOT NULL,
    port           INTEGER NOT NULL,
    dialect        INTEGER NOT NULL,
    began          INTEGER NOT NULL, -- microseconds since the request came in
    connect        INTEGER,          -- microseconds since it began, or how long it took; NULL: it did not happen
    tls            INTEGER,
    first_byte     INTEGER,
    first_token    INTEGER,
    took           INTEGER NOT NULL,
    status         INTEGER,
    outcome        INTEGER NOT NULL,
    reason         TEXT,
    input          INTEGER,
    cached         INTEGER,
    cache_write    INTEGER,
    output         INTEGER,
    reasoning      INTEGER,
    provenance     INTEGER,
    cost           REAL,
    prices         INTEGER,
    is_hedge       INTEGER NOT NULL,
    PRIMARY KEY (at, number)
) STRICT, WITHOUT ROWID;

-- Sums of a span of time: exact, whatever became of the rows above. A row for each provider that used anything; the
-- request itself is counted with the one that answered, or was tried last.
CREATE TABLE sums (
    slot           INTEGER NOT NULL, -- milliseconds since 1970 when the span begins
    caller         INTEGER NOT NULL, -- names
    model          INTEGER NOT NULL,
    provider       INTEGER NOT NULL,
    upstream_model INTEGER NOT NULL,
    outcome        INTEGER NOT NULL,
    requests       INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    hedges         INTEGER NOT NULL,
    input          INTEGER NOT NULL,
    cached         INTEGER NOT NULL,
    cache_write    INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    reasoning      INTEGER NOT NULL,
    uncertain      INTEGER NOT NULL, -- answers whose tokens were not reported
    cost           REAL    NOT NULL, -- USD
    unpriced       INTEGER NOT NULL, -- answers that used tokens whose price nobody knows
    bytes          INTEGER NOT NULL,
    total          INTEGER NOT NULL, -- microseconds of all requests
    first_token    INTEGER NOT NULL, -- microseconds of all that streamed
    streams        INTEGER NOT NULL, -- how many those are
    PRIMARY KEY (slot, caller, model, provider, upstream_model, outcome)
) STRICT, WITHOUT ROWID;

-- Requests whose rows were lost: there were too many at once, or the disk took no more.
CREATE TABLE lost (
    slot     INTEGER PRIMARY KEY, -- as in `sums`
    requests INTEGER NOT NULL
) STRICT;
