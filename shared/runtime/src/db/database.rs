//! The connection pools of a database, and the guard that keeps SQL away from HTTP threads.

use std::{cell::Cell, sync::Arc, time::Duration};

use deadpool::managed::{BuildError, Pool, PoolError, QueueMode};
use deadpool_postgres::Runtime;

use super::{Connection, DatabaseSettings, DbError, connection::Connector, health::Health};

/// Planner options of the pools for work. The planner must ignore statistics, because they come from a quiet
/// moment or a young table. It then expects one row where a batch has 512, and loops over the whole batch for
/// each row.
///
/// Every query of these pools finds its rows by an index, and joins arrays and CTEs by hashing. A lookup row
/// by row is written as `LATERAL`. One generic plan serves all values, so each batch saves its planning.
///
/// `jit` is off: it compiles plans whose estimate includes a disabled scan, for 200 ms each.
///
/// Bitmap scans are off: they leave dead entries of an index unmarked. The sweep of the outbox then reads
/// every row again that was confirmed since the last vacuum.
///
/// Measured: 400 us instead of 34 us an order with statistics; a sweep over 180,000 dead rows took 47 ms each
/// second.
const PLANNER_OPTIONS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off \
     -c enable_bitmapscan=off -c enable_nestloop=off -c jit=off";

thread_local! {
    static SERVES_HTTP: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as an HTTP worker: from here on [`Database::connection`] panics on it.
pub fn forbid_on_this_thread() {
    SERVES_HTTP.set(true);
}

/// Connections of a pool for work: a few actors use it, with one or two statements at a time each.
const WORK_CONNECTIONS: usize = 4;
/// Statement timeout of HTTP requests. They read a row or a page along an index in 1 to 2 ms; a slower
/// statement would delay other requests.
const REQUEST_STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait of a batch for a locked row. Another instance holds a row for a commit of some milliseconds;
/// a longer lock must delay only its own item.
const WRITER_LOCK_TIMEOUT: Duration = Duration::from_millis(250);
/// Time that the client waits beyond the statement timeout of the server. The error of the server says that
/// the statement was rolled back; silence leaves that unknown.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

/// The use of a pool, which decides its size and its timeouts.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Work,
    Writer,
    Requests,
}

/// A pool of connections from this process to its own database.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connector>,
    gauges: PoolGauges,
    /// Longest wait for the answer to one statement.
    limit: Duration,
    shared: Arc<Shared>,
}

/// The parts that the pools of one database share.
struct Shared {
    settings: DatabaseSettings,
    health: Arc<Health>,
}

/// The gauges of a pool, looked up once.
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
    /// Opens a pool for work, which connects on first use. `name` is its label in the metrics. Every
    /// connection has the timeouts of `settings`.
    ///
    /// # Errors
    /// The settings of the pool contradict each other.
    pub fn open(name: &'static str, settings: &DatabaseSettings) -> Result<Self, BuildError> {
        let shared = Shared { settings: settings.clone(), health: Arc::default() };
        Self::pool(name, Purpose::Work, &Arc::new(shared))
    }

    /// Another pool for work. Each arbiter has its own, because the thread that uses a connection also drives
    /// it.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn beside(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Work, &self.shared)
    }

    /// A pool for reads of HTTP requests, apart from the pools for work, and with the default planner.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn requests(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Requests, &self.shared)
    }

    /// A pool of one connection, for a writer.
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
            // Bounds the wait for a free connection. A new connection has its own limit for each host.
            .wait_timeout(Some(settings.connect_timeout))
            // The last used connection has warm caches and prepared statements.
            .queue_mode(QueueMode::Lifo)
            .build()?;
        Ok(Self {
            pool,
            gauges: PoolGauges::new(name),
            limit: statement + ANSWER_MARGIN,
            shared: Arc::clone(shared),
        })
    }

    /// Takes a connection from the pool until the value is dropped.
    ///
    /// # Errors
    /// [`DbError`] with [`Fault::Unreachable`](super::Fault::Unreachable): nothing was executed.
    ///
    /// # Panics
    /// On an HTTP worker thread: handlers message actors instead.
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

    /// Closes the pool; later calls fail.
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
    let ms = statement.as_millis();
    let lock = lock.as_millis();
    let mut config = settings.url.config();
    config.options(format!(
        "-c statement_timeout={ms} -c lock_timeout={lock} \
         -c idle_in_transaction_session_timeout={ms} {planner}"
    ));
    config.connect_timeout(settings.connect_timeout).application_name("orderflow");
    config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
    config
}
