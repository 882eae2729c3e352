//! The pools of a database, and the threads that may not use them.

use std::{cell::Cell, sync::Arc, time::Duration};

use deadpool::managed::{BuildError, Pool, PoolError, QueueMode};
use deadpool_postgres::Runtime;

use super::{Connection, DatabaseSettings, DbError, connection::Connector, health::Health};

/// The planner must not choose by statistics. They are from a quiet moment, or of a young table: it expects
/// one row where a batch has 512, and loops over the whole batch for each of them (seen: 400 us an order
/// instead of 34).
///
/// Every query here finds its rows by an index, and arrays and CTEs are joined by hashing. What has to be
/// looked up row by row says so (`LATERAL`). So one plan does for all values, and no batch is planned anew.
/// Plans that cannot do without a scan check_session infinitely expensive to `jit`, which compiled them for 200 ms.
///
/// And no bitmaps: a scan that makes one does not tell the index which of its entries are dead. The sweep of
/// the outbox looked at everything again that had been confirmed since the last vacuum, 180,000 rows in 47 ms
/// once a second after 25 s of orders.
const PLANNER_OPTIONS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_nestloop=off -c jit=off";

thread_local! {
    static SERVES_HTTP: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as an HTTP worker: from here on [`Database::connection`] refuses to work on it.
pub fn forbid_on_this_thread() {
    SERVES_HTTP.set(true);
}

/// Connections of a pool for work: its users are a handful of actors, with a statement or two at a time.
const WORK_CONNECTIONS: usize = 4;
/// What HTTP asks for reads a row or a page along an index, in a millisecond or two. What takes so much
/// longer only keeps others waiting.
const REQUEST_STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);
/// A batch waits so long for a row that somebody else holds. Another instance holds it for a commit, some
/// milliseconds; who holds it for longer must not hold up the rest of the batch.
const WRITER_LOCK_TIMEOUT: Duration = Duration::from_millis(250);
/// The server's own limit comes first: its answer says that the statement was rolled back, silence says
/// nothing.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

/// What the connections of a pool are for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Work,
    Writer,
    Requests,
}

/// A pool of connections of this process to its own database.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connector>,
    gauges: PoolGauges,
    /// Longest wait for an answer.
    limit: Duration,
    shared: Arc<Shared>,
}

/// What the pools of one database have in common.
struct Shared {
    settings: DatabaseSettings,
    health: Arc<Health>,
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
    /// A pool for work that connects when first asked; `name` tells it apart in the metrics. Every connection
    /// carries the timeouts of `settings`.
    ///
    /// # Errors
    /// The pool's own settings contradict each other.
    pub fn open(name: &'static str, settings: &DatabaseSettings) -> Result<Self, BuildError> {
        let shared = Shared { settings: settings.clone(), health: Arc::default() };
        Self::pool(name, Purpose::Work, &Arc::new(shared))
    }

    /// Another pool for work: each arbiter has its own, so that the thread that uses a connection drives it.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn beside(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Work, &self.shared)
    }

    /// A pool for what HTTP requests ask for: they neither wait for the work nor hold it up. The planner does
    /// as it likes there.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn requests(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Requests, &self.shared)
    }

    /// The one connection of a writer.
    pub(super) fn writer(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Writer, &self.shared)
    }

    fn pool(name: &'static str, purpose: Purpose, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let settings = &shared.settings;
        let (size, statement) = match purpose {
            Purpose::Work => (WORK_CONNECTIONS, settings.statement_timeout),
            Purpose::Writer => (1, settings.statement_timeout),
            Purpose::Requests => {
                (settings.pool_size, settings.statement_timeout.min(REQUEST_STATEMENT_TIMEOUT))
            }
        };
        let connector = Connector {
            config: session_config(settings, purpose, statement),
            health: Arc::clone(&shared.health),
        };
        let pool = Pool::builder(connector)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            // Without it deadpool waits without end. Making a connection has limits of its own, one for each
            // host.
            .wait_timeout(Some(settings.connect_timeout))
            // The connection that was used last has its statements and its caches warm; in turns all of them
            // would be cold.
            .queue_mode(QueueMode::Lifo)
            .build()?;
        Ok(Self {
            pool,
            gauges: PoolGauges::new(name),
            limit: statement + ANSWER_MARGIN,
            shared: Arc::clone(shared),
        })
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
        let session = self.pool.get().await;
        self.record_pool();
        let session = session.map_err(|error| match error {
            PoolError::Backend(error) => error,
            other => DbError::unreachable(&other),
        })?;
        Ok(Connection::new(session, Arc::clone(&self.shared.health), self.limit))
    }

    pub(super) fn health(&self) -> &Health {
        &self.shared.health
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

fn session_config(
    settings: &DatabaseSettings,
    purpose: Purpose,
    statement: Duration,
) -> tokio_postgres::Config {
    let (lock, planner) = match purpose {
        Purpose::Work => (statement, PLANNER_OPTIONS),
        Purpose::Writer => (statement.min(WRITER_LOCK_TIMEOUT), PLANNER_OPTIONS),
        Purpose::Requests => (statement, ""),
    };
    let (ms, lock) = (statement.as_millis(), lock.as_millis());
    let mut config = settings.url.config();
    config.options(format!("-c statement_timeout={ms} -c lock_timeout={lock} -c idle_in_transaction_session_timeout={ms} {planner}"));
    config.connect_timeout(settings.connect_timeout).application_name("orderflow");
    config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
    config
}
