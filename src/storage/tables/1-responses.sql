CREATE TABLE responses (
    id       TEXT    NOT NULL,
    owner    TEXT    NOT NULL,
    model    TEXT    NOT NULL,
    created  INTEGER NOT NULL, -- milliseconds since 1970
    origin   TEXT,             -- the provider that keeps it; NULL: it is kept here
    key      TEXT,             -- which of its keys asked for it: a digest
    input    TEXT,             -- all that was said before it: a list of items
    response TEXT,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (id, owner)
) STRICT;
CREATE INDEX responses_by_age ON responses (created, bytes);
