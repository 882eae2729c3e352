-- With `key-encryption-key`: AES-256-GCM of the PKCS#8, as nonce, ciphertext and tag, for this kid only.
ALTER TABLE signing_keys ADD COLUMN sealed_pkcs8 bytea;
ALTER TABLE signing_keys ALTER COLUMN pkcs8 DROP NOT NULL;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_one_form CHECK (num_nonnulls(pkcs8, sealed_pkcs8) = 1);

-- A new key is published before it signs. The last one that began signs; the ones before verify.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;
UPDATE signing_keys SET signs_from = created_at;
ALTER TABLE signing_keys ALTER COLUMN signs_from SET NOT NULL;
ALTER TABLE signing_keys ALTER COLUMN signs_from SET DEFAULT clock_timestamp();
