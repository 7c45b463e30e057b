-- Sessions of AT Protocol accounts that have signed in. Both tokens and the DPoP key are sealed as one; once a session has ended they are NULL, and `ended` says why. The lease names who is refreshing;
-- before `rest_until` nobody tries again.
CREATE TABLE atproto_sessions (
    did          TEXT   PRIMARY KEY,
    version      BIGINT NOT NULL,
    issuer       TEXT   NOT NULL,
    key_id       TEXT,
    scopes       TEXT   NOT NULL,
    account      TEXT   NOT NULL,
    sealed       BLOB,
    connected_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended        TEXT,
    lease        TEXT,
    lease_until  BIGINT NOT NULL,
    rest_until   BIGINT NOT NULL,
    failures     BIGINT NOT NULL
);

-- The keys with which the proxy authenticates at authorization servers.
CREATE TABLE atproto_client_keys (
    id           TEXT   PRIMARY KEY,
    sealed       BLOB   NOT NULL,
    published_at BIGINT NOT NULL,
    signs_from   BIGINT NOT NULL
);

-- Sign-ins under way, by the hash of their state.
CREATE TABLE atproto_sign_ins (
    id         TEXT   PRIMARY KEY,
    sealed     BLOB   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Tokens for a context's policy repository, by their hash.
CREATE TABLE git_tokens (
    id         TEXT   PRIMARY KEY,
    context    TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What app passwords gave. The tokens, their server and a hash of the password are sealed as one; `presented_at` is when the password was last sent to a server.
CREATE TABLE atproto_password_sessions (
    did          TEXT   PRIMARY KEY,
    version      BIGINT NOT NULL,
    sealed       BLOB,
    presented_at BIGINT NOT NULL,
    lease        TEXT,
    lease_until  BIGINT NOT NULL
);
