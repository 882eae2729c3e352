-- Orders. The row holds everything about an order, its timeline included: a transition is one update of one row, and
-- `version` (the length of the timeline) cannot disagree with it.
CREATE TABLE orders (
    id             uuid        PRIMARY KEY,
    user_id        uuid        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('pending', 'completed', 'confirmed', 'refunded', 'declined')),
    items          jsonb       NOT NULL,
    total          bigint      NOT NULL CHECK (total > 0),
    currency       text        NOT NULL,
    payment_method text        NOT NULL,
    charge_id      text,
    refund_id      text,
    reason         text,
    version        integer     NOT NULL,
    timeline       jsonb       NOT NULL,
    traceparent    text        NOT NULL,
    request_id     text        NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT orders_timeline_has_every_version CHECK (jsonb_array_length(timeline) = version),
    CONSTRAINT orders_refund_iff_refunded CHECK ((status = 'refunded') = (refund_id IS NOT NULL)),
    CONSTRAINT orders_charge_iff_paid CHECK ((status IN ('completed', 'confirmed', 'refunded')) = (charge_id IS NOT NULL))
) WITH (fillfactor = 70); -- room for two more versions on the same page

CREATE INDEX orders_of_user ON orders (user_id, id);
-- What the reconciler looks for; nearly empty when all is well.
CREATE INDEX orders_pending ON orders (created_at) WHERE status = 'pending';

-- One row per (user, key), written with the order. `answer` is how the first request was answered; replays repeat it.
CREATE TABLE idempotency_keys (
    user_id      uuid        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    order_id     uuid        NOT NULL,
    answer       text        CHECK (answer IN ('accepted', 'terminal')),
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_once PRIMARY KEY (user_id, key)
);
-- For forgetting old keys: rows arrive in order of time, so a block range index is enough.
CREATE INDEX idempotency_keys_age ON idempotency_keys USING brin (created_at);

-- Payment's own copy of the catalogue, fed by product_changed: orders are taken while inventory is down.
CREATE TABLE catalogue (
    sku      text    PRIMARY KEY,
    name     text    NOT NULL,
    price    bigint  NOT NULL CHECK (price > 0),
    currency text    NOT NULL,
    version  bigint  NOT NULL,
    deleted  boolean NOT NULL
);

CREATE TABLE inbox (
    consumer     text        NOT NULL,
    event_id     uuid        NOT NULL,
    reply        text,
    processed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_once PRIMARY KEY (consumer, event_id)
);

CREATE TABLE outbox (
    event_id   uuid        PRIMARY KEY,
    stream     text        NOT NULL,
    envelope   text        NOT NULL,
    repeats    integer,
    attempts   integer     NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due ON outbox (due_at);

-- The simulated payment provider's own books: its own schema and its own commits, as if it were somebody else's.
CREATE SCHEMA provider;

CREATE TABLE provider.charges (
    order_id   uuid        PRIMARY KEY,
    charge_id  text        NOT NULL UNIQUE,
    amount     bigint      NOT NULL CHECK (amount > 0),
    currency   text        NOT NULL,
    method     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE provider.refunds (
    order_id   uuid        PRIMARY KEY REFERENCES provider.charges,
    refund_id  text        NOT NULL UNIQUE,
    amount     bigint      NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
