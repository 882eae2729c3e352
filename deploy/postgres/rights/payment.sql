-- What `shopctl verify` reads, also as the verifier.
GRANT USAGE ON SCHEMA public, provider TO orderflow_operator;
GRANT SELECT (id, user_id, status, version, total, currency, created_at, settled_at, ended_at, payment_method, charge_id,
              refund_id, idempotency_key, items) ON orders TO orderflow_operator;
GRANT SELECT (sku, name, price, currency, version, deleted) ON catalogue TO orderflow_operator;
GRANT SELECT (consumer, event_id, reply, processed_at) ON inbox TO orderflow_operator;
GRANT SELECT (event_id) ON outbox TO orderflow_operator;
GRANT SELECT (order_id) ON refunds_due, charges_retried TO orderflow_operator;
GRANT SELECT (orders) ON charges_due TO orderflow_operator;
GRANT SELECT (order_id, charge_id, amount, currency) ON provider.charges TO orderflow_operator;
GRANT SELECT (order_id, refund_id, amount) ON provider.refunds TO orderflow_operator;

-- What the service may not do although the rows are its own: the provider's books are history.
REVOKE INSERT, UPDATE, DELETE ON refinery_schema_history FROM orderflow_payment;
REVOKE UPDATE, DELETE ON provider.charges, provider.refunds FROM orderflow_payment;
