-- Times are seconds since 1970-01-01T00:00:00Z. Sealed columns hold what MasterKey or Secrets sealed.

-- One row: proves, before anything else is opened, that the master key is the one of this store.
CREATE TABLE sealed_canary (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB    NOT NULL
);

-- The Data Protection key ring: each XML element sealed by the master key.
CREATE TABLE data_protection_keys (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
);

-- The proxy's own signing keys; the private key is PKCS #8, sealed.
CREATE TABLE signing_keys (
    id           TEXT   PRIMARY KEY,
    algorithm    TEXT   NOT NULL,
    sealed       BLOB   NOT NULL,
    published_at BIGINT NOT NULL,
    signs_from   BIGINT NOT NULL
);

-- The last keys fetched of each foreign issuer: they serve while it is down.
CREATE TABLE issuer_keys (
    issuer     TEXT   PRIMARY KEY,
    document   BLOB   NOT NULL,
    fetched_at BIGINT NOT NULL
);

CREATE TABLE revocations (
    id         TEXT   PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- The last good policy set of each context, as its source delivered it.
CREATE TABLE policy_sets (
    context  TEXT   PRIMARY KEY,
    source   TEXT   NOT NULL,
    version  TEXT   NOT NULL,
    content  BLOB   NOT NULL,
    taken_at BIGINT NOT NULL
);
