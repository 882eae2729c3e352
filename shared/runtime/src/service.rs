//! The frame of a service.
//!
//! ```text
//! prepare:  metrics, schema, pools, two arbiters with a supervisor each
//! streams:  partitions agreed on, broker, relay          (a service that publishes or consumes)
//! run:      operations, HTTP ─ signal or fault ─> notice, requests, consumers, own stages, relay, operations
//! ```
//!
//! Promise 9: readiness falls first, then every part finishes before the parts it needs.

use std::io;

use actix_rt::Arbiter;
use actix_web::web::{Data, ServiceConfig};
use deadpool_postgres::BuildError;
use refinery::Runner;
use utoipa::openapi::OpenApi;

use crate::{
    audit::{self, AuditTrail},
    auth::{KeySet, Verifier},
    db::{self, Database, MigrationError},
    http::{self, Audit, HttpOptions, Readiness, RunningHttp},
    openapi,
    ops::{self, Operations, OpsSources, StreamSources},
    outbox::{self, PartitionsError, RelayHandle, RelayOptions},
    process::Common,
    shutdown::{Cause, Deadline, Shutdown},
    stream::{Broker, ConsumerSet, StreamSettings},
    supervisor::{Drainable, Roster, Supervised, SupervisorHandle},
    telemetry,
};

/// Reasons why a service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Partitions(#[from] PartitionsError),
    #[error("the connection pool cannot be built: {0}")]
    Pool(#[from] BuildError),
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A service during startup.
pub struct Service {
    name: &'static str,
    settings: Common,
    roster: Roster,
    arbiters: [Arbiter; 2],
    pub shutdown: Shutdown,
    /// For actors and writers.
    pub core: SupervisorHandle,
    /// For consumers, relay and operations.
    pub background: SupervisorHandle,
    /// For the core arbiter.
    pub database: Database,
    /// For reads of HTTP requests.
    pub requests: Database,
    /// For the background arbiter.
    pub background_database: Database,
}

/// The streams of a service.
pub struct Streams {
    pub settings: StreamSettings,
    pub broker: Broker,
    pub relay: RelayHandle,
    consumers: ConsumerSet,
}

/// The HTTP API.
pub struct Api<R> {
    /// For readiness.
    pub keys: KeySet,
    /// For handlers.
    pub verifier: Verifier,
    /// The service's own routes.
    pub openapi: OpenApi,
    pub routes: R,
    /// Routes whose acts have a history of their own: the audit trail gets their refusals only.
    pub own_history: &'static [&'static str],
}

