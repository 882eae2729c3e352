//! The number of stream partitions of a database.
//!
//! ```sql
//! CREATE TABLE stream_partitions (
//!     singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
//!     partitions integer NOT NULL CHECK (partitions > 0)
//! );
//! ```

use std::time::{Duration, Instant};

use crate::db::{Database, DbError, STARTUP_TIMEOUT};

/// Reasons to refuse the start.
#[derive(Debug, thiserror::Error)]
pub enum PartitionsError {
    #[error("cannot read the number of stream partitions: {0}")]
    Database(#[from] DbError),
    /// Producers and consumers would use different partitions.
    #[error(
        "this database counts {found} stream partitions, and stream-partitions is {own} here. Set \
         stream-partitions={found}; or, to change the number, stop all instances once their streams are \
         empty, and delete the row of stream_partitions and the key orderflow:partitions in Redis"
    )]
    Other {
        found: i32,
        /// In this process.
        own: u16,
    },
}

/// Stores the number at the first start, and compares it at every later one. Waits a minute for the database.
pub async fn agree_on_partitions(database: &Database, own: u16) -> Result<(), PartitionsError> {
    let began = Instant::now();
    loop {
        match stored(database, own).await {
            Ok(found) if found == i32::from(own) => return Ok(()),
            Ok(found) => return Err(PartitionsError::Other { found, own }),
            Err(error) if error.is_transient() && began.elapsed() < STARTUP_TIMEOUT => {
                tracing::warn!(%error, "cannot read the number of stream partitions; retrying");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn stored(database: &Database, own: u16) -> Result<i32, DbError> {
    let connection = database.connection().await?;
    let insert = "INSERT INTO stream_partitions (partitions) VALUES ($1) ON CONFLICT DO NOTHING";
    connection.execute(insert, &[&i32::from(own)]).await?;
    connection.query_one("SELECT partitions FROM stream_partitions", &[]).await?.get(0)
}
