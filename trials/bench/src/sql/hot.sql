-- Y2: one unit of one hot product and one inbox row, one transaction each.
BEGIN;
INSERT INTO inbox (consumer, event_id) VALUES ('inventory-group', gen_random_uuid());
UPDATE products SET on_hand = on_hand - 1, updated_at = now() WHERE sku = 'BENCH-HOT' AND on_hand >= 1;
COMMIT;
