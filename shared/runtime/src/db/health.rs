//! What the sessions of a process have learnt about its database, and whether it can do its work: the check
//! `database` of `/readyz`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::timeout;
use tokio_postgres::Client;

use super::{CommitError, Connection, Database, DbError, Fault};

/// Longest look. A load balancer that asks every second learns within three.
const LOOK: Duration = Duration::from_secs(2);
/// A complaint about a statement that cannot be tried again by itself counts for that long after it came up
/// last: as long as an instance that cannot do its work may be ready (I14).
const COMPLAINT: Duration = Duration::from_secs(5);

/// An instance that commits no request for this long is not ready; with `commit-deadline` (2 s) that is said
/// within 5 s (I14).
const STANDSTILL: Duration = Duration::from_secs(3);

/// A failure that was the last try for so long is no part of the next standstill. Longer than an instance
/// that is not ready is not asked.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Shared by all pools of a [`Database`].
#[derive(Debug, Default)]
pub(super) struct Health {
    generation: AtomicU64,
    complaint: Mutex<Option<Complaint>>,
    standstill: Mutex<Option<Standstill>>,
}

/// A writer that requests wait for has committed nothing since: a table is locked, or something like it.
#[derive(Debug)]
struct Standstill {
    writer: &'static str,
    since: Instant,
    last: Instant,
    why: String,
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
    /// Counts how often a session turned out to be of no use. Sessions that are older than the last time are
    /// thrown away.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Only the first complaint about a generation ends it.
    pub(super) fn begin_generation_after(&self, generation: u64) {
        _ = self.generation.compare_exchange(
            generation,
            generation + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Remembers what only an operator can mend.
    pub(super) fn judge(&self, error: &DbError, statement: Option<&str>) {
        if error.fault != Fault::Unfit {
            return;
        }
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if statement.is_some() || complaint.as_ref().is_none_or(|earlier| earlier.statement.is_none()) {
            *complaint = Some(Complaint {
                at: Instant::now(),
                message: error.message.clone(),
                statement: statement.map(str::to_owned),
            });
        }
    }

    /// Notes the end of a batch that requests wait for: why nothing of it was committed, or `None`.
    pub(super) fn note_batch(&self, writer: &'static str, failure: Option<&CommitError>) {
        let mut standstill = self.standstill.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = standstill.as_ref().filter(|earlier| earlier.last.elapsed() <= FORGOTTEN);
        let (since, last) = (earlier.map_or_else(Instant::now, |earlier| earlier.since), Instant::now());
        *standstill = failure.map(|why| Standstill { writer, since, last, why: why.to_string() });
    }

    /// As long as somebody tries: who is not ready is not asked, and has to be asked to find out.
    fn standstill(&self) -> Option<String> {
        let standstill = self.standstill.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = standstill
            .as_ref()
            .filter(|now| now.since.elapsed() >= STANDSTILL && now.last.elapsed() <= COMPLAINT);
        lasting.map(|now| {
            format!(
                "nothing of {} was committed for {} s: {}",
                now.writer,
                now.since.elapsed().as_secs(),
                now.why
            )
        })
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
    /// Whether this process can do its work here: a session of the writers' kind is to be had, the server
    /// takes a write and makes it as durable as an order, and no statement waits for an operator.
    ///
    /// # Errors
    /// What an operator must mend.
    pub async fn check(&self) -> Result<(), String> {
        let connection =
            self.connection().await.map_err(|error| format!("PostgreSQL cannot be reached: {error}"))?;
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
        // A record in the write-ahead log and nothing else: no table, no row. Its commit waits for what an
        // order waits for.
        let write = "SELECT pg_logical_emit_message(true, 'orderflow', '')::text";
        connection
            .query_one(write, &[])
            .await
            .map_err(|error| format!("PostgreSQL refuses a write: {error}"))?;
        if let Some(standstill) = self.health().standstill() {
            return Err(standstill);
        }
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
    let found: [String; 4] = std::array::from_fn(|n| row.get(n));
    for (setting, when) in not_durable(found.each_ref().map(String::as_str)) {
        tracing::warn!(
            setting,
            wanted = "on",
            "PostgreSQL can lose orders that were answered with 2xx {when}"
        );
    }
    Ok(())
}

/// Settings that are not as they should be, and when that costs something.
fn not_durable([fsync, full_page_writes, commit, standbys]: [&str; 4]) -> Vec<(&'static str, &'static str)> {
    let power = "when the power fails";
    let found = [
        ("fsync", power, fsync == "off"),
        ("full_page_writes", power, full_page_writes == "off"),
        ("synchronous_commit", "when it crashes", commit == "off"),
        ("synchronous_commit", "in a failover", commit == "local" && !standbys.is_empty()),
    ];
    found.into_iter().filter_map(|(setting, when, is_so)| is_so.then_some((setting, when))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_can_cost_an_order_is_named() {
        assert_eq!(not_durable(["on", "on", "on", "*"]), []);
        assert_eq!(not_durable(["on", "on", "local", ""]), [], "there is nobody to fail over to");
        assert_eq!(not_durable(["on", "on", "local", "*"]), [("synchronous_commit", "in a failover")]);
        let names: Vec<&str> =
            not_durable(["off", "off", "off", ""]).into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(names, ["fsync", "full_page_writes", "synchronous_commit"]);
    }
}
