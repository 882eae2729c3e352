//! F13: a table nobody can use. Whoever needs it waits with a connection in hand, until the pool has none
//! left.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use super::RequestError;

/// Holds `table` of the database at `database_url` (a service's own) in ACCESS EXCLUSIVE MODE for so long;
/// returns when it is free again. `locked` is told as soon as it is held.
///
/// # Errors
/// [`RequestError::Lock`] when the lock cannot be had, or is lost with the connection.
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
    _ = locked.send(()); // nobody waits for it any more: held all the same
    sleep(time).await;
    client.batch_execute("COMMIT").await
}
