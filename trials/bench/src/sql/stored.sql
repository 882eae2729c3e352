-- Stores $1 confirmed orders of the last day with all their rows in payment. Ids rise with time, as UUIDv7 do.
-- VACUUM ANALYZE stands for the autovacuum of a long-running system.
INSERT INTO orders (id, user_id, status, version, total, created_at, settled_at, ended_at, currency, payment_method, charge_id, idempotency_key,
                    request_hash, answer, request_id, traceparent, items)
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(hash, 3) || '8' || right(hash, 15))::uuid,
    ('00000000-0000-7000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid, 'confirmed', 3, 1999, at, at, at, 'EUR', 'tok_ok', 'ch_' || hash,
    'stored-' || n, sha256(hash::bytea), 'accepted', '01890a5d-ac96-774b-bcce-b302099a8057',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '[{"sku":"BENCH-001","name":"BENCH-001","unit_price":{"amount":1999,"currency":"EUR"},"quantity":1,"line_total":{"amount":1999,"currency":"EUR"}}]'
  FROM (SELECT n, md5(n::text) AS hash, now() - interval '1 day' * (1.1 - n::float8 / $1) AS at FROM generate_series(1, $1) AS n) AS stored;
INSERT INTO provider.charges (order_id, charge_id, amount, currency, method, created_at)
  SELECT id, charge_id, total, currency, payment_method, created_at FROM orders;
INSERT INTO inbox (consumer, event_id, processed_at) SELECT 'payment-group', gen_random_uuid(), ended_at FROM orders;
VACUUM ANALYZE orders, provider.charges, inbox;
CHECKPOINT;
