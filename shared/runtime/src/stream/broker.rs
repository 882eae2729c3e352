//! Redis connections: a shared one for short commands, dedicated ones for blocking reads.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use redis::{
    AsyncConnectionConfig, IntoConnectionInfo, Pipeline, Value,
    aio::MultiplexedConnection,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::sync::Mutex;

use super::{BrokerError, answer, partition_of, publication, reader::Reader};
use crate::{failpoint, stream::StreamSettings, telemetry::begin_span};
use events::{Envelope, FIELD};

/// Bounds the buffer that the connection keeps; an event takes about 1 KiB.
const ROUND_TRIP: usize = 256;

/// First keepalive probe and interval: detects a dead host within 30 s.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// The shared connection of one arbiter.
#[derive(Clone)]
pub struct Broker {
    client: redis::Client,
    shared: Arc<Mutex<Shared>>,
    timeout: Duration,
    partitions: u16,
}

/// Numbered: callers that fail on the same connection discard it once.
#[derive(Default)]
struct Shared {
    connection: Option<MultiplexedConnection>,
    number: u64,
}

impl Broker {
    pub fn new(settings: &StreamSettings) -> Self {
        let client = with_limits(settings.url.client(), settings.timeout);
        Self { client, shared: Arc::default(), timeout: settings.timeout, partitions: settings.partitions }
    }

    pub(super) async fn reader(&self, block: Duration) -> Result<Reader, BrokerError> {
        Reader::connect(&self.client, self.timeout, block + self.timeout).await
    }

    /// Runs commands in one round trip, with one result each.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]: any of them may have been executed.
    pub async fn run(&self, pipeline: &mut Pipeline) -> Result<Vec<Value>, BrokerError> {
        // Otherwise one refused command hides the other results.
        pipeline.ignore_errors();
        let values = self
            .ask(async |mut connection| pipeline.query_async::<Vec<Value>>(&mut connection).await)
            .await?;
        Ok(values)
    }

    /// A refused command leaves the others of the MULTI applied: check every value.
    pub(super) async fn transaction(&self, mut pipeline: Pipeline) -> Result<Vec<Value>, BrokerError> {
        self.run(pipeline.atomic()).await
    }

    /// Runs one command; its refusal is an error.
    pub async fn command<T: redis::FromRedisValue>(&self, command: redis::Cmd) -> Result<T, BrokerError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(command);
        let values = self.run(&mut pipeline).await?;
        let value = values.into_iter().next().unwrap_or(Value::Nil).extract_error()?;
        T::from_redis_value(value).map_err(|e| BrokerError::Refused(e.into()))
    }

    /// A failed script keeps its earlier effects.
    pub async fn script<T: redis::FromRedisValue>(
        &self,
        invocation: &redis::ScriptInvocation<'_>,
    ) -> Result<T, BrokerError> {
        let value = self
            .ask(async |mut connection| {
                invocation.invoke_async::<Value>(&mut connection).await.map(|v| vec![v])
            })
            .await?;
        let value = value.into_iter().next().unwrap_or(Value::Nil).extract_error()?;
        T::from_redis_value(value).map_err(|e| BrokerError::Refused(e.into()))
    }

    /// Publishes envelopes, and returns their entry ids in order; errors as [`Broker::run`].
    pub async fn publish(
        &self,
        events: &[(&str, &Envelope)],
    ) -> Result<Vec<Result<String, BrokerError>>, BrokerError> {
        failpoint::pass("publish.before", "");
        let mut results = Vec::with_capacity(events.len());
        for part in events.chunks(ROUND_TRIP) {
            results.extend(self.publish_part(part).await?);
        }
        failpoint::pass("publish.after", "");
        Ok(results)
    }

    async fn publish_part(
        &self,
        events: &[(&str, &Envelope)],
    ) -> Result<impl Iterator<Item = Result<String, BrokerError>>, BrokerError> {
        let mut pipeline = Pipeline::with_capacity(events.len());
        let began = SystemTime::now();
        let mut spans = Vec::with_capacity(events.len());
        for (stream, envelope) in events {
            let span = begin_span(&envelope.traceparent);
            let document = match &span {
                Some(span) => envelope.to_json_in(&span.carried()),
                None => envelope.to_json(),
            };
            pipeline.add_command(add(&self.key_of(stream, envelope), &document));
            spans.push(span);
        }
        let values = self.run(&mut pipeline).await?;
        Ok(values.into_iter().zip(events).zip(spans).map(move |((value, event), span)| {
            let entry = value.extract_error().map(entry_id);
            if let Some(span) = span {
                publication::record_publication(&span, *event, began, entry.is_err());
            }
            entry.map_err(BrokerError::from)
        }))
    }

    pub(crate) fn key_of(&self, stream: &str, envelope: &Envelope) -> String {
        partition_of(stream, &envelope.correlation_id, self.partitions)
    }

    pub(crate) fn partitions(&self) -> u16 {
        self.partitions
    }

    /// Milliseconds since 1970, by the clock of entry ids.
    pub(crate) async fn now(&self) -> Result<u64, BrokerError> {
        let (seconds, micros): (u64, u64) = self.command(redis::cmd("TIME")).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    /// Discards an unusable connection.
    async fn ask(
        &self,
        question: impl AsyncFnOnce(MultiplexedConnection) -> redis::RedisResult<Vec<Value>>,
    ) -> Result<Vec<Value>, BrokerError> {
        let (connection, number) = self.connection().await?;
        let answer = match tokio::time::timeout(self.timeout, question(connection)).await {
            Err(_) => Err(BrokerError::late(self.timeout)),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(values)) => answer::spent(&values).map_or(Ok(values), Err),
        };
        if matches!(answer, Err(BrokerError::Unavailable(_))) {
            let mut shared = self.shared.lock().await;
            if shared.number == number {
                shared.connection = None;
            }
        }
        answer
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), BrokerError> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &shared.connection {
            return Ok((connection.clone(), shared.number));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        // The client's limit covers only the socket; this one also covers a silent server.
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let connection = tokio::time::timeout(self.timeout, connecting)
            .await
            .map_err(|_| BrokerError::late(self.timeout))??;
        shared.connection = Some(connection.clone());
        shared.number += 1;
        Ok((connection, shared.number))
    }
}

/// The peer must acknowledge data within `timeout`.
fn with_limits(client: redis::Client, timeout: Duration) -> redis::Client {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1);
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(timeout);
    let limited =
        client.get_connection_info().clone().into_connection_info().map(|info| info.set_tcp_settings(tcp));
    limited.and_then(redis::Client::open).unwrap_or(client)
}

fn entry_id(answer: Value) -> String {
    match answer {
        Value::BulkString(id) => String::from_utf8(id).unwrap_or_default(),
        Value::SimpleString(id) => id,
        _ => String::new(),
    }
}

fn add(key: &str, document: &str) -> redis::Cmd {
    let mut command = redis::Cmd::with_capacity(5, key.len() + document.len() + 10);
    command.arg("XADD").arg(key).arg("*").arg(FIELD).arg(document);
    command
}
