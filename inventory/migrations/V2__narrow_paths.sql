-- The event first: looked up by (consumer, event id), the consumer alone would match the whole table, and a planner with
-- statistics from a young table has taken that way.
ALTER TABLE inbox DROP CONSTRAINT inbox_once, ADD CONSTRAINT inbox_once PRIMARY KEY (event_id, consumer);

-- Half the indexes of the ledger, with the same guards. An event belongs to one order, so (order_id, sku) refuses what
-- (event_id, sku) refused. A line of an absent product has no balance, and balance is NOT NULL. Products are never removed.
ALTER TABLE stock_ledger
    DROP CONSTRAINT stock_ledger_once,
    DROP CONSTRAINT stock_ledger_sku_fkey,
    DROP CONSTRAINT stock_ledger_pkey,
    ADD CONSTRAINT stock_ledger_pkey PRIMARY KEY (sku, id);
DROP INDEX stock_ledger_by_product;
