-- Y1s: the rows of order_tx.sql in one statement, one round trip.
WITH o AS (INSERT INTO orders (id, user_id, status, version, total, created_at, currency, payment_method, idempotency_key, request_hash, answer, request_id,
                    traceparent, items)
  VALUES (gen_random_uuid(), '01890a5d-ac96-774b-bcce-b302099a8057', 'pending', 1, 1999, now(), 'EUR', 'tok_ok',
    CAST(gen_random_uuid() AS text), '0123456789abcdef0123456789abcdef', 'accepted', '01890a5d-ac96-774b-bcce-b302099a8057',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '[{"sku":"BENCH-001","name":"BENCH-001","unit_price":{"amount":1999,"currency":"EUR"},"quantity":1,"line_total":{"amount":1999,"currency":"EUR"}}]')
  RETURNING id)
INSERT INTO outbox (event_id, stream, envelope, due_at) SELECT gen_random_uuid(), 'order_completed',
  '{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"shop.order.completed.v1","source":"payment","subject":"01890a5d-ac96-774b-bcce-b302099a8057","time":"2025-01-01T00:00:00.123456Z","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","correlationid":"' || id || '","requestid":"01890a5d-ac96-774b-bcce-b302099a8057","data":"{\"order_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"user_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"items\":[{\"sku\":\"BENCH-001\",\"quantity\":1,\"unit_price\":{\"amount\":1999,\"currency\":\"EUR\"}}],\"total\":{\"amount\":1999,\"currency\":\"EUR\"},\"charge_id\":\"ch_01890a5dac96774bbcceb302099a8057\"}"}',
  now() + interval '5 s' FROM o;
