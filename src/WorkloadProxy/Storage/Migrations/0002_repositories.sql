-- Hosted policy repositories where replicas share the store: all refs (a line "<id> SP <name>" each), at a version that rises with each change. A server alone has them in its data directory.
CREATE TABLE repositories (
    context TEXT   PRIMARY KEY,
    version BIGINT NOT NULL,
    refs    TEXT   NOT NULL
);

-- Their objects: a git pack for each change. The version is NULL until the change is accepted.
CREATE TABLE repository_packs (
    id      TEXT   PRIMARY KEY,
    context TEXT   NOT NULL,
    version BIGINT,
    pack    BLOB   NOT NULL
);

CREATE INDEX repository_packs_by_context ON repository_packs (context, version);
