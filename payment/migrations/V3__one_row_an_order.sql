-- One row an order, and as short as it can be: the key it was asked for with and the times of its steps are columns of it. A
-- table of keys cost a second row and a second look-up an order; a timeline in jsonb was parsed and written anew at every step.
ALTER TABLE orders RENAME TO orders_before;

CREATE TABLE orders (
    id              uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    status          text        COLLATE "C" NOT NULL CHECK (status IN ('pending', 'completed', 'confirmed', 'refunded', 'declined')),
    version         integer     NOT NULL,
    total           bigint      NOT NULL CHECK (total > 0),
    created_at      timestamptz NOT NULL,
    -- Charged or declined; confirmed or refunded. With `created_at` the timeline: an order takes three steps at most.
    settled_at      timestamptz,
    ended_at        timestamptz,
    currency        text        COLLATE "C" NOT NULL,
    payment_method  text        COLLATE "C" NOT NULL,
    charge_id       text        COLLATE "C",
    refund_id       text        COLLATE "C",
    reason          text        COLLATE "C",
    -- `answer` is how the first request with this key was answered; replays repeat it.
    idempotency_key text        COLLATE "C" NOT NULL,
    request_hash    bytea       NOT NULL,
    answer          text        COLLATE "C" CHECK (answer IN ('accepted', 'terminal')),
    request_id      text        COLLATE "C" NOT NULL,
    traceparent     text        COLLATE "C" NOT NULL,
    items           json        NOT NULL,
    -- Every step counts one up: whoever takes one twice, or goes on after the end, is refused.
    CONSTRAINT orders_version_counts_steps CHECK (version = 1 + (settled_at IS NOT NULL)::int + (ended_at IS NOT NULL)::int),
    CONSTRAINT orders_settled_unless_pending CHECK ((status = 'pending') = (settled_at IS NULL)),
    CONSTRAINT orders_ended_iff_decided CHECK ((status IN ('confirmed', 'refunded')) = (ended_at IS NOT NULL)),
    CONSTRAINT orders_refund_iff_refunded CHECK ((status = 'refunded') = (refund_id IS NOT NULL)),
    CONSTRAINT orders_charge_iff_paid CHECK ((status IN ('completed', 'confirmed', 'refunded')) = (charge_id IS NOT NULL))
) WITH (fillfactor = 50); -- no indexed column ever changes: with room on the page both steps are HOT and touch no index

INSERT INTO orders
SELECT o.id, o.user_id, o.status, o.version, o.total, o.created_at,
       (o.timeline -> 1 ->> 'at')::timestamptz, (o.timeline -> 2 ->> 'at')::timestamptz,
       o.currency, o.payment_method, o.charge_id, o.refund_id, o.reason,
       -- A key that was forgotten: nobody can ask with the id of an order before there is one.
       coalesce(k.key, o.id::text), coalesce(k.request_hash, ''), k.answer,
       o.request_id, o.traceparent, o.items::json
FROM orders_before o LEFT JOIN idempotency_keys k ON k.order_id = o.id;

DROP TABLE orders_before, idempotency_keys;

ALTER TABLE orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id),
    ADD CONSTRAINT orders_key_once UNIQUE (user_id, idempotency_key);
CREATE INDEX orders_of_user ON orders (user_id, id);

-- What nobody looks anything up by. That a charge is booked once is said by its order.
ALTER TABLE provider.charges DROP CONSTRAINT charges_charge_id_key;
ALTER TABLE provider.refunds DROP CONSTRAINT refunds_refund_id_key;
