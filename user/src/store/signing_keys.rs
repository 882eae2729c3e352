use runtime::db::{Connection, DbError, Row};

use crate::domain::SigningKey;

/// "signkeys" in ASCII.
const LOCK: i64 = 0x7369_676e_6b65_7973;

/// Newest first. A session's advisory lock makes instances that start together agree on one key.
pub async fn load_or_insert(connection: &Connection, fresh: &SigningKey) -> Result<Vec<SigningKey>, DbError> {
    let keys = load(connection).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    connection.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let sql = "INSERT INTO signing_keys (kid, pkcs8, public_key) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM signing_keys)";
    let inserted = connection.execute(sql, &[&fresh.kid, &fresh.pkcs8, &fresh.public_key]).await;
    connection.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    inserted?;
    load(connection).await
}

/// Newest first.
pub async fn load(connection: &Connection) -> Result<Vec<SigningKey>, DbError> {
    let rows = connection
        .query("SELECT kid, pkcs8, public_key FROM signing_keys ORDER BY created_at DESC, kid", &[])
        .await?;
    rows.iter().map(key).collect()
}

fn key(row: &Row) -> Result<SigningKey, DbError> {
    Ok(SigningKey { kid: row.get("kid")?, pkcs8: row.get("pkcs8")?, public_key: row.get("public_key")? })
}
