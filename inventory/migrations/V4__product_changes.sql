-- The number of the last change of each product: copies of the catalogue are compared along it. Changes of stock have none.
CREATE SEQUENCE product_changes;
ALTER TABLE products ADD COLUMN change bigint NOT NULL DEFAULT nextval('product_changes');
CREATE INDEX products_by_change ON products (change);
