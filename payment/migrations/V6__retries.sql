-- What the provider has not done yet is asked for again, each with a backoff of its own: it holds up nothing else. Both tables are
-- nearly empty when all is well.
CREATE TABLE charges_retried (
    order_id   uuid        PRIMARY KEY,
    -- Attempts so far; 0: its process died before the first one, or forgot it.
    attempts   integer     NOT NULL,
    -- When it is asked for (again); -infinity: before all that were asked for before.
    due_at     timestamptz NOT NULL,
    last_error text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX charges_retried_due ON charges_retried (due_at);
CREATE INDEX charges_retried_since ON charges_retried (since);

-- The event that asks for a refund is in the inbox, and what it answers is out of the outbox: this row is what is left of both.
-- A row without an event gives back what was charged for an order that had been declined.
CREATE TABLE refunds_due (
    order_id   uuid        PRIMARY KEY,
    event_id   uuid,
    -- The `order_completed` it answers.
    answers    uuid,
    reason     text        NOT NULL,
    envelope   text,
    attempts   integer     NOT NULL,
    due_at     timestamptz NOT NULL,
    last_error text        NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_due_due ON refunds_due (due_at);
CREATE INDEX refunds_due_parked ON refunds_due (parked_at);
