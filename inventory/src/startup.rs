//! Who talks to whom, and in which order it comes up and goes down.

use std::{io, time::Duration};

use actix_rt::Arbiter;
use events::{Event, ProductChanged, RefundOrder, StockReserved};
use refinery::Runner;
use runtime::{
    auth::{KeySet, Verifier},
    db::{self, Commits, Database, MigrationError},
    http::{HttpOptions, Readiness, RunningHttp},
    ops::{self, Operations, OpsSources, StreamSources},
    outbox::{self, RelayHandle, RelayOptions, Route},
    shutdown::{Cause, Deadline, Shutdown},
    stream::{Broker, Consumers, start_consumers},
    supervisor::{Roster, Supervised, SupervisorHandle},
    telemetry,
};

use crate::{
    actors::{self, Backends, StockDesk, StockDeskOptions},
    consumers::OrderCompletedHandler,
    http,
    settings::Settings,
    store::{GROUP, SERVICE, WriteStock},
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The schema of this service.
pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Partitions(#[from] outbox::PartitionsError),
    #[error("the connection pool cannot be built: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error("no HTTP client for the key set: {0}")]
    KeySet(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the service until it is told to end.
///
/// # Errors
/// It could not start.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    telemetry::install_metrics();
    describe_metrics();
    db::prepare(&settings.common.database, migrations).await?;
    outbox::agree_on_partitions(
        &Database::open("start", &settings.common.database)?,
        settings.streams.partitions,
    )
    .await?;
    let shutdown = Shutdown::default();
    let running = Running::start(&settings, &shutdown)?;
    let cause = shutdown.wait().await?;
    tracing::info!(?cause, "going down");
    running.stop(settings.common.shutdown_timeout).await;
    Ok(cause)
}

/// Everything that runs, in the order in which it goes down.
struct Running {
    http: RunningHttp,
    consumers: Consumers<OrderCompletedHandler>,
    desk: Supervised<StockDesk>,
    writer: Commits<WriteStock>,
    relay: RelayHandle,
    operations: Supervised<Operations>,
    databases: [Database; 3],
    _arbiters: [Arbiter; 2],
}

impl Running {
    /// Starts it downstream first: whoever is started finds its addressees up.
    fn start(settings: &Settings, shutdown: &Shutdown) -> Result<Self, StartError> {
        let (core, streams) = (Arbiter::new(), Arbiter::new());
        let roster = Roster::default();
        let core_supervisor = SupervisorHandle::start(&core.handle(), &roster, shutdown.clone());
        let streams_supervisor = SupervisorHandle::start(&streams.handle(), &roster, shutdown.clone());
        // Each arbiter owns its connections.
        let core_database = Database::open("core", &settings.common.database)?;
        let (requests, streams_database) =
            (core_database.requests("requests")?, core_database.beside("streams")?);
        let broker = Broker::new(&settings.streams);

        let relay =
            RelayHandle::start(&streams_supervisor, &relay_options(settings, &streams_database, &broker));
        let writer =
            Commits::start(&core_supervisor, core_database.clone(), &settings.common.database, || WriteStock);
        let desk = actors::start(
            &core_supervisor,
            &desk_options(settings, &core_database, &requests, &relay, &writer),
        );
        let entry = desk.clone();
        let consumers = start_consumers(&streams_supervisor, GROUP, &settings.streams, &broker, move || {
            OrderCompletedHandler::new(entry.clone())
        });

        let readiness = Readiness::new(SERVICE, shutdown.clone(), &["database", "token-keys"]);
        let keys = KeySet::remote(settings.tokens.jwks_url.clone(), settings.tokens.jwks_refresh);
        let keys = keys.map_err(|error| StartError::KeySet(error.to_string()))?;
        let operations = ops::start(
            &streams_supervisor,
            &OpsSources {
                database: streams_database.clone(),
                readiness: readiness.clone(),
                keys: keys.clone(),
                streams: Some(StreamSources {
                    broker,
                    consumers: consumers.specs.clone(),
                    relay: relay.clone(),
                }),
            },
        );
        let http = serve_http(
            settings,
            readiness,
            Verifier::new(keys, &settings.tokens),
            &desk,
            &operations,
            &roster,
        )?;
        let databases = [core_database, requests, streams_database];
        Ok(Self { http, consumers, desk, writer, relay, operations, databases, _arbiters: [core, streams] })
    }

    /// Promise 9: nothing is lost. Readiness is off since the shutdown began; everybody finishes before
    /// whoever it needs.
    async fn stop(self, limit: Duration) {
        self.http.give_notice().await;
        let down = Deadline::after(limit);
        self.http.stop().await;
        down.stage("consumers", self.consumers.drain(down.left())).await;
        down.stage("desk", self.desk.drain(down.left())).await;
        down.stage("writer", self.writer.drain(down.left())).await;
        down.stage("relay", self.relay.drain(down.left())).await;
        down.stage("operations", self.operations.drain(down.left())).await;
        self.databases.iter().for_each(Database::close);
        self.http.stop_metrics().await;
    }
}

/// The group of payment reads all that this service publishes.
const ROUTES: [Route; 3] = [
    Route { stream: StockReserved::STREAM, group: "payment-group" },
    Route { stream: RefundOrder::STREAM, group: "payment-group" },
    Route { stream: ProductChanged::STREAM, group: "payment-group" },
];

fn relay_options(settings: &Settings, database: &Database, broker: &Broker) -> RelayOptions {
    RelayOptions {
        service: SERVICE,
        database: database.clone(),
        broker: broker.clone(),
        settings: settings.streams.clone(),
        routes: &ROUTES,
        group: GROUP,
        answered_on: &[], // none of its events is confirmed
    }
}

fn desk_options(
    settings: &Settings,
    database: &Database,
    requests: &Database,
    relay: &RelayHandle,
    writer: &Commits<WriteStock>,
) -> StockDeskOptions {
    let backends = Backends {
        database: database.clone(),
        requests: requests.clone(),
        relay: relay.clone(),
        broker: Broker::new(&settings.streams),
        lease: settings.streams.resend_after,
        view_age: settings.product_view_age,
    };
    StockDeskOptions { backends, writer: writer.clone(), live_products: settings.live_products }
}

fn serve_http(
    settings: &Settings,
    readiness: Readiness,
    verifier: Verifier,
    desk: &Supervised<StockDesk>,
    operations: &Supervised<Operations>,
    roster: &Roster,
) -> io::Result<RunningHttp> {
    let options = HttpOptions {
        service: SERVICE,
        settings: settings.common.clone(),
        readiness,
        verifier,
        metrics: telemetry::install_metrics(),
        openapi: http::openapi(),
    };
    let (desk, operations, roster, faults) =
        (desk.clone(), operations.clone(), roster.clone(), settings.common.faults);
    runtime::http::start(&options, move |config| {
        config.configure(http::routes(desk.clone()));
        config.configure(ops::routes(SERVICE, operations.clone(), roster.clone(), faults));
    })
}

fn describe_metrics() {
    metrics::describe_counter!("orderflow_reservations_total", "Paid orders by what became of their stock");
    metrics::describe_counter!(
        "orderflow_oversell_guard_total",
        "Batches the database refused because stock would have gone below 0"
    );
}
