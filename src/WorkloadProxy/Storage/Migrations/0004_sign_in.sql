-- Tokens that people gave by signing in. The access and the refresh token are sealed as one; once the credential has ended they are NULL, and `ended` says why. The lease names the replica that is refreshing.
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

-- Contexts whose teams have signed in. One without a policy source in the configuration has a hosted repository.
CREATE TABLE signed_in_contexts (
    context TEXT   PRIMARY KEY,
    since   BIGINT NOT NULL
);

-- States of sign-ins that have been used, by their hash, until they would have expired anyway.
CREATE TABLE used_sign_in_states (
    id         TEXT   PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Sessions, by the hash of the cookie's value.
CREATE TABLE sessions (
    id         TEXT   PRIMARY KEY,
    context    TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    notice     TEXT,
    expires_at BIGINT NOT NULL
);
