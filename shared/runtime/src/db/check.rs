//! The check `database` of `/readyz`: whether this process can do its work here.

use std::time::Duration;

use tokio::time::timeout;

use super::{Connection, Database, DbError, health::UnfitStatement};

/// Longest check_session. A load balancer that asks every second learns within three.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
impl Database {
    /// Whether this process can do its work here: a session of the writers' kind is to be had, the server
    /// takes a write and makes it as durable as an order, and no statement waits for an operator.
    ///
    /// # Errors
    /// What an operator must mend.
    pub async fn check(&self) -> Result<(), String> {
        let connection =
            self.connection().await.map_err(|error| format!("PostgreSQL cannot be reached: {error}"))?;
        match timeout(CHECK_TIMEOUT, self.check_session(&connection)).await {
            Ok(verdict) => verdict,
            Err(_) => {
                connection.discard_generation();
                Err(format!("PostgreSQL did not write within {CHECK_TIMEOUT:?}"))
            }
        }
    }

    async fn check_session(&self, connection: &Connection) -> Result<(), String> {
        let state = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool";
        let state = async {
            let row = connection.query_one(state, &[]).await?;
            Ok::<bool, DbError>(row.get(0)? || row.get(1)?)
        };
        if state.await.map_err(|error| format!("PostgreSQL refuses a query: {error}"))? {
            connection.discard_generation();
            return Err("PostgreSQL takes no writes: it is a standby, or read-only".to_owned());
        }
        // A record in the write-ahead log and nothing else: no table, no row. Its commit waits for what an
        // order waits for.
        let write = "SELECT pg_logical_emit_message(true, 'orderflow', '')::text";
        connection
            .query_one(write, &[])
            .await
            .map_err(|error| format!("PostgreSQL refuses a write: {error}"))?;
        if let Some(commit_stall) = self.health().commit_stall() {
            return Err(commit_stall);
        }
        let Some(UnfitStatement { message, statement, .. }) = self.health().unfit() else { return Ok(()) };
        if let Some(statement) = statement
            && connection.can_prepare(&statement).await.is_ok()
        {
            self.health().clear_unfit();
            return Ok(());
        }
        Err(format!("PostgreSQL lacks what this program needs (schema, rights or space): {message}"))
    }
}
