-- What `shopctl verify` reads, also as the verifier.
GRANT USAGE ON SCHEMA public TO orderflow_operator;
GRANT SELECT (sku, name, price, currency, on_hand, version, updated_at, deleted_at) ON products TO orderflow_operator;
GRANT SELECT (id, sku, delta, balance, order_id, event_id) ON stock_ledger TO orderflow_operator;
GRANT SELECT (consumer, event_id, reply, processed_at) ON inbox TO orderflow_operator;
GRANT SELECT (event_id) ON outbox TO orderflow_operator;

-- What the service may not do although the rows are its own: the ledger is history.
REVOKE INSERT, UPDATE, DELETE ON refinery_schema_history FROM orderflow_inventory;
REVOKE UPDATE, DELETE ON stock_ledger FROM orderflow_inventory;
