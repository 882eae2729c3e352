//! The check `database` of `/readyz`.

use std::time::Duration;

use tokio::time::timeout;

use super::{Connection, Database, DbError, health::UnfitStatement};
use crate::recovery::ServerIdentity;

/// A load balancer that asks every second learns of a failure within three.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells a standby from a primary, and one primary from the next: a promotion begins another timeline. A standby has
/// no position to read its timeline from.
const STATE: &str = "
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, pg_postmaster_start_time()::text,
           CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END";

impl Database {
    /// Whether a session opens, a write becomes durable, and known statements can be prepared: by which server. The
    /// error is for operators.
    pub async fn check(&self) -> Result<ServerIdentity, String> {
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

    async fn check_session(&self, connection: &Connection) -> Result<ServerIdentity, String> {
        let state = async {
            let row = connection.query_one(STATE, &[]).await?;
            Ok::<(bool, String, Option<String>), DbError>((row.get(0)?, row.get(1)?, row.get(2)?))
        };
        let (read_only, process, timeline) =
            state.await.map_err(|error| format!("PostgreSQL refuses a query: {error}"))?;
        let Some(history) = timeline.filter(|_| !read_only) else {
            connection.discard_generation();
            return Err("PostgreSQL is a standby or read-only".to_owned());
        };
        let server = ServerIdentity { process, history, continued: None };
        // Writes one WAL record, whose commit waits for the same replicas as an order.
        let write = "SELECT pg_logical_emit_message(true, 'orderflow', '')::text";
        connection
            .query_one(write, &[])
            .await
            .map_err(|error| format!("PostgreSQL refuses a write: {error}"))?;
        if let Some(commit_stall) = self.health().commit_stall() {
            return Err(commit_stall);
        }
        let Some(UnfitStatement { message, statement, .. }) = self.health().unfit() else {
            return Ok(server);
        };
        if let Some(statement) = statement
            && connection.can_prepare(&statement).await.is_ok()
        {
            self.health().clear_unfit();
            return Ok(server);
        }
        Err(format!("PostgreSQL lacks what this program needs (schema, rights or space): {message}"))
    }
}
