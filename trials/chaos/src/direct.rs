//! Connections past the proxies, one for each query, because the servers come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamRangeReply;
use redis::{AsyncConnectionConfig, FromRedisValue};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use super::ChaosError;
use ctl::wait::WaitError;

/// Longer than any answer on loopback.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// About a megabyte.
const PAGE: &str = "1000";
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
const REFUSES: &str =
    "SELECT (pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)::int::bigint";
const OPEN: &str =
    "SELECT count(*) FROM orders WHERE created_at <= $1 AND status IN ('pending', 'completed')";

#[derive(Debug, Clone)]
pub struct Database {
    url: String,
}

/// Keeps its locks until release or drop.
pub struct OpenTransaction {
    client: Client,
    // Dropping closes the connection, which rolls back.
    _connection: JoinSet<()>,
}

impl Database {
    #[must_use]
    pub fn at(url: String) -> Self {
        Self { url }
    }

    /// The error is the reason for which a write would fail.
    pub async fn takes_writes(&self) -> Result<(), String> {
        match self.number(REFUSES, &[]).await {
            Ok(0) => Ok(()),
            Ok(_) => Err("it is read-only".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub async fn number(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<i64, ChaosError> {
        self.in_time(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            let answer = async move { client.query_one(sql, parameters).await };
            let (answer, _) = tokio::join!(answer, connection);
            Ok(answer?.get(0))
        })
        .await
    }

    /// Counts open orders placed until `cutoff`, in payment's database.
    pub async fn open_orders(&self, cutoff: Timestamp) -> Result<i64, ChaosError> {
        self.number(OPEN, &[&cutoff]).await
    }

    pub async fn execute(&self, sql: &str) -> Result<(), ChaosError> {
        self.in_time(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            let done = async move { client.batch_execute(sql).await };
            tokio::join!(done, connection).0
        })
        .await
    }

    /// Returns the number of waiting connections, after `within` at the latest.
    pub async fn waiting(&self, wanted: usize, within: Duration) -> Result<i64, ChaosError> {
        let deadline = Instant::now() + within;
        loop {
            let waiting = self.number(WAITING, &[]).await?;
            if usize::try_from(waiting).is_ok_and(|waiting| waiting >= wanted) || Instant::now() >= deadline {
                return Ok(waiting);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    pub async fn hold(&self, sql: &str) -> Result<OpenTransaction, ChaosError> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // The calls of the client report its error.
            let _ = connection.await;
        });
        client.batch_execute(&format!("BEGIN; {sql}")).await?;
        Ok(OpenTransaction { client, _connection: driver })
    }

    async fn in_time<T>(
        &self,
        question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, ChaosError> {
        let late = |_| {
            ChaosError::from(WaitError { what: "an answer of PostgreSQL".to_owned(), within: ANSWER_WITHIN })
        };
        Ok(timeout(ANSWER_WITHIN, question).await.map_err(late)??)
    }
}

impl OpenTransaction {
    pub async fn release(self) -> Result<(), ChaosError> {
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }
}

#[derive(Debug, Clone)]
pub struct DirectRedis {
    url: String,
    client: redis::Client,
}

impl DirectRedis {
    /// Fails for a malformed address.
    pub fn at(url: &str) -> Result<Self, ChaosError> {
        Ok(Self { url: url.to_owned(), client: redis::Client::open(url)? })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, ChaosError> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        Ok(command.query_async(&mut self.connection().await?).await?)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, ChaosError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// 0 for an absent group.
    pub async fn pending_of(&self, stream: &str, group: &str, consumer: &str) -> Result<u64, ChaosError> {
        let consumers = self.consumers(stream, group).await?;
        let found = consumers.iter().find(|known| known.get("name").is_some_and(|name| name == consumer));
        Ok(found.and_then(|known| known.get("pending")?.parse().ok()).unwrap_or(0))
    }

    /// Entries ever added; 0 for an absent stream.
    pub async fn added(&self, stream: &str) -> Result<u64, ChaosError> {
        let info: Vec<redis::Value> = match self.command(&["XINFO", "STREAM", stream]).await {
            Err(ChaosError::Redis(error)) if is_absent(&error) => return Ok(0),
            other => other?,
        };
        let mut pairs = info.chunks_exact(2);
        let is_wanted = |name: &redis::Value| {
            redis::from_redis_value_ref::<String>(name).is_ok_and(|name| name == "entries-added")
        };
        let added = pairs
            .find(|pair| is_wanted(&pair[0]))
            .and_then(|pair| redis::from_redis_value_ref(&pair[1]).ok());
        Ok(added.unwrap_or(0))
    }

    /// `None` for an absent key.
    pub async fn dump(&self, key: &str) -> Result<Option<Vec<u8>>, ChaosError> {
        self.command(&["DUMP", key]).await
    }

    /// Restores a [`DirectRedis::dump`] unless the key exists.
    pub async fn restore(&self, key: &str, dump: &[u8]) -> Result<(), ChaosError> {
        if self.command::<u64>(&["EXISTS", key]).await? == 1 {
            return Ok(());
        }
        Ok(redis::cmd("RESTORE").arg(key).arg(0).arg(dump).query_async(&mut self.connection().await?).await?)
    }

    /// Empty for an absent stream.
    pub async fn groups(&self, stream: &str) -> Result<Vec<BTreeMap<String, String>>, ChaosError> {
        self.rows(&["XINFO", "GROUPS", stream]).await
    }

    /// Empty for an absent group.
    pub async fn consumers(
        &self,
        stream: &str,
        group: &str,
    ) -> Result<Vec<BTreeMap<String, String>>, ChaosError> {
        self.rows(&["XINFO", "CONSUMERS", stream, group]).await
    }

    async fn rows(&self, words: &[&str]) -> Result<Vec<BTreeMap<String, String>>, ChaosError> {
        let rows: Vec<Vec<redis::Value>> = match self.command(words).await {
            Err(ChaosError::Redis(error)) if is_absent(&error) => return Ok(Vec::new()),
            other => other?,
        };
        Ok(rows.into_iter().map(|words| pairs(&words)).collect())
    }

    pub async fn info(&self, name: &str) -> Result<u64, ChaosError> {
        let text: String = self.command(&["INFO"]).await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(value.and_then(|value| value.trim().parse().ok()).unwrap_or(0))
    }

    /// Event ids after `entry`, in order.
    pub async fn events_behind(&self, stream: &str, entry: &str) -> Result<Vec<String>, ChaosError> {
        let mut events = Vec::new();
        let mut from = format!("({entry}");
        loop {
            let page: StreamRangeReply = self.command(&["XRANGE", stream, &from, "+", "COUNT", PAGE]).await?;
            events.extend(page.ids.iter().filter_map(|entry| entry.get::<String>("id")));
            match page.ids.last() {
                Some(last) => from = format!("({}", last.id),
                None => return Ok(events),
            }
        }
    }

    /// The first entry whose fields contain `what`.
    pub async fn entry_about(&self, stream: &str, what: &str) -> Result<Option<String>, ChaosError> {
        let all: StreamRangeReply = self.command(&["XRANGE", stream, "-", "+"]).await?;
        let mentions =
            |entry: &&redis::streams::StreamId| entry.map.values().any(|value| text(value).contains(what));
        Ok(all.ids.iter().find(mentions).map(|entry| entry.id.clone()))
    }

    pub async fn length(&self, stream: &str) -> Result<u64, ChaosError> {
        self.command(&["XLEN", stream]).await
    }
}

fn is_absent(error: &redis::RedisError) -> bool {
    error.code() == Some("NOGROUP") || error.to_string().contains("no such key")
}

/// A null becomes an empty text.
fn pairs(words: &[redis::Value]) -> BTreeMap<String, String> {
    words.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

fn text(value: &redis::Value) -> String {
    redis::from_redis_value_ref(value).unwrap_or_default()
}
