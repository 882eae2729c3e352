-- Products and what is on hand of them. Deletion is soft: open orders still settle, and a SKU is never used twice.
CREATE TABLE products (
    sku         text        PRIMARY KEY,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    price       bigint      NOT NULL CONSTRAINT products_price_in_range CHECK (price BETWEEN 1 AND 1000000000000),
    currency    text        NOT NULL,
    on_hand     integer     NOT NULL CONSTRAINT products_on_hand_never_negative CHECK (on_hand >= 0),
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);

-- Every change of on_hand, in the order in which each product saw them: sum(delta) = on_hand, balance = on_hand afterwards.
-- The id is drawn while the product's row is locked, so that for one product a larger id is a later level.
CREATE TABLE stock_ledger (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku      text        NOT NULL REFERENCES products,
    delta    integer     NOT NULL,
    balance  integer     NOT NULL,
    reason   text        NOT NULL,
    order_id uuid,
    event_id uuid,
    at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_ledger_once UNIQUE (event_id, sku),
    CONSTRAINT stock_ledger_order_once UNIQUE (order_id, sku)
);
CREATE INDEX stock_ledger_by_product ON stock_ledger (sku, id);

-- What POST /products/{sku}/stock answered under an Idempotency-Key.
CREATE TABLE stock_adjustments (
    actor         uuid        NOT NULL,
    key           text        NOT NULL,
    sku           text        NOT NULL,
    request_hash  bytea       NOT NULL,
    delta         integer     NOT NULL,
    on_hand_after integer     NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_adjustments_once PRIMARY KEY (actor, key)
);

-- shared::inbox
CREATE TABLE inbox (
    consumer     text        NOT NULL,
    event_id     uuid        NOT NULL,
    reply        text,
    processed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_once PRIMARY KEY (consumer, event_id)
);

-- shared::outbox
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
