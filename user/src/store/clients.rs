//! OAuth clients. Each statement may be repeated after a lost connection.

use runtime::{
    auth::Scope,
    db::{Connection, DbError, Row},
};
use uuid::Uuid;

use super::revocations::{ISSUED_AT, NOT_BEFORE, issued_at, revoke as revocation};
use crate::domain::{Client, ClientId, Scopes};

const COLUMNS: &str = "client_id, subject, scopes, created_at, rotated_at, revoked_at";

#[derive(Debug, Clone)]
pub struct NewClient {
    pub id: ClientId,
    pub subject: Uuid,
    /// SHA-256.
    pub secret_hash: Vec<u8>,
    pub scopes: Scopes,
}

/// `None` if there is one of this name. A revoked one begins anew.
pub async fn insert(connection: &Connection, new: &NewClient) -> Result<Option<Client>, DbError> {
    let sql = format!(
        "INSERT INTO oauth_clients AS c (client_id, subject, secret_hash, scopes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (client_id) DO UPDATE SET secret_hash = $3, scopes = $4, created_at = now(),
             rotated_at = NULL, revoked_at = NULL
         WHERE c.revoked_at IS NOT NULL OR c.secret_hash = $3
         RETURNING {COLUMNS}"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let NewClient { id, subject, secret_hash, scopes } = new;
    let row = connection.query_opt(&statement, &[&id.as_str(), subject, secret_hash, &names(scopes)]).await?;
    row.as_ref().map(client).transpose()
}

/// Keeps a client of this name as it is, revoked or not. Returns the stored one.
pub async fn insert_unless_there(
    connection: &Connection,
    new: &NewClient,
) -> Result<Option<FoundClient>, DbError> {
    let sql = "INSERT INTO oauth_clients (client_id, subject, secret_hash, scopes) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING";
    let NewClient { id, subject, secret_hash, scopes } = new;
    connection.execute(sql, &[&id.as_str(), subject, secret_hash, &names(scopes)]).await?;
    find(connection, id.as_str()).await
}

/// A client, revoked or not.
#[derive(Debug, Clone)]
pub struct FoundClient {
    pub client: Client,
    pub secret_hash: Vec<u8>,
    /// The moment of a token for it, in Unix milliseconds.
    pub issued_at: u64,
}

/// Finds a client. The lock puts its tokens before or after a revocation.
pub async fn find(connection: &Connection, id: &str) -> Result<Option<FoundClient>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS}, secret_hash, {ISSUED_AT} FROM oauth_clients WHERE client_id = $1 FOR SHARE"
    );
    let row = connection.query_opt(&connection.prepare_cached(&sql).await?, &[&id]).await?;
    let found = |row: &Row| {
        let (client, secret_hash) = (client(row)?, row.get("secret_hash")?);
        Ok(FoundClient { client, secret_hash, issued_at: issued_at(row)? })
    };
    row.as_ref().map(found).transpose()
}

/// By name, after `after`. Revoked ones are included.
pub async fn list(connection: &Connection, after: &str, limit: usize) -> Result<Vec<Client>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM oauth_clients WHERE client_id > $1 ORDER BY client_id LIMIT $2");
    let statement = connection.prepare_cached(&sql).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.query(&statement, &[&after, &limit]).await?.iter().map(client).collect()
}

/// Replaces the secret. `None` if there is no such client, or it is revoked.
pub async fn rotate(
    connection: &Connection,
    id: &ClientId,
    secret_hash: &[u8],
) -> Result<Option<Client>, DbError> {
    let sql = format!(
        "UPDATE oauth_clients SET secret_hash = $2, rotated_at = now()
         WHERE client_id = $1 AND revoked_at IS NULL RETURNING {COLUMNS}"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let row = connection.query_opt(&statement, &[&id.as_str(), &secret_hash]).await?;
    row.as_ref().map(client).transpose()
}

/// Ends a client and revokes its tokens. False if there is none of this name.
pub async fn revoke(connection: &Connection, id: &ClientId) -> Result<bool, DbError> {
    let revocation = revocation("SELECT subject, not_before FROM ended");
    let sql = format!(
        "WITH ended AS (UPDATE oauth_clients SET revoked_at = coalesce(revoked_at, now()) WHERE client_id = $1
                        RETURNING subject, {NOT_BEFORE}),
              revoked AS ({revocation})
         SELECT FROM ended"
    );
    let statement = connection.prepare_cached(&sql).await?;
    Ok(connection.query_opt(&statement, &[&id.as_str()]).await?.is_some())
}

/// Revokes the tokens of `subject` that were issued before this Unix time in milliseconds. One row a client: no
/// client can make the published list long.
pub async fn revoke_tokens(connection: &Connection, subject: Uuid, before: u64) -> Result<(), DbError> {
    let sql = revocation("SELECT $1::uuid, $2::bigint");
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    connection.execute(&connection.prepare_cached(&sql).await?, &[&subject, &before]).await.map(drop)
}

fn names(scopes: &Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}

/// A scope that this version does not know grants nothing.
fn client(row: &Row) -> Result<Client, DbError> {
    let names: Vec<&str> = row.get("scopes")?;
    Ok(Client {
        id: ClientId::from_stored(row.get("client_id")?),
        subject: row.get("subject")?,
        scopes: names.into_iter().filter_map(Scope::parse).collect(),
        created_at: row.get("created_at")?,
        rotated_at: row.get("rotated_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}
