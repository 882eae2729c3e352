use runtime::db::{Connection, DbError, Row};
use uuid::Uuid;

use super::accounts;
use crate::domain::{KeyRecord, KeyRetirement, KeyRotation, KeySchedule, KeyState, StoredKey, StoredSecret};

/// "signkeys" in ASCII.
const LOCK: i64 = 0x7369_676e_6b65_7973;

/// Newest first. Instances that start together agree on one key.
pub async fn load_or_insert(
    connection: &Connection,
    fresh: &StoredKey,
    schedule: KeySchedule,
) -> Result<Vec<KeyRecord>, DbError> {
    let keys = load(connection, schedule).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let sql = "INSERT INTO signing_keys (kid, public_key, pkcs8, sealed_pkcs8)
               SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM signing_keys)";
    let (plain, sealed) = fresh.secret.columns();
    let insert = async || connection.execute(sql, &[&fresh.kid, &fresh.public_key, &plain, &sealed]).await;
    locked(connection, insert).await?;
    load(connection, schedule).await
}

/// Newest first.
pub async fn load(connection: &Connection, schedule: KeySchedule) -> Result<Vec<KeyRecord>, DbError> {
    let sql = "SELECT kid, public_key, pkcs8, sealed_pkcs8, created_at, signs_from, signs_from <= now() AS has_begun,
                      lead(signs_from) OVER (ORDER BY signs_from, kid) + $1 * interval '1 second' AS verifies_until
               FROM signing_keys ORDER BY signs_from DESC, kid DESC";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&schedule.verifies_for.as_secs_f64()]).await?;
    let begun: Vec<bool> = rows.iter().map(|row| row.get("has_begun")).collect::<Result<_, _>>()?;
    rows.iter().zip(KeyState::of(&begun)).map(|(row, state)| record(row, state)).collect()
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

/// Requires that `actor` is an enabled ADMIN now, and that no other key waits to sign.
pub async fn publish(
    connection: &Connection,
    actor: Uuid,
    fresh: &StoredKey,
    schedule: KeySchedule,
) -> Result<KeyRotation, DbError> {
    if !accounts::is_admin(connection, actor).await? {
        return Ok(KeyRotation::NotAdmin);
    }
    let sql = "INSERT INTO signing_keys (kid, public_key, pkcs8, sealed_pkcs8, signs_from)
               SELECT $1, $2, $3, $4, clock_timestamp() + $5 * interval '1 second'
               WHERE NOT EXISTS (SELECT FROM signing_keys WHERE signs_from > now())
               ON CONFLICT (kid) DO NOTHING";
    let (plain, sealed) = fresh.secret.columns();
    let notice = schedule.notice.as_secs_f64();
    let insert =
        async || connection.execute(sql, &[&fresh.kid, &fresh.public_key, &plain, &sealed, &notice]).await;
    locked(connection, insert).await?;
    let published = load(connection, schedule).await?.into_iter().find(|record| record.key.kid == fresh.kid);
    Ok(published.map_or(KeyRotation::InProgress, KeyRotation::Published))
}

/// Requires that `actor` is an enabled ADMIN now. The next key signs from now on if this one did.
pub async fn retire(
    connection: &Connection,
    actor: Uuid,
    kid: &str,
    schedule: KeySchedule,
) -> Result<KeyRetirement, DbError> {
    if !accounts::is_admin(connection, actor).await? {
        return Ok(KeyRetirement::NotAdmin);
    }
    locked(connection, async || {
        let records = load(connection, schedule).await?;
        let state = |record: &KeyRecord| (record.key.kid == kid).then_some(record.state);
        let next = records.iter().rfind(|record| record.state == KeyState::Published);
        let next = match (records.iter().find_map(state), next) {
            (None, _) => return Ok(KeyRetirement::Absent),
            (Some(KeyState::Signing), None) => return Ok(KeyRetirement::OnlySigningKey),
            (Some(KeyState::Signing), Some(next)) => Some(next.key.kid.as_str()),
            (Some(_), _) => None,
        };
        let sql = "WITH retired AS (DELETE FROM signing_keys WHERE kid = $1)
                   UPDATE signing_keys SET signs_from = clock_timestamp() WHERE kid = $2";
        connection.execute(sql, &[&kid, &next]).await?;
        Ok(KeyRetirement::Retired)
    })
    .await
}

/// Removes the keys whose last token has expired, and returns their kids.
pub async fn retire_expired(connection: &Connection, schedule: KeySchedule) -> Result<Vec<String>, DbError> {
    let sql = "DELETE FROM signing_keys k WHERE EXISTS (
                   SELECT FROM signing_keys n WHERE n.signs_from > k.signs_from
                                                AND n.signs_from < now() - $1 * interval '1 second')
               RETURNING kid";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&schedule.verifies_for.as_secs_f64()]).await?;
    rows.iter().map(|row| row.get("kid")).collect()
}

/// Holds off other instances. The advisory lock ends with the session at the latest.
async fn locked<T>(
    connection: &Connection,
    change: impl AsyncFnOnce() -> Result<T, DbError>,
) -> Result<T, DbError> {
    connection.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let outcome = change().await;
    connection.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    outcome
}

fn record(row: &Row, state: KeyState) -> Result<KeyRecord, DbError> {
    let secret = match row.get::<Option<Vec<u8>>>("sealed_pkcs8")? {
        Some(sealed) => StoredSecret::Sealed(sealed),
        None => StoredSecret::Plain(row.get("pkcs8")?),
    };
    let key = StoredKey { kid: row.get("kid")?, public_key: row.get("public_key")?, secret };
    Ok(KeyRecord {
        key,
        state,
        created_at: row.get("created_at")?,
        signs_from: row.get("signs_from")?,
        verifies_until: row.get("verifies_until")?,
    })
}
