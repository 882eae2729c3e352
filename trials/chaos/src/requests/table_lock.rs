//! F13: requests that need a locked table hold connections until the pool is exhausted.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use super::RequestError;

/// Sends to `locked` once it holds ACCESS EXCLUSIVE.
pub async fn hold_all_connections(
    database_url: &str,
    table: &str,
    time: Duration,
    locked: oneshot::Sender<()>,
) -> Result<(), RequestError> {
    let failed = |source| RequestError::Lock { table: table.to_owned(), source };
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await.map_err(failed)?;
    let (held, _) = tokio::join!(hold(client, table, time, locked), connection);
    held.map_err(failed)
}

async fn hold(
    client: Client,
    table: &str,
    time: Duration,
    locked: oneshot::Sender<()>,
) -> Result<(), tokio_postgres::Error> {
    let table = table.replace('"', "\"\"");
    client.batch_execute(&format!("BEGIN; LOCK TABLE \"{table}\" IN ACCESS EXCLUSIVE MODE")).await?;
    _ = locked.send(()); // the receiver may be gone: the lock is held all the same
    sleep(time).await;
    client.batch_execute("COMMIT").await
}
