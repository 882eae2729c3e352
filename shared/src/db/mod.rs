//! PostgreSQL: the truth. A pool per process, migrations under a lock, and group commit.

mod connect;
mod error;
mod group_commit;
mod migrate;

use std::cell::Cell;

use deadpool_postgres::{Pool, PoolError, QueueMode, Runtime};

pub use connect::{Driver, connect, uses_tls};
pub use deadpool_postgres::Object as Connection;
pub use error::{DbError, Fault};
pub use group_commit::{Commit, CommitError, Commits, GroupCommit, Reply, Write};
pub use migrate::{MigrationError, PATIENCE, migrate, prepare};

use crate::settings::DatabaseSettings;

/// The planner must not choose by statistics. They are from a quiet moment, or of a young table: it expects one row where a
/// batch has 512, and loops over the whole batch for each of them (seen: 400 us an order instead of 34).
///
/// Every query here finds its rows by an index, and arrays and CTEs are joined by hashing. What has to be looked up row by row
/// says so (`LATERAL`). So one plan does for all values, and no batch is planned anew. Plans that cannot do without a scan look
/// infinitely expensive to `jit`, which compiled them for 200 ms.
///
/// And no bitmaps: a scan that makes one does not tell the index which of its entries are dead. The sweep of the outbox looked at
/// everything again that had been confirmed since the last vacuum, 180,000 rows in 47 ms once a second after 25 s of orders.
const PLANNER: &str =
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_nestloop=off -c jit=off";

thread_local! {
    static SERVES_HTTP: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as an HTTP worker: from here on [`Database::connection`] refuses to work on it.
pub fn forbid_on_this_thread() {
    SERVES_HTTP.set(true);
}

/// The connections of this process to its own database.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    gauges: PoolGauges,
}

/// The metrics of a pool, looked up once.
#[derive(Clone)]
struct PoolGauges {
    size: metrics::Gauge,
    available: metrics::Gauge,
    waiting: metrics::Gauge,
}

impl PoolGauges {
    fn new(pool: &'static str) -> Self {
        Self {
            size: metrics::gauge!("orderflow_db_pool_size", "pool" => pool),
            available: metrics::gauge!("orderflow_db_pool_available", "pool" => pool),
            waiting: metrics::gauge!("orderflow_db_pool_waiting", "pool" => pool),
        }
    }
}

impl Database {
    /// A pool that connects when first asked; `name` tells it apart in the metrics. Every connection carries the timeouts of
    /// `settings`.
    ///
    /// # Errors
    /// The pool's own settings contradict each other.
    pub fn open(name: &'static str, settings: &DatabaseSettings) -> Result<Self, deadpool_postgres::BuildError> {
        let mut config = settings.url.config();
        let ms = settings.statement_timeout.as_millis();
        config.options(format!("-c statement_timeout={ms} -c lock_timeout={ms} -c idle_in_transaction_session_timeout={ms} {PLANNER}"));
        config.connect_timeout(settings.connect_timeout).application_name("orderflow");
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        // Without these deadpool waits without end.
        let pool = Pool::builder(connect::manager(config))
            .max_size(settings.pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(settings.connect_timeout))
            .create_timeout(Some(settings.connect_timeout))
            .recycle_timeout(Some(settings.connect_timeout))
            // The connection that was used last has its statements and its caches warm; in turns all of them would be cold.
            .queue_mode(QueueMode::Lifo)
            .build()?;
        Ok(Self { pool, gauges: PoolGauges::new(name) })
    }

    /// A connection, for as long as the value lives.
    ///
    /// # Errors
    /// [`DbError`] with [`Fault::Unreachable`]: nothing was executed.
    ///
    /// # Panics
    /// On an HTTP worker thread: handlers message actors and never touch the database.
    pub async fn connection(&self) -> Result<Connection, DbError> {
        assert!(!SERVES_HTTP.get(), "SQL on an HTTP worker thread: send a message to an actor instead");
        let connection = self.pool.get().await;
        self.record_pool();
        connection.map_err(|error| match error {
            PoolError::Backend(e) => DbError::unreachable(&e),
            other => DbError::unreachable(&other),
        })
    }

    /// Whether the database answers.
    pub async fn is_reachable(&self) -> bool {
        match self.connection().await {
            Ok(connection) => connection.simple_query("").await.is_ok(),
            Err(_) => false,
        }
    }

    fn record_pool(&self) {
        let status = self.pool.status();
        self.gauges.size.set(status.size as f64);
        self.gauges.available.set(status.available as f64);
        self.gauges.waiting.set(status.waiting as f64);
    }

    /// Closes every connection; later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }
}
