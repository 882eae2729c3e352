//! What the sessions of a process have learnt about its database, and whether it can do its work: the check `database` of `/readyz`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::timeout;
use tokio_postgres::Client;

use super::{Connection, Database, DbError, Fault};

/// Longest look. A load balancer that asks every second learns within three.
const LOOK: Duration = Duration::from_secs(2);
/// A complaint about a statement that cannot be tried again by itself counts for that long after it came up last: as long as an
/// instance that cannot do its work may be ready (I14).
const COMPLAINT: Duration = Duration::from_secs(5);

/// Shared by all pools of a [`Database`].
#[derive(Debug, Default)]
pub(super) struct Health {
    generation: AtomicU64,
    complaint: Mutex<Option<Complaint>>,
}

/// A statement that an operator must make possible again.
#[derive(Debug, Clone)]
struct Complaint {
    at: Instant,
    message: String,
    /// Its text, if it could not even be prepared: then it can be tried.
    statement: Option<String>,
}

impl Health {
    /// Counts how often a session turned out to be of no use. Sessions that are older than the last time are thrown away.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Only the first complaint about a generation ends it.
    pub(super) fn begin_generation_after(&self, generation: u64) {
        _ = self.generation.compare_exchange(generation, generation + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Remembers what only an operator can mend.
    pub(super) fn judge(&self, error: &DbError, statement: Option<&str>) {
        if error.fault != Fault::Unfit {
            return;
        }
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if statement.is_some() || complaint.as_ref().is_none_or(|earlier| earlier.statement.is_none()) {
            *complaint = Some(Complaint { at: Instant::now(), message: error.message.clone(), statement: statement.map(str::to_owned) });
        }
    }

    fn complaint(&self) -> Option<Complaint> {
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        complaint.take_if(|complaint| complaint.statement.is_none() && complaint.at.elapsed() > COMPLAINT);
        complaint.clone()
    }

    fn forget(&self) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Database {
    /// Whether this process can do its work here: a session of the writers' kind is to be had, the server takes a write and makes it
    /// as durable as an order, and no statement waits for an operator.
    ///
    /// # Errors
    /// What an operator must mend.
    pub async fn check(&self) -> Result<(), String> {
        let connection = self.connection().await.map_err(|error| format!("PostgreSQL cannot be reached: {error}"))?;
        match timeout(LOOK, self.look(&connection)).await {
            Ok(verdict) => verdict,
            Err(_) => {
                connection.condemn();
                Err(format!("PostgreSQL did not write within {LOOK:?}"))
            }
        }
    }

    async fn look(&self, connection: &Connection) -> Result<(), String> {
        let state = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool";
        let state = async {
            let row = connection.query_one(state, &[]).await?;
            Ok::<bool, DbError>(row.get(0)? || row.get(1)?)
        };
        if state.await.map_err(|error| format!("PostgreSQL refuses a query: {error}"))? {
            connection.condemn();
            return Err("PostgreSQL takes no writes: it is a standby, or read-only".to_owned());
        }
        // A record in the write-ahead log and nothing else: no table, no row. Its commit waits for what an order waits for.
        let write = "SELECT pg_logical_emit_message(true, 'orderflow', '')::text";
        connection.query_one(write, &[]).await.map_err(|error| format!("PostgreSQL refuses a write: {error}"))?;
        let Some(Complaint { message, statement, .. }) = self.health().complaint() else { return Ok(()) };
        if let Some(statement) = statement
            && connection.understands(&statement).await.is_ok()
        {
            self.health().forget();
            return Ok(());
        }
        Err(format!("PostgreSQL lacks what this program needs (schema, rights or space): {message}"))
    }
}

/// Says what of the server's settings lets an acknowledged commit be lost.
pub(super) async fn warn_unless_durable(client: &Client) -> Result<(), tokio_postgres::Error> {
    let settings = "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
                    current_setting('synchronous_standby_names')";
    let row = client.query_one(settings, &[]).await?;
    let [fsync, full_page_writes, commit, standbys]: [String; 4] = std::array::from_fn(|n| row.get(n));
    for (setting, found) in [("fsync", fsync), ("full_page_writes", full_page_writes)] {
        if found == "off" {
            tracing::warn!(setting, wanted = "on", "PostgreSQL can lose orders that were answered with 2xx when the power fails");
        }
    }
    match commit.as_str() {
        "off" => tracing::warn!(setting = "synchronous_commit", wanted = "on", "PostgreSQL can lose orders that were answered with 2xx"),
        "local" if !standbys.is_empty() => {
            tracing::warn!(setting = "synchronous_commit", wanted = "on", "a failover can lose orders that were answered with 2xx");
        }
        _ => {}
    }
    Ok(())
}
