-- Calls that instances count together: one row for each limit and caller, removed when its allowance is whole again.
-- Unlogged: a count costs no wait for the disk, and one lost in a crash was a minute's.
CREATE UNLOGGED TABLE rate_limits (
    name     text NOT NULL,
    -- A source address, or the id of a client.
    key      text NOT NULL,
    -- The moment at which the allowance is whole; each call moves it.
    whole_at timestamptz NOT NULL,
    PRIMARY KEY (name, key)
);
CREATE INDEX rate_limits_by_age ON rate_limits (whole_at);
