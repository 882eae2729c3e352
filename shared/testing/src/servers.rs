//! One PostgreSQL for all tests of a process, and one Redis for each test.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use redis::AsyncConnectionConfig;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use servers::{Durability, Postgres, PostgresOptions, Redis, RedisOptions, account::scratch_dir};

/// Three services with two pools of eight, times two for a second instance, for all tests that run at a time.
const CONNECTIONS: u16 = 600;
/// Time for Redis on a machine that is busy with tests.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The PostgreSQL of this test process, started by the first call. The server ends with the process.
pub async fn postgres() -> &'static Postgres {
    static SHARED: OnceCell<Postgres> = OnceCell::const_new();
    SHARED.get_or_init(start_postgres).await
}

async fn start_postgres() -> Postgres {
    let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for PostgreSQL: {error}")).keep();
    remove_after_us(&folder);
    let mut options = PostgresOptions::new(folder.join("postgres"));
    options.durability = Durability::ProcessCrash;
    options.max_connections = CONNECTIONS;
    Postgres::start(options).await.unwrap_or_else(|error| panic!("PostgreSQL does not start: {error}"))
}

/// Removes the folder after the end of this process. Statics are not dropped, and a test process may be
/// killed: a shell waits for the end of its input, which this process holds open. A server may need a moment
/// to end, hence the retries.
fn remove_after_us(folder: &Path) {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "cat; n=0; until rm -rf \"$1\" || [ $n -gt 50 ]; do n=$((n + 1)); sleep 0.2; done",
            "sh",
        ])
        .arg(folder);
    // A separate process group: Ctrl-C must not end the shell before this process.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // Leaked on purpose: dropping the value would close the input.
    std::mem::forget(shell.unwrap_or_else(|error| panic!("no shell: {error}")));
}

/// A database for one test, dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// An empty database on the shared server.
    ///
    /// # Panics
    /// The database cannot be created.
    pub async fn create() -> Self {
        let server = postgres().await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        server.create_database(&name, None).await.unwrap_or_else(|error| panic!("no database: {error}"));
        Self { url: server.url(&name), name }
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    /// Drops the database: 8 MB each would fill the disk over hundreds of tests. A thread, because `drop`
    /// cannot await.
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let drop_it = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(async { postgres().await.drop_database(&name).await }))
        };
        // Errors are ignored: the server is removed with all its databases.
        let _ = std::thread::spawn(drop_it).join();
    }
}

/// A Redis for one test.
#[derive(Debug)]
pub struct TestRedis {
    // Fields drop in order: the server stops before its folder is removed.
    server: Redis,
    _folder: TempDir,
}

impl TestRedis {
    /// Starts an empty server.
    ///
    /// # Panics
    /// The server does not start.
    pub async fn start() -> Self {
        let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for Redis: {error}"));
        let server = Redis::start(RedisOptions::new(folder.path().join("redis"))).await;
        Self {
            server: server.unwrap_or_else(|error| panic!("Redis does not start: {error}")),
            _folder: folder,
        }
    }

    /// Runs one command on a new connection.
    ///
    /// # Panics
    /// Redis does not answer, answers with an error, or with a value other than a `T`.
    pub async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        command(&self.server.url(), words).await
    }
}

/// A connection with a time limit of 30 s. The default of redis-rs is half a second, too short on a machine
/// that is busy with tests.
///
/// # Panics
/// Redis does not answer.
pub async fn redis_connection(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    connection.unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn command<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> T {
    let mut connection = redis_connection(url).await;
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| _ = command.arg(*word));
    command.query_async(&mut connection).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

impl Deref for TestRedis {
    type Target = Redis;

    fn deref(&self) -> &Redis {
        &self.server
    }
}

impl DerefMut for TestRedis {
    fn deref_mut(&mut self) -> &mut Redis {
        &mut self.server
    }
}
