-- The rows of one order that POST /orders stores, for `plain_handler.rs`.
WITH placed AS (
  INSERT INTO orders (id, user_id, status, version, total, created_at, currency, payment_method, idempotency_key, request_hash, answer, request_id,
                      traceparent, items)
  VALUES ($1, $2, 'pending', 1, $3, now(), 'EUR', 'tok_ok', $4, $5, 'accepted', $6, $7, $8)
  RETURNING id, created_at)
INSERT INTO charges_due (batch, orders, placed_at) SELECT id, ARRAY[id], created_at FROM placed
