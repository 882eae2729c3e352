//! F13: requests that need a locked table hold connections until the pool is exhausted.

use tokio::sync::oneshot;
use tokio_postgres::{Client, NoTls};

use super::RequestError;

/// Sends to `locked` once it holds ACCESS EXCLUSIVE, which ends with `during`.
pub async fn hold_all_connections<T>(
    database_url: &str,
    table: &str,
    locked: oneshot::Sender<()>,
    during: impl Future<Output = T>,
) -> Result<T, RequestError> {
    let failed = |source| RequestError::Lock { table: table.to_owned(), source };
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await.map_err(failed)?;
    let (held, _) = tokio::join!(hold(client, table, locked, during), connection);
    held.map_err(failed)
}

async fn hold<T>(
    client: Client,
    table: &str,
    locked: oneshot::Sender<()>,
    during: impl Future<Output = T>,
) -> Result<T, tokio_postgres::Error> {
    let table = table.replace('"', "\"\"");
    client.batch_execute(&format!("BEGIN; LOCK TABLE \"{table}\" IN ACCESS EXCLUSIVE MODE")).await?;
    _ = locked.send(()); // the receiver may be gone: the lock is held all the same
    let done = during.await;
    client.batch_execute("COMMIT").await?;
    Ok(done)
}
