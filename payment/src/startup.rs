//! The composition root: who talks to whom, downstream first; and the way down, promise 9.

use std::{sync::Arc, time::Duration};

use actix_rt::Arbiter;
use events::{Event, OrderCompleted, RefundOrder, StockReserved};
use refinery::Runner;
use runtime::{
    auth::{KeySet, Verifier},
    db::{self, Commits, Database},
    http::{self, HttpOptions, Readiness, RunningHttp},
    ops::{self, Operations, OpsSources, StreamSources},
    outbox::{self, RelayHandle, RelayOptions, Route},
    shutdown::{Cause, Deadline, Shutdown},
    stream::{Broker, Consumers, DeadLetters, start_consumers},
    supervisor::{RestartPolicy, Roster, Supervised, SupervisorHandle},
    telemetry,
};

use crate::{
    actors::{
        Cashier, CashierParts, Catalogue, CatalogueSync, ChargeBacklog, ChargeOrders, Intake, OrderDesk,
        OrderDeskParts, Reconciler, ReconcilerParts, Watchers,
    },
    consumers::{ProductChangedHandler, RefundOrderHandler, StockReservedHandler},
    http::{Desks, document, routes},
    product_source::ProductSource,
    provider::Simulator,
    settings::Settings,
    store::{
        ApplyOutcomes, ChargeLedger, ParkCharges, ParkRefunds, PlaceOrders, RefundLedger, SettleCharges,
    },
};

