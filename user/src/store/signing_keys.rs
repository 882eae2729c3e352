use shared::db::{Connection, DbError};
use tokio_postgres::Row;

use crate::domain::SigningKey;

/// Key of the advisory lock: "signkeys" in ASCII.
const LOCK: i64 = 0x7369_676e_6b65_7973;

/// All keys, newest first; `fresh` becomes the first one if there is none. Instances that start together agree on it.
pub async fn load_or_insert(connection: &mut Connection, fresh: &SigningKey) -> Result<Vec<SigningKey>, DbError> {
    let transaction = connection.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let rows = transaction.query("SELECT kid, pkcs8, public_key FROM signing_keys ORDER BY created_at DESC, kid", &[]).await?;
    let mut keys: Vec<SigningKey> = rows.iter().map(key).collect();
    if keys.is_empty() {
        let sql = "INSERT INTO signing_keys (kid, pkcs8, public_key) VALUES ($1, $2, $3)";
        transaction.execute(sql, &[&fresh.kid, &fresh.pkcs8, &fresh.public_key]).await?;
        keys.push(fresh.clone());
    }
    transaction.commit().await?;
    Ok(keys)
}

fn key(row: &Row) -> SigningKey {
    SigningKey { kid: row.get("kid"), pkcs8: row.get("pkcs8"), public_key: row.get("public_key") }
}
