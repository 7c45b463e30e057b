-- Tokens that people gave by signing in: both of them sealed as one, NULL once the credential has ended, with the reason in its place. A lease is the replica that refreshes it.
CREATE TABLE oauth_credentials (
    context      TEXT   PRIMARY KEY,
    version      BIGINT NOT NULL,
    scopes       TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    sealed       BLOB,
    connected_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at   BIGINT,
    ended        TEXT,
    lease        TEXT,
    lease_until  BIGINT NOT NULL
);

-- Whose teams have signed in: without an entry in the configuration such a context has a hosted policy repository.
CREATE TABLE signed_in_contexts (
    context TEXT   PRIMARY KEY,
    since   BIGINT NOT NULL
);

-- States that have served, by their hash, until they would have expired anyway.
CREATE TABLE used_sign_in_states (
    id         TEXT   PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- People's sessions, by the hash of what their cookie holds.
CREATE TABLE sessions (
    id         TEXT   PRIMARY KEY,
    context    TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    notice     TEXT,
    expires_at BIGINT NOT NULL
);
