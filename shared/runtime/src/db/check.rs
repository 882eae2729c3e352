//! The check `database` of `/readyz`.

use std::time::Duration;

use tokio::time::timeout;

use super::{Connection, Database, DbError, health::UnfitStatement};

/// A load balancer that asks every second learns of a failure within three.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
impl Database {
    /// Whether a session opens, a write becomes durable, and known statements can be prepared. The error is
    /// for operators.
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
        // Writes one WAL record, whose commit waits for the same replicas as an order.
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
