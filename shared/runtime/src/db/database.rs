use std::{cell::Cell, sync::Arc, time::Duration};

use deadpool::managed::{BuildError, Pool, PoolError, QueueMode};
use deadpool_postgres::Runtime;

use super::{Connection, DatabaseSettings, DbError, connection::Connector, health::Health};

/// Planner options of the pools for work. Statistics come from a quiet moment, so the planner expects one row
/// where a batch has 512. The section "What helped" of docs/performance.md has the measurements.
///
/// Queries of these pools find rows by an index, hash arrays and CTEs, and write a lookup by row as
/// `LATERAL`.
const PLANNER_OPTIONS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off \
     -c enable_bitmapscan=off -c enable_nestloop=off -c jit=off";

thread_local! {
    static SERVES_HTTP: Cell<bool> = const { Cell::new(false) };
}

/// Makes [`Database::connection`] panic on this HTTP worker thread.
pub fn forbid_on_this_thread() {
    SERVES_HTTP.set(true);
}

/// A few actors run one or two statements each.
const WORK_CONNECTIONS: usize = 4;
/// A row or a page takes 1 to 2 ms; slower statements would delay other requests.
const REQUEST_STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);
/// Other instances hold a row for milliseconds; a longer lock must delay only its own item.
const WRITER_LOCK_TIMEOUT: Duration = Duration::from_millis(250);
/// Time for the server's own timeout error: it confirms the rollback, silence leaves it unknown.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
enum Purpose {
    Work,
    Writer,
    Requests,
}

/// A pool of connections.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connector>,
    gauges: PoolGauges,
    /// For one answer.
    limit: Duration,
    shared: Arc<Shared>,
}

struct Shared {
    settings: DatabaseSettings,
    health: Arc<Health>,
}

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
    /// Opens a pool for work; `name` is its label in the metrics.
    pub fn open(name: &'static str, settings: &DatabaseSettings) -> Result<Self, BuildError> {
        let shared = Shared { settings: settings.clone(), health: Arc::default() };
        Self::pool(name, Purpose::Work, &Arc::new(shared))
    }

    /// Another pool for work, one per arbiter: the thread that uses a connection drives it.
    pub fn beside(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Work, &self.shared)
    }

    /// A pool for reads of HTTP requests, with the default planner.
    pub fn requests(&self, name: &'static str) -> Result<Self, BuildError> {
        Self::pool(name, Purpose::Requests, &self.shared)
    }

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
            // A new connection has its own limit for each host.
            .wait_timeout(Some(settings.connect_timeout))
            // The last used connection has warm caches.
            .queue_mode(QueueMode::Lifo)
            .build()?;
        Ok(Self {
            pool,
            gauges: PoolGauges::new(name),
            limit: statement + ANSWER_MARGIN,
            shared: Arc::clone(shared),
        })
    }

    /// Takes a connection from the pool. After an error nothing was executed.
    ///
    /// # Panics
    /// On an HTTP worker thread.
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

    /// Later calls fail.
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
