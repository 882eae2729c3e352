-- One row for all orders that were placed together: a row an order, written and deleted, was a fifteenth of what an order costs here.
-- `batch` is the id of one of them.
ALTER TABLE charges_due RENAME COLUMN order_id TO batch;
ALTER TABLE charges_due ADD COLUMN orders uuid[];
UPDATE charges_due SET orders = ARRAY[batch];
ALTER TABLE charges_due ALTER COLUMN orders SET NOT NULL;
