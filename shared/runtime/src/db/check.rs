//! The check `database` of `/readyz`: whether this process can write to its database.

use std::time::Duration;

use tokio::time::timeout;

use super::{Connection, Database, DbError, health::UnfitStatement};

/// Longest check. A load balancer that asks every second learns of a failure within three seconds.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
impl Database {
    /// Whether this process can do its work: a session like those of the writers opens, the server makes a
    /// write as durable as an order, and every known statement can be prepared. Takes 2 s at most.
    ///
    /// # Errors
    /// The reason, for an operator.
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
            return Err("PostgreSQL is a standby or read-only".to_owned());
        }
        // Writes one record of the write-ahead log and leaves tables alone. The commit waits for the same
        // replicas as the commit of an order.
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