/// A named part of a service that drains before the next one.
pub type Stage = (&'static str, Box<dyn Drainable>);

/// Builds stages in shutdown order.
#[macro_export]
macro_rules! down {
    ($($name:literal => $part:expr),* $(,)?) => {
        vec![$(($name, Box::new($part) as Box<dyn $crate::supervisor::Drainable>)),*]
    };
}

impl Service {
    /// Waits for the database, migrates it, and starts the common parts.
    pub async fn prepare(
        name: &'static str,
        settings: &Common,
        migrations: fn() -> Runner,
    ) -> Result<Self, StartError> {
        telemetry::install_metrics();
        telemetry::show_build(name);
        db::prepare(&settings.database, migrations).await?;
        if settings.database.migrate_on_start {
            audit::forget_old(&settings.database, settings.audit.retention).await;
        }
        let shutdown = Shutdown::default();
        let roster = Roster::default();
        let arbiters = [Arbiter::new(), Arbiter::new()];
        let [core, background] =
            [0, 1].map(|n: usize| SupervisorHandle::start(&arbiters[n].handle(), &roster, shutdown.clone()));
        let database = Database::open("core", &settings.database)?;
        let requests = database.requests("requests")?;
        let background_database = database.beside("streams")?;
        let settings = settings.clone();
        Ok(Self {
            name,
            settings,
            roster,
            arbiters,
            shutdown,
            core,
            background,
            database,
            requests,
            background_database,
        })
    }

    /// Opens the streams and starts the relay; fails if the database has another number of partitions.
    pub async fn streams(&self, settings: &StreamSettings) -> Result<Streams, StartError> {
        outbox::agree_on_partitions(&self.database, settings.partitions).await?;
        let broker = Broker::new(settings);
        let options = RelayOptions::of(self.name, &self.background_database, &broker, settings);
        let relay = RelayHandle::start(&self.background, &options);
        let consumers = ConsumerSet::new(&self.background, options.group, settings, &broker);
        Ok(Streams { settings: settings.clone(), broker, relay, consumers })
    }

    /// Serves until a signal or a fault, then shuts down.
    pub async fn run<R>(
        self,
        api: Api<R>,
        streams: Option<Streams>,
        stages: Vec<Stage>,
    ) -> Result<Cause, StartError>
    where
        R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let Common { database, audit, .. } = &self.settings;
        let trail = AuditTrail::start(self.name, &self.background, database, *audit)?;
        let operations = self.watch(&api.keys, streams.as_ref(), &trail);
        let watch = ops::KeyWatch::start(&self.background, api.verifier.keys(), api.verifier.jwks_interval());
        let http = self.serve(api, &operations.0, operations.1, trail.clone())?;
        let cause = self.shutdown.wait().await?;
        tracing::info!(?cause, "going down");
        let stages = down!["key-watch" => watch].into_iter().chain(stages).collect();
        self.stop(&http, streams, stages, trail, operations.0).await;
        Ok(cause)
    }

    fn watch(
        &self,
        keys: &KeySet,
        streams: Option<&Streams>,
        trail: &AuditTrail,
    ) -> (Supervised<Operations>, Readiness) {
        let readiness = Readiness::new(self.name, self.shutdown.clone(), &["database", "token-keys"]);
        let sources = OpsSources {
            database: self.background_database.clone(),
            trail: trail.clone(),
            readiness: readiness.clone(),
            keys: keys.clone(),
            streams: streams.map(|streams| StreamSources {
                broker: streams.broker.clone(),
                consumers: streams.consumers.specs().to_vec(),
                relay: streams.relay.clone(),
            }),
        };
        (ops::start(&self.background, &sources), readiness)
    }

    fn serve<R>(
        &self,
        api: Api<R>,
        operations: &Supervised<Operations>,
        readiness: Readiness,
        trail: AuditTrail,
    ) -> io::Result<RunningHttp>
    where
        R: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let options = HttpOptions {
            service: self.name,
            settings: self.settings.clone(),
            readiness,
            metrics: telemetry::install_metrics(),
            openapi: openapi::describe(self.name, &api.openapi),
        };
        let routes = ops::routes(self.name, operations, &self.roster, self.settings.faults);
        let verifier = Data::new(api.verifier);
        let audit = Data::new(Audit { trail, own_history: api.own_history });
        http::start(&options, move |config| {
            config.app_data(verifier.clone()).app_data(audit.clone());
            config.configure(api.routes.clone()).configure(routes.clone());
        })
    }

    async fn stop(
        self,
        http: &RunningHttp,
        streams: Option<Streams>,
        stages: Vec<Stage>,
        trail: AuditTrail,
        operations: Supervised<Operations>,
    ) {
        http.give_notice().await;
        let down = Deadline::after(self.settings.shutdown_timeout);
        http.stop().await;
        let (consumers, relay) = streams.map(|streams| (streams.consumers, streams.relay)).unzip();
        let first = consumers.map(|consumers| down!["consumers" => consumers]).unwrap_or_default();
        let last = relay.map(|relay| down!["relay" => relay]).unwrap_or_default();
        let stages = first.into_iter().chain(stages).chain(last);
        let stages = stages.chain(down!["audit" => trail.clone(), "operations" => operations]);
        for (name, part) in stages {
            down.stage(name, part.drain(down.left())).await;
        }
        [self.database, self.requests, self.background_database].iter().for_each(Database::close);
        trail.close();
        http.stop_metrics().await;
        for arbiter in self.arbiters {
            arbiter.stop();
        }
    }
}

impl Streams {
    /// Lets `add` register handlers.
    #[must_use]
    pub fn consume(self, add: impl FnOnce(ConsumerSet) -> ConsumerSet) -> Self {
        Self { consumers: add(self.consumers), ..self }
    }
}
