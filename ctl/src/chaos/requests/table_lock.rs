//! F13: a table nobody can use. Whoever needs it waits with a connection in hand, until the pool has none left.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use super::RequestError;

/// Holds `table` of the database at `database_url` (a service's own) in ACCESS EXCLUSIVE MODE for so long; returns when it
/// is free again.
///
/// # Errors
/// [`RequestError::Lock`] when the lock cannot be had, or is lost with the connection.
pub async fn hold_all_connections(database_url: &str, table: &str, time: Duration) -> Result<(), RequestError> {
    let failed = |source| RequestError::Lock { table: table.to_owned(), source };
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await.map_err(failed)?;
    let (held, _) = tokio::join!(hold(client, table, time), connection);
    held.map_err(failed)
}

async fn hold(client: Client, table: &str, time: Duration) -> Result<(), tokio_postgres::Error> {
    let table = table.replace('"', "\"\"");
    client.batch_execute(&format!("BEGIN; LOCK TABLE \"{table}\" IN ACCESS EXCLUSIVE MODE")).await?;
    sleep(time).await;
    client.batch_execute("COMMIT").await
}
