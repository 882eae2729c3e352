use runtime::db::{Connection, DbError, Row};

use crate::domain::{StoredKey, StoredSecret};

/// "signkeys" in ASCII.
const LOCK: i64 = 0x7369_676e_6b65_7973;

/// Newest first. A session's advisory lock makes instances that start together agree on one key.
pub async fn load_or_insert(connection: &Connection, fresh: &StoredKey) -> Result<Vec<StoredKey>, DbError> {
    let keys = load(connection).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    connection.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let sql = "INSERT INTO signing_keys (kid, public_key, pkcs8, sealed_pkcs8)
               SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM signing_keys)";
    let (plain, sealed) = fresh.secret.columns();
    let inserted = connection.execute(sql, &[&fresh.kid, &fresh.public_key, &plain, &sealed]).await;
    connection.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    inserted?;
    load(connection).await
}

/// Newest first.
pub async fn load(connection: &Connection) -> Result<Vec<StoredKey>, DbError> {
    let sql =
        "SELECT kid, public_key, pkcs8, sealed_pkcs8 FROM signing_keys ORDER BY signs_from DESC, kid DESC";
    let rows = connection.query(&connection.prepare_cached(sql).await?, &[]).await?;
    rows.iter().map(key).collect()
}

/// Stores the private half in another form.
pub async fn replace_secret(
    connection: &Connection,
    kid: &str,
    secret: &StoredSecret,
) -> Result<(), DbError> {
    let (plain, sealed) = secret.columns();
    let sql = "UPDATE signing_keys SET pkcs8 = $2, sealed_pkcs8 = $3 WHERE kid = $1";
    connection.execute(sql, &[&kid, &plain, &sealed]).await.map(drop)
}

fn key(row: &Row) -> Result<StoredKey, DbError> {
    let secret = match row.get::<Option<Vec<u8>>>("sealed_pkcs8")? {
        Some(sealed) => StoredSecret::Sealed(sealed),
        None => StoredSecret::Plain(row.get("pkcs8")?),
    };
    Ok(StoredKey { kid: row.get("kid")?, public_key: row.get("public_key")?, secret })
}
