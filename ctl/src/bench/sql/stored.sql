-- Orders of the last day that are long confirmed, with all that payment keeps of them; $1 becomes their number. Ids rise with time,
-- as UUIDv7 do. Statistics are brought up to date at the end, as autovacuum does for a system that has run for a while.
INSERT INTO orders (id, user_id, status, items, total, currency, payment_method, charge_id, version, timeline, traceparent, request_id,
                    created_at, updated_at)
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || left(hash, 3) || '8' || right(hash, 15))::uuid,
    ('00000000-0000-7000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid, 'confirmed',
    '[{"sku":"BENCH-001","name":"BENCH-001","unit_price":{"amount":1999,"currency":"EUR"},"quantity":1,"line_total":{"amount":1999,"currency":"EUR"}}]',
    1999, 'EUR', 'tok_ok', 'ch_' || hash, 3,
    '[{"version":1,"status":"pending","at":"2025-01-01T00:00:00.123456Z","cause":"placed"},{"version":2,"status":"completed","at":"2025-01-01T00:00:00.123456Z","cause":"charged"},{"version":3,"status":"confirmed","at":"2025-01-01T00:00:00.123456Z","cause":"shop.stock.reserved.v1"}]',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '01890a5d-ac96-774b-bcce-b302099a8057', at, at
  FROM (SELECT n, md5(n::text) AS hash, now() - interval '1 day' * (1.1 - n::float8 / $1) AS at FROM generate_series(1, $1) AS n) AS stored;
INSERT INTO idempotency_keys (user_id, key, request_hash, order_id, answer, created_at)
  SELECT user_id, 'stored-' || id, sha256(id::text::bytea), id, 'accepted', created_at FROM orders;
INSERT INTO provider.charges (order_id, charge_id, amount, currency, method, created_at)
  SELECT id, charge_id, total, currency, payment_method, created_at FROM orders;
INSERT INTO inbox (consumer, event_id, processed_at) SELECT 'payment-group', gen_random_uuid(), updated_at FROM orders;
VACUUM ANALYZE orders, idempotency_keys, provider.charges, inbox;
CHECKPOINT;
