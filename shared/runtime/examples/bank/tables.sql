-- The tables of the example `bank` and of the tests: the effect, and the two tables that make it happen once.
-- Nothing in `deposits` keeps a deposit from being made twice; the inbox does.
CREATE TABLE deposits (event_id uuid NOT NULL, account text NOT NULL, amount int NOT NULL);

CREATE TABLE inbox (
    consumer     text        NOT NULL,
    event_id     uuid        NOT NULL,
    reply        text,
    processed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_once PRIMARY KEY (event_id, consumer)
);

CREATE TABLE outbox (
    event_id        uuid        PRIMARY KEY,
    stream          text        NOT NULL,
    envelope        text        NOT NULL,
    repeats         integer,
    attempts        integer     NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    entry_id        text,
    acknowledged_at timestamptz
);
CREATE INDEX outbox_due ON outbox (stream, due_at);
