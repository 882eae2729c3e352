-- A revoked client keeps its row: neither the setting `service-clients` nor a second call may bring it back unasked.
CREATE TABLE oauth_clients (
    client_id   text PRIMARY KEY CHECK (client_id ~ '^[a-z0-9-]{1,64}$'),
    -- `sub` of its tokens, made of its id.
    subject     uuid NOT NULL UNIQUE,
    -- SHA-256 of 256 random bits, or of at least 32 characters from the setting.
    secret_hash bytea NOT NULL,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- The last change of the secret.
    rotated_at  timestamptz,
    revoked_at  timestamptz
);
