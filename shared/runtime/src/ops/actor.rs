//! Reads Redis and PostgreSQL for operators, and probes both.

use std::{rc::Rc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, WrapFuture};

use crate::{
    audit::{AuditTrail, Filter, Position, StoredRecord},
    auth::KeySet,
    db::{Database, Failure},
    http::Readiness,
    outbox::{OutboxDepth, RelayHandle, lose_streams},
    recovery::ServerIdentity,
    stream::{
        Broker, BrokerError, ConsumerSpec, DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetters,
        ProbeError, Redriven, StreamOverview, overview,
    },
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
    telemetry,
};

/// Also the age of `/readyz` and of the gauges.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The sources of the actor.
#[derive(Clone)]
pub struct OpsSources {
    pub database: Database,
    pub trail: AuditTrail,
    pub readiness: Readiness,
    /// Fetched for readiness.
    pub keys: KeySet,
    /// `None` for a service without streams.
    pub streams: Option<StreamSources>,
}

/// The streams and the outbox of a service.
#[derive(Clone)]
pub struct StreamSources {
    pub broker: Broker,
    /// One per partition.
    pub consumers: Vec<ConsumerSpec>,
    pub relay: RelayHandle,
}

/// The actor of the operations API.
pub struct Operations {
    sources: Rc<OpsSources>,
    life: Life,
}

/// Starts the actor.
pub fn start(supervisor: &SupervisorHandle, sources: &OpsSources) -> Supervised<Operations> {
    let sources = sources.clone();
    supervisor.supervise("operations", "operations", RestartPolicy::default(), move |life| Operations {
        sources: Rc::new(sources.clone()),
        life,
    })
}

impl Actor for Operations {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let sources = Rc::clone(&self.sources);
        let probing = async move {
            if let Some(streams) = &sources.streams {
                streams.broker.check_durability().await;
            }
            let mut servers = Servers::default();
            loop {
                probe(&sources, &mut servers).await;
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
        };
        context.spawn(probing.into_actor(self));
        // Histograms keep every sample until a scrape or this upkeep.
        let metrics = telemetry::install_metrics();
        context.run_interval(PROBE_INTERVAL, move |_, _| metrics.run_upkeep());
    }
}

crate::drains_at_once!(Operations);

/// The servers that answered last.
#[derive(Default)]
struct Servers {
    postgres: Option<ServerIdentity>,
    redis: Option<ServerIdentity>,
}

/// Reports to `/readyz`, sets the gauges, and records a server that took the place of another one.
async fn probe(sources: &OpsSources, servers: &mut Servers) {
    let Servers { postgres, redis: known_redis } = servers;
    let redis = async {
        let streams = sources.streams.as_ref()?;
        let failure = streams.probe().await.err();
        if failure.is_none()
            && let Some(server) = streams.broker.identity().await
        {
            server.follow("Redis", known_redis);
        }
        Some(failure)
    };
    let database = sources.database.check();
    let keys = sources.keys.warm_up();
    let (database, keys, redis) = futures_util::join!(database, keys, redis);
    let database = database.map(|server| server.follow("PostgreSQL", postgres));
    sources.readiness.report("database", database.err());
    sources.readiness.report("token-keys", keys.err().map(|error| error.to_string()));
    if let Some(redis) = redis {
        sources.readiness.report("redis", redis);
    }
    if let Some(streams) = &sources.streams {
        let depth = streams.relay.depth();
        metrics::gauge!("orderflow_outbox_unconfirmed").set(depth.unconfirmed as f64);
        metrics::gauge!("orderflow_outbox_oldest_seconds").set(depth.oldest_seconds);
    }
}

impl StreamSources {
    /// Sets the gauges even while writes are refused.
    async fn probe(&self) -> Result<(), String> {
        match self.broker.probe().await {
            Err(ProbeError::Broker(error @ BrokerError::Unavailable(_))) => Err(error.to_string()),
            probe => {
                let looked = self.overviews().await.map(drop).map_err(|error| error.to_string());
                probe.map_err(|error| error.to_string()).and(looked)
            }
        }
    }

