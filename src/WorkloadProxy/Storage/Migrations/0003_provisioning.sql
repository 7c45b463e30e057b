-- A provisioning token that a VM is about to be created with. It is worth nothing until the cloud has answered and droplets are bound to it.
CREATE TABLE provisioning_tokens (
    hash       TEXT   PRIMARY KEY,
    context    TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Droplets that were created with one. The token serves once for each: then proved_at and the host key that proved it are set, and that key is kept.
CREATE TABLE provisioned_droplets (
    context    TEXT   NOT NULL,
    droplet_id TEXT   NOT NULL,
    token_hash TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    proved_at  BIGINT,
    host_key   TEXT,
    PRIMARY KEY (context, droplet_id)
);

CREATE INDEX provisioned_droplets_by_token ON provisioned_droplets (token_hash);

-- A line of refresh tokens that began with one proof.
CREATE TABLE refresh_families (
    id         TEXT   PRIMARY KEY,
    context    TEXT   NOT NULL,
    droplet_id TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX refresh_families_by_droplet ON refresh_families (context, droplet_id);

-- Tokens by their SHA-256; a spent one stays, so that its reuse is noticed. The answer that spent it is sealed under the token itself.
CREATE TABLE refresh_tokens (
    hash       TEXT   PRIMARY KEY,
    family     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at   BIGINT,
    successor  TEXT,
    answer     BLOB
);

CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);
