-- A disabled account neither logs in nor refreshes.
ALTER TABLE accounts ADD COLUMN disabled_at timestamptz;

-- One row a login. Its refresh tokens are one family.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_of_account ON sessions (account_id);

-- A used token stays until its family ends: whoever shows it again has stolen it, or was robbed of it.
CREATE TABLE refresh_tokens (
    -- SHA-256
    token_hash  bytea PRIMARY KEY,
    session_id  uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    -- The hash of the token it was exchanged for.
    replaced_by bytea,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Logins since the last right password, by the SHA-256 of the e-mail: also of e-mails without an account, so that an answer
-- tells nothing about them.
CREATE TABLE login_attempts (
    email_hash    bytea PRIMARY KEY,
    attempts      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX login_attempts_by_age ON login_attempts (last_at);

-- Accounts and sessions whose access tokens from before this moment are refused, in Unix milliseconds by the clock of `user`,
-- which also dates the tokens. Rows go when the last of these tokens has expired.
CREATE TABLE revocations (
    subject    uuid PRIMARY KEY,
    not_before bigint NOT NULL
);