const SERVICE: &str = "payment";
/// The consumer group of this service, and the name its inbox knows it by.
const GROUP: &str = "payment-group";

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
    Migration(#[from] db::MigrationError),
    #[error(transparent)]
    Partitions(#[from] outbox::PartitionsError),
    #[error("the database pool cannot be made: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the service until a signal or a fault ends it.
///
/// # Errors
/// See [`StartError`].
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    tracing::info!(?settings, "starting");
    db::prepare(&settings.common.database, migrations).await?;
    outbox::agree_on_partitions(
        &Database::open("start", &settings.common.database)?,
        settings.streams.partitions,
    )
    .await?;
    let shutdown = Shutdown::default();
    let service = Service::start(&settings, &shutdown)?;
    let cause = shutdown.wait().await?;
    tracing::info!(?cause, "going down");
    service.stop(settings.common.shutdown_timeout).await;
    Ok(cause)
}

/// Everything that runs.
struct Service {
    http: RunningHttp,
    desks: Actors,
    consumers: AllConsumers,
    relay: RelayHandle,
    operations: Supervised<Operations>,
    databases: [Database; 3],
}

impl Service {
    fn start(settings: &Settings, shutdown: &Shutdown) -> Result<Self, StartError> {
        let metrics = telemetry::install_metrics();
        let roster = Roster::default();
        let (core, streams) = (Arbiter::new(), Arbiter::new());
        let core_supervisor = SupervisorHandle::start(&core.handle(), &roster, shutdown.clone());
        let stream_supervisor = SupervisorHandle::start(&streams.handle(), &roster, shutdown.clone());
        // One pool per arbiter: a connection is driven by the thread that uses it.
        let database = Database::open("core", &settings.common.database)?;
        let (requests, stream_database) = (database.requests("requests")?, database.beside("streams")?);
        let broker = Broker::new(&settings.streams);

        let relay = start_relay(&stream_supervisor, settings, &stream_database, &broker);
        let intake = Intake::new(settings.late_after);
        let actors = Actors::start(
            &core_supervisor,
            settings,
            [&database, &requests],
            &relay,
            &intake,
            shutdown.clone(),
        )?;
        let consumers = AllConsumers::start(&stream_supervisor, settings, &broker, &actors);

        let keys = KeySet::remote(settings.tokens.jwks_url.clone(), settings.tokens.jwks_refresh)?;
        let readiness = Readiness::new(SERVICE, shutdown.clone(), &["database", "token-keys"]);
        let sources = OpsSources {
            database: stream_database.clone(),
            readiness: readiness.clone(),
            keys: keys.clone(),
            streams: Some(StreamSources { broker, consumers: consumers.specs(), relay: relay.clone() }),
        };
        let operations = ops::start(&stream_supervisor, &sources);
        let options = HttpOptions {
            service: SERVICE,
            settings: settings.common.clone(),
            readiness,
            verifier: Verifier::new(keys, &settings.tokens),
            metrics,
            openapi: document(),
        };
        let desks = Desks {
            orders: actors.desk.clone(),
            catalogue: actors.catalogue.clone(),
            backlog: ChargeBacklog::new(&actors.cashier, settings.charge_backlog),
            intake,
        };
        let (own, operations_of_http, faults) = (routes(desks), operations.clone(), settings.common.faults);
        let http = http::start(&options, move |config| {
            config.configure(own.clone()).configure(ops::routes(
                SERVICE,
                operations_of_http.clone(),
                roster.clone(),
                faults,
            ));
        })?;
        Ok(Self {
            http,
            desks: actors,
            consumers,
            relay,
            operations,
            databases: [database, requests, stream_database],
        })
    }

    /// Promise 9: requests finish, consumers finish and ack, writers commit, the relay flushes.
    async fn stop(&self, limit: Duration) {
        self.http.give_notice().await;
        let down = Deadline::after(limit);
        self.http.stop().await;
        down.stage("consumers", self.consumers.drain(down.left())).await;
        self.desks.drain(&down).await;
        down.stage("relay", self.relay.drain(down.left())).await;
        down.stage("operations", self.operations.drain(down.left())).await;
        self.databases.iter().for_each(Database::close);
        self.http.stop_metrics().await;
    }
}

fn start_relay(
    supervisor: &SupervisorHandle,
    settings: &Settings,
    database: &Database,
    broker: &Broker,
) -> RelayHandle {
    let options = RelayOptions {
        service: SERVICE,
        database: database.clone(),
        broker: broker.clone(),
        settings: settings.streams.clone(),
        routes: &[Route { stream: OrderCompleted::STREAM, group: "inventory-group" }],
        group: GROUP,
        answered_on: &[StockReserved::STREAM, RefundOrder::STREAM],
    };
    RelayHandle::start(supervisor, &options)
}

/// The actors of the core arbiter, and the writers behind them.
struct Actors {
    desk: Supervised<OrderDesk>,
    cashier: Supervised<Cashier>,
    catalogue: Supervised<Catalogue>,
    comparison: Supervised<CatalogueSync>,
    reconciler: Supervised<Reconciler>,
    orders: Commits<PlaceOrders>,
    settlements: Commits<SettleCharges>,
    outcomes: Commits<ApplyOutcomes>,
    charges: Commits<ChargeLedger>,
    refunds: Commits<RefundLedger>,
    parked_charges: Commits<ParkCharges>,
    parked_refunds: Commits<ParkRefunds>,
}

impl Actors {
    fn start(
        supervisor: &SupervisorHandle,
        settings: &Settings,
        [database, requests]: [&Database; 2],
        relay: &RelayHandle,
        intake: &Intake,
        shutdown: Shutdown,
    ) -> Result<Self, StartError> {
        let policy = RestartPolicy::default();
        let db = &settings.common.database;
        let charges = Commits::start(supervisor, database.clone(), db, ChargeLedger::default);
        let refunds = Commits::start(supervisor, database.clone(), db, || RefundLedger);
        let told = relay.clone();
        let outcomes = Commits::start(supervisor, database.clone(), db, move || ApplyOutcomes {
            consumer: GROUP,
            relay: Some(told.clone()),
        });
        let settle = SettleCharges { relay: relay.clone(), resend_after: settings.streams.resend_after };
        let settlements = Commits::start(supervisor, database.clone(), db, move || settle.clone());

        let watchers = Watchers::default();
        let parked_charges = Commits::start(supervisor, database.clone(), db, || ParkCharges);
        let parked_refunds =
            Commits::start(supervisor, database.clone(), db, || ParkRefunds { consumer: GROUP });
        let cashier_parts = CashierParts {
            database: database.clone(),
            provider: Arc::new(Simulator::new(charges.clone(), refunds.clone(), settings.provider)),
            settlements: settlements.clone(),
            outcomes: outcomes.clone(),
            parked_charges: parked_charges.clone(),
            parked_refunds: parked_refunds.clone(),
            watchers: watchers.clone(),
            intake: intake.clone(),
            settings: settings.provider,
        };
        let reconciler_parts = ReconcilerParts {
            cashier: cashier_parts.clone(),
            dead_letters: DeadLetters::new(Broker::new(&settings.streams)), // this arbiter's own connection
            consumer: GROUP,
            resend_after: settings.streams.resend_after,
            settings: settings.reconciler,
        };
        let cashier = supervisor
            .supervise("cashier", "cashier", policy, move |life| Cashier::new(cashier_parts.clone(), life));
        let (price_age, charging) = (settings.price_age, cashier.clone());
        let orders = Commits::start(supervisor, database.clone(), db, move || {
            let cashier = charging.clone();
            // If the cashier is being replaced, the reconciler finds the orders.
            PlaceOrders::new(price_age, move |placed| _ = cashier.tell(ChargeOrders(placed)))
        });
        let desk_parts = OrderDeskParts {
            database: requests.clone(),
            orders: orders.clone(),
            outcomes: outcomes.clone(),
            watchers,
            intake: intake.clone(),
            shutdown,
        };
        let desk = supervisor.supervise("order-desk", "order-desk", policy, move |life| {
            OrderDesk::new(desk_parts.clone(), life)
        });
        let source = Arc::new(ProductSource::new(settings.products.clone())?);
        let (compared_database, compared, interval) =
            (database.clone(), Arc::clone(&source), settings.compare_interval);
        let comparison = supervisor.supervise("catalogue-sync", "catalogue-sync", policy, move |life| {
            CatalogueSync::new(compared_database.clone(), Arc::clone(&compared), interval, life)
        });
        let catalogue_database = database.clone();
        let catalogue = supervisor.supervise("catalogue", "catalogue", policy, move |life| {
            Catalogue::new(catalogue_database.clone(), Arc::clone(&source), GROUP, life)
        });
        let reconciler = supervisor.supervise("reconciler", "reconciler", policy, move |life| {
            Reconciler::new(reconciler_parts.clone(), life)
        });
        Ok(Self {
            desk,
            cashier,
            catalogue,
            comparison,
            reconciler,
            orders,
            settlements,
            outcomes,
            charges,
            refunds,
            parked_charges,
            parked_refunds,
        })
    }

    /// Who gives work first, who does it last.
    async fn drain(&self, down: &Deadline) {
        down.stage("comparison", self.comparison.drain(down.left())).await;
        down.stage("reconciler", self.reconciler.drain(down.left())).await;
        down.stage("order-desk", self.desk.drain(down.left())).await;
        down.stage("catalogue", self.catalogue.drain(down.left())).await;
        down.stage("cashier", self.cashier.drain(down.left())).await;
        down.stage("orders", self.orders.drain(down.left())).await;
        down.stage("charges", self.charges.drain(down.left())).await;
        down.stage("refunds", self.refunds.drain(down.left())).await;
        down.stage("settlements", self.settlements.drain(down.left())).await;
        down.stage("outcomes", self.outcomes.drain(down.left())).await;
        down.stage("parked charges", self.parked_charges.drain(down.left())).await;
        down.stage("parked refunds", self.parked_refunds.drain(down.left())).await;
    }
}

/// The consumers, one a stream partition.
struct AllConsumers {
    stock_reserved: Consumers<StockReservedHandler>,
    refund_order: Consumers<RefundOrderHandler>,
    product_changed: Consumers<ProductChangedHandler>,
}

impl AllConsumers {
    fn start(supervisor: &SupervisorHandle, settings: &Settings, broker: &Broker, actors: &Actors) -> Self {
        let stock_reserved = StockReservedHandler { desk: actors.desk.clone() };
        let refund_order = RefundOrderHandler { cashier: actors.cashier.clone() };
        let product_changed = ProductChangedHandler { catalogue: actors.catalogue.clone() };
        Self {
            stock_reserved: start_consumers(supervisor, GROUP, &settings.streams, broker, move || {
                stock_reserved.clone()
            }),
            refund_order: start_consumers(supervisor, GROUP, &settings.streams, broker, move || {
                refund_order.clone()
            }),
            product_changed: start_consumers(supervisor, GROUP, &settings.streams, broker, move || {
                product_changed.clone()
            }),
        }
    }

    fn specs(&self) -> Vec<runtime::stream::ConsumerSpec> {
        [&self.stock_reserved.specs, &self.refund_order.specs, &self.product_changed.specs]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    async fn drain(&self, patience: Duration) -> bool {
        let Self { stock_reserved, refund_order, product_changed } = self;
        let drained = futures_util::join!(
            stock_reserved.drain(patience),
            refund_order.drain(patience),
            product_changed.drain(patience)
        );
        drained.0 && drained.1 && drained.2
    }
}
