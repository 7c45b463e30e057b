-- Credentials that were made at an upstream for one caller's token, until they are deleted there. Sealed: the credential, and what its deletion needs.
CREATE TABLE exchanged_credentials (
    id         TEXT   PRIMARY KEY,
    entry      TEXT   NOT NULL,
    sealed     BLOB   NOT NULL,
    expires_at BIGINT NOT NULL,
    held_until BIGINT NOT NULL
);

-- Tokens of an upstream that went to a caller through the proxy, by their hash, with the caller.
CREATE TABLE handed_out_tokens (
    id         TEXT   PRIMARY KEY,
    upstream   TEXT   NOT NULL,
    caller     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