    async fn overviews(&self) -> Result<Vec<StreamOverview>, BrokerError> {
        let mut overviews = Vec::with_capacity(self.consumers.len());
        for consumer in &self.consumers {
            overviews.push(overview(&self.broker, consumer).await?);
        }
        Ok(overviews)
    }
}

/// The reason why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    #[error("there is no such dead letter")]
    Absent,
    #[error("this service consumes no stream `{0}`")]
    UnknownStream(String),
    /// A retry may help.
    #[error("{0}")]
    Unavailable(String),
    /// Final, and without effect.
    #[error("{0}")]
    Refused(String),
}

impl From<BrokerError> for OpsError {
    fn from(error: BrokerError) -> Self {
        if error.is_final() { Self::Refused(error.to_string()) } else { Self::Unavailable(error.to_string()) }
    }
}

impl From<DeadLetterError> for OpsError {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::Absent => Self::Absent,
            DeadLetterError::Broker(error) => error.into(),
        }
    }
}

#[derive(Message)]
#[rtype(result = "Result<Vec<StreamOverview>, OpsError>")]
pub(super) struct ShowStreams;

#[derive(Message)]
#[rtype(result = "OutboxDepth")]
pub(super) struct ShowOutbox;

/// `after` is the id of a dead letter.
#[derive(Message)]
#[rtype(result = "Result<Vec<DeadLetter>, OpsError>")]
pub(super) struct ListDeadLetters {
    pub stream: Option<String>,
    pub after: Option<String>,
    pub limit: usize,
}

#[derive(Message)]
#[rtype(result = "Result<DeadLetter, OpsError>")]
pub(super) struct GetDeadLetter(pub String);

#[derive(Message)]
#[rtype(result = "Result<(), OpsError>")]
pub(super) struct Redrive(pub String);

#[derive(Message)]
#[rtype(result = "Result<Redriven, OpsError>")]
pub(super) struct RedriveAll {
    pub stream: String,
    pub filter: DeadLetterFilter,
    pub dry_run: bool,
}

#[derive(Message)]
#[rtype(result = "Result<(), OpsError>")]
pub(super) struct Discard(pub String);

/// Lists at most `limit` records before `before`, newest first.
#[derive(Message)]
#[rtype(result = "Result<Vec<StoredRecord>, Failure>")]
pub(super) struct ListAudit {
    pub filter: Filter,
    pub before: Option<Position>,
    pub limit: usize,
}

/// Panics each consumer of the stream at its next batch.
#[derive(Message)]
#[rtype(result = "Result<(), OpsError>")]
pub(super) struct PanicConsumer(pub String);

/// Deletes the streams that the service of this name publishes to.
#[derive(Message)]
#[rtype(result = "Result<(), OpsError>")]
pub(super) struct LoseStreams(pub &'static str);

impl OpsSources {
    fn streams(&self) -> Result<&StreamSources, OpsError> {
        // Without streams there are no dead letters.
        self.streams.as_ref().ok_or(OpsError::Absent)
    }

    fn dead_letters(&self) -> Result<DeadLetters, OpsError> {
        Ok(DeadLetters::new(self.streams()?.broker.clone()))
    }

    /// Names each stream once, for all partitions.
    fn consumed(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.streams.iter().flat_map(|s| s.consumers.iter().map(|c| c.stream.clone())).collect();
        names.dedup();
        names
    }

    async fn list(&self, query: ListDeadLetters) -> Result<Vec<DeadLetter>, OpsError> {
        let consumed = self.consumed();
        if let Some(wanted) = query.stream.as_ref().filter(|wanted| !consumed.contains(wanted)) {
            return Err(OpsError::UnknownStream(wanted.clone()));
        }
        if self.streams.is_none() {
            return Ok(Vec::new());
        }
        let letters = self.dead_letters()?;
        let (resume_at, after) = match query.after.as_deref().and_then(|id| id.split_once(".dead~")) {
            Some((stream, entry)) => (Some(stream), Some(entry)),
            None => (None, None),
        };
        let wanted =
            consumed.iter().filter(|stream| query.stream.as_ref().is_none_or(|only| only == *stream));
        let mut found = Vec::new();
        for stream in wanted.skip_while(|stream| resume_at.is_some_and(|at| at != stream.as_str())) {
            let after = after.filter(|_| resume_at == Some(stream.as_str()));
            found.extend(letters.list(stream, after, query.limit - found.len()).await?);
            if found.len() >= query.limit {
                break;
            }
        }
        Ok(found)
    }
}

impl Handler<ShowStreams> for Operations {
    type Result = ResponseFuture<Result<Vec<StreamOverview>, OpsError>>;

    fn handle(&mut self, _: ShowStreams, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move {
            match &sources.streams {
                Some(streams) => Ok(streams.overviews().await?),
                None => Ok(Vec::new()),
            }
        })
    }
}

