-- What a charge still has to be asked for; written with the order, gone with its charge. It was a partial index on
-- orders (status = 'pending') once: every order went in and out of it, and no update of a status could be HOT.
CREATE TABLE charges_due (
    order_id  uuid        PRIMARY KEY,
    placed_at timestamptz NOT NULL
);
INSERT INTO charges_due SELECT id, created_at FROM orders WHERE status = 'pending';
DROP INDEX orders_pending;

-- No index column of an order ever changes: with room on the page both transitions are HOT and touch no index.
ALTER TABLE orders SET (fillfactor = 50);

-- The event first: looked up by (consumer, event id), the consumer alone would match the whole table, and a planner with
-- statistics from a young table has taken that way.
ALTER TABLE inbox DROP CONSTRAINT inbox_once, ADD CONSTRAINT inbox_once PRIMARY KEY (event_id, consumer);

-- Without it the newest keys are in no range until a vacuum, and forgetting old ones reads them all.
ALTER INDEX idempotency_keys_age SET (autosummarize = on);
