//! Connections to Redis: a shared one for short commands, and dedicated ones for blocking reads.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, Value, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use super::{partition_of, reader::Reader, spans};
use crate::{events::Envelope, failpoint, settings::StreamSettings};

/// Events that are published in one round trip, of about a kilobyte each: the connection keeps the room that the largest needed.
const ROUND_TRIP: usize = 256;

/// Redis did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It cannot be reached, or did not answer in time. A command may have been executed.
    #[error("Redis is not available: {0}")]
    Unavailable(String),
    /// It answered with an error.
    #[error("Redis refused: {0}")]
    Refused(RedisError),
}

impl From<RedisError> for BrokerError {
    fn from(error: RedisError) -> Self {
        let loading = matches!(
            error.kind(),
            ErrorKind::Server(redis::ServerErrorKind::BusyLoading | redis::ServerErrorKind::MasterDown | redis::ServerErrorKind::ReadOnly)
        );
        if loading || error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_connection_refusal() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Refused(error)
        }
    }
}

impl BrokerError {
    /// The stream or its group is gone: FLUSHALL, DEL or XGROUP DESTROY happened.
    pub fn is_group_lost(&self) -> bool {
        matches!(self, Self::Refused(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")))
    }
}

/// The shared connection of one arbiter. It is made when first needed, and again after it broke.
#[derive(Clone)]
pub struct Broker {
    client: redis::Client,
    shared: Arc<Mutex<Option<MultiplexedConnection>>>,
    timeout: Duration,
    partitions: u16,
}

impl Broker {
    pub fn new(settings: &StreamSettings) -> Self {
        Self { client: settings.url.client(), shared: Arc::default(), timeout: settings.timeout, partitions: settings.partitions }
    }

    /// A connection of its own whose reads may block for `block`: the answer may take that long on top of the usual time.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub(super) async fn reader(&self, block: Duration) -> Result<Reader, BrokerError> {
        Reader::connect(&self.client, self.timeout, block + self.timeout).await
    }

    /// Runs commands in one round trip; one value a command, errors of single commands among them.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]: some or all of the commands may have been executed.
    pub async fn run(&self, pipeline: &mut Pipeline) -> Result<Vec<Value>, BrokerError> {
        let mut connection = self.connection().await?;
        // Without ignore_errors one failed command hides the results of all the others.
        let answer = tokio::time::timeout(self.timeout, pipeline.ignore_errors().query_async::<Vec<Value>>(&mut connection)).await;
        let error = match answer {
            Ok(Ok(values)) => return Ok(values),
            Ok(Err(error)) => BrokerError::from(error),
            Err(_) => BrokerError::Unavailable(format!("no answer within {:?}", self.timeout)),
        };
        if matches!(error, BrokerError::Unavailable(_)) {
            *self.shared.lock().await = None;
        }
        Err(error)
    }

    /// Runs one command.
    ///
    /// # Errors
    /// As [`Broker::run`], and the command's own error.
    pub async fn command<T: redis::FromRedisValue>(&self, command: redis::Cmd) -> Result<T, BrokerError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(command);
        let values = self.run(&mut pipeline).await?;
        let value = values.into_iter().next().unwrap_or(Value::Nil).extract_error()?;
        T::from_redis_value(value).map_err(|e| BrokerError::Refused(e.into()))
    }

    /// Runs a Lua script: several commands that happen together or not at all.
    ///
    /// # Errors
    /// As [`Broker::run`].
    pub async fn script<T: redis::FromRedisValue>(&self, invocation: &redis::ScriptInvocation<'_>) -> Result<T, BrokerError> {
        let mut connection = self.connection().await?;
        let answer = tokio::time::timeout(self.timeout, invocation.invoke_async::<T>(&mut connection)).await;
        answer.map_err(|_| BrokerError::Unavailable(format!("no answer within {:?}", self.timeout)))?.map_err(BrokerError::from)
    }

    /// Publishes envelopes; one result an envelope, in order.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]: any of them may have been published.
    pub async fn publish(&self, events: &[(&str, &Envelope)]) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        failpoint::pass("publish.before", "");
        let mut results = Vec::with_capacity(events.len());
        for part in events.chunks(ROUND_TRIP) {
            results.extend(self.publish_part(part).await?);
        }
        failpoint::pass("publish.after", "");
        Ok(results)
    }

    async fn publish_part(&self, events: &[(&str, &Envelope)]) -> Result<impl Iterator<Item = Result<(), BrokerError>>, BrokerError> {
        let (mut pipeline, began) = (Pipeline::with_capacity(events.len()), SystemTime::now());
        for (stream, envelope) in events {
            let key = partition_of(stream, &envelope.correlation_id, self.partitions);
            pipeline.add_command(add(&key, &envelope.fields()));
        }
        let values = self.run(&mut pipeline).await?;
        Ok(values.into_iter().zip(events).map(move |(value, (stream, envelope))| {
            value.extract_error()?;
            spans::record_publication(stream, envelope, began);
            Ok(())
        }))
    }

    pub(super) fn partitions(&self) -> u16 {
        self.partitions
    }

    /// Appends an entry to `key` as it is, and returns its id: for tools that send what no service would.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]: it may have been appended.
    pub async fn append(&self, key: &str, fields: &[(&str, &str)]) -> Result<String, BrokerError> {
        self.command(add(key, fields)).await
    }

    /// Whether Redis answers.
    pub async fn is_reachable(&self) -> bool {
        self.command::<String>(redis::cmd("PING")).await.is_ok()
    }

    /// Warns when the server may throw streams away: they must survive a restart and must never be evicted.
    pub async fn check_durability(&self) {
        for (setting, wanted) in [("appendonly", "yes"), ("maxmemory-policy", "noeviction")] {
            let mut command = redis::cmd("CONFIG");
            command.arg("GET").arg(setting);
            match self.command::<Vec<String>>(command).await {
                Ok(answer) if answer.get(1).is_none_or(|found| found == wanted) => {}
                Ok(answer) => {
                    tracing::warn!(setting, wanted, found = ?answer.get(1), "Redis can lose events; they will be published again, late")
                }
                Err(error) => tracing::debug!(setting, %error, "cannot check the Redis setting"),
            }
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, BrokerError> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(self.timeout)).set_response_timeout(Some(self.timeout));
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *shared = Some(connection.clone());
        Ok(connection)
    }
}

/// `XADD key * field value …`
fn add(key: &str, fields: &[(&str, impl AsRef<str>)]) -> redis::Cmd {
    let bytes: usize = fields.iter().map(|(field, value)| field.len() + value.as_ref().len()).sum();
    let mut command = redis::Cmd::with_capacity(3 + 2 * fields.len(), bytes + key.len() + 5);
    command.arg("XADD").arg(key).arg("*");
    for (field, value) in fields {
        command.arg(*field).arg(value.as_ref());
    }
    command
}