impl Handler<ShowOutbox> for Operations {
    type Result = MessageResult<ShowOutbox>;

    fn handle(&mut self, _: ShowOutbox, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.sources.streams.as_ref().map(|streams| streams.relay.depth()).unwrap_or_default())
    }
}

impl Handler<ListDeadLetters> for Operations {
    type Result = ResponseFuture<Result<Vec<DeadLetter>, OpsError>>;

    fn handle(&mut self, query: ListDeadLetters, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move { sources.list(query).await })
    }
}

impl Handler<GetDeadLetter> for Operations {
    type Result = ResponseFuture<Result<DeadLetter, OpsError>>;

    fn handle(&mut self, message: GetDeadLetter, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move { Ok(sources.dead_letters()?.get(&message.0).await?) })
    }
}

impl Handler<Redrive> for Operations {
    type Result = ResponseFuture<Result<(), OpsError>>;

    fn handle(&mut self, message: Redrive, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move { Ok(sources.dead_letters()?.redrive(&message.0).await?) })
    }
}

impl Handler<RedriveAll> for Operations {
    type Result = ResponseFuture<Result<Redriven, OpsError>>;

    fn handle(&mut self, message: RedriveAll, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move {
            if !sources.consumed().contains(&message.stream) {
                return Err(OpsError::UnknownStream(message.stream));
            }
            Ok(sources.dead_letters()?.redrive_all(&message.stream, &message.filter, message.dry_run).await?)
        })
    }
}

impl Handler<Discard> for Operations {
    type Result = ResponseFuture<Result<(), OpsError>>;

    fn handle(&mut self, message: Discard, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move { Ok(sources.dead_letters()?.discard(&message.0).await?) })
    }
}

impl Handler<ListAudit> for Operations {
    type Result = ResponseFuture<Result<Vec<StoredRecord>, Failure>>;

    fn handle(&mut self, message: ListAudit, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        let ListAudit { filter, before, limit } = message;
        Box::pin(async move { sources.trail.list(&filter, before, limit).await.map_err(Failure::from) })
    }
}

impl Handler<PanicConsumer> for Operations {
    type Result = Result<(), OpsError>;

    fn handle(&mut self, message: PanicConsumer, _: &mut Self::Context) -> Self::Result {
        if !self.sources.consumed().contains(&message.0) {
            return Err(OpsError::UnknownStream(message.0));
        }
        self.sources
            .streams()?
            .consumers
            .iter()
            .filter(|spec| spec.stream == message.0)
            .for_each(ConsumerSpec::make_panic);
        Ok(())
    }
}

impl Handler<LoseStreams> for Operations {
    type Result = ResponseFuture<Result<(), OpsError>>;

    fn handle(&mut self, message: LoseStreams, _: &mut Self::Context) -> Self::Result {
        let sources = Rc::clone(&self.sources);
        Box::pin(async move { Ok(lose_streams(&sources.streams()?.broker, message.0).await?) })
    }
}
