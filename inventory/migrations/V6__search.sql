-- Products on sale by the beginning of their SKU or name. Byte order, because a prefix is a range of it. Stock is in
-- neither: an update of it stays on its page and touches no index.
CREATE INDEX products_by_sku_prefix ON products (sku COLLATE "C") WHERE deleted_at IS NULL;
CREATE INDEX products_by_name_prefix ON products (lower(name) COLLATE "C", sku COLLATE "C") WHERE deleted_at IS NULL;
