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

/// Three services with two pools of eight, twice, for all parallel tests.
const CONNECTIONS: u16 = 600;
/// For a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The PostgreSQL of this test process, which ends with it.
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

/// A shell waits for the end of its input, since a test process may be killed; it retries while a server
/// ends.
fn remove_after_us(folder: &Path) {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "cat; n=0; until rm -rf \"$1\" || [ $n -gt 50 ]; do n=$((n + 1)); sleep 0.2; done",
            "sh",
        ])
        .arg(folder);
    // Ctrl-C must not end the shell first.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // Leaked: a drop would close the input.
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

    /// Runs statements that prepare a test, without the time limit of a service.
    ///
    /// # Panics
    /// PostgreSQL refuses them.
    pub async fn execute(&self, sql: &str) {
        let result = postgres().await.execute(&self.name, sql).await;
        result.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Drop for TestDatabase {
    /// Databases of 8 MB would fill the disk. A thread, because `drop` cannot await.
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let drop_it = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(async { postgres().await.drop_database(&name).await }))
        };
        // Ignores errors: the server is removed with all databases.
        let _ = std::thread::spawn(drop_it).join();
    }
}

/// A Redis for one test.
#[derive(Debug)]
pub struct TestRedis {
    // Dropped in order: the server before its folder.
    server: Redis,
    _folder: TempDir,
}

impl TestRedis {
    /// Starts an empty server.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Another one, for the same clients.
    pub async fn start_with_password_of(other: &Self) -> Self {
        Self::start_with(Some(other.password().to_owned())).await
    }

    async fn start_with(password: Option<String>) -> Self {
        let folder = scratch_dir().unwrap_or_else(|error| panic!("no folder for Redis: {error}"));
        let options = RedisOptions { password, ..RedisOptions::new(folder.path().join("redis")) };
        let server = Redis::start(options).await;
        Self {
            server: server.unwrap_or_else(|error| panic!("Redis does not start: {error}")),
            _folder: folder,
        }
    }

    /// Runs one command.
    ///
    /// # Panics
    /// Redis does not answer with a `T`.
    pub async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        command(&self.server.url(), words).await
    }
}

/// Waits 30 s for answers: the half second of redis-rs is too short on a busy machine.
pub async fn redis_connection(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).unwrap_or_else(|error| panic!("Redis: {error}"));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    connection.unwrap_or_else(|error| panic!("Redis: {error}"))
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
