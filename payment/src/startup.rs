//! The composition root.

mod metrics;

use std::sync::Arc;

use events::PAYMENT_GROUP;
use refinery::Runner;
use runtime::{
    auth::{KeySet, Verifier},
    db::{Commits, Write},
    down,
    limits::{RateLimit, Shares},
    outbox::RelayHandle,
    service::{Api, Service, Stage, StartError},
    shutdown::Cause,
    stream::{Broker, DeadLetters},
    supervisor::{RestartPolicy, Supervised},
};

use crate::{
    SERVICE,
    actors::{
        Cashier, CashierParts, Catalogue, CatalogueParts, CatalogueSync, CatalogueSyncParts, ChargeBacklog,
        ChargeOrders, OrderDesk, OrderDeskParts, OrderNotifier, OrderThrottle, OrderWriter, ProgressReader,
        Reconciler, ReconcilerParts,
    },
    consumers::consume,
    http::{self, Addresses},
    product_source::ProductSource,
    provider::Simulator,
    settings::Settings,
    store::{
        ApplyOutcomes, CatalogueChanges, ChargeLedger, ParkCharges, ParkRefunds, PlaceOrders, RefundLedger,
        SettleCharges,
    },
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Runs until a signal or a fault ends the service.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    tracing::info!(?settings, "starting");
    let service = Service::prepare(SERVICE, &settings.common, migrations).await?;
    metrics::register();
    let streams = service.streams(&settings.streams).await?;
    let throttle = OrderThrottle::new(settings.late_after);
    let writers = Writers::start(&service, &settings, &streams.relay);
    let actors = Actors::start(&service, &settings, &writers, &throttle)?;
    let streams = streams.consume(|set| consume(set, &actors.desk, &actors.cashier, &actors.catalogue));

    let keys = KeySet::remote(settings.tokens.jwks_url.clone(), settings.tokens.jwks_refresh)?;
    let verifier = Verifier::new(keys.clone(), &settings.tokens);
    let addresses = Addresses {
        orders: actors.desk.clone(),
        writer: OrderWriter::new(actors.orders.clone()),
        catalogue: actors.catalogue.clone(),
        backlog: ChargeBacklog::new(&actors.cashier, settings.charge_backlog),
        throttle,
        notifier: actors.notifier.clone(),
        orders_by_user: RateLimit::new(settings.orders_per_user),
        waits_by_user: Shares::new("waits", settings.waits_per_user),
        waits: Shares::new("waits-in-all", settings.waits),
        event_heartbeat: settings.event_heartbeat,
    };
    let routes = http::routes(addresses);
    // An order has its timeline.
    let own_history = &["/orders"];
    let api = Api { keys, verifier, openapi: http::openapi(), routes, own_history };
    let stages = actors.stages(writers);
    service.run(api, Some(streams), stages).await
}

struct Writers {
    charges: Commits<ChargeLedger>,
    refunds: Commits<RefundLedger>,
    outcomes: Commits<ApplyOutcomes>,
    settlements: Commits<SettleCharges>,
    parked_charges: Commits<ParkCharges>,
    parked_refunds: Commits<ParkRefunds>,
}

fn writer<W: Write>(
    service: &Service,
    settings: &Settings,
    make: impl FnMut() -> W + Send + 'static,
) -> Commits<W> {
    Commits::start(&service.core, service.database.clone(), &settings.common.database, make)
}

impl Writers {
    fn start(service: &Service, settings: &Settings, relay: &RelayHandle) -> Self {
        let confirms = relay.clone();
        let outcomes = move || ApplyOutcomes { consumer: PAYMENT_GROUP, relay: Some(confirms.clone()) };
        let settle = SettleCharges { relay: relay.clone(), resend_after: settings.streams.resend_after };
        Self {
            charges: writer(service, settings, ChargeLedger::default),
            refunds: writer(service, settings, || RefundLedger),
            outcomes: writer(service, settings, outcomes),
            settlements: writer(service, settings, move || settle.clone()),
            parked_charges: writer(service, settings, || ParkCharges),
            parked_refunds: writer(service, settings, || ParkRefunds { consumer: PAYMENT_GROUP }),
        }
    }

    fn cashier_parts(
        &self,
        service: &Service,
        settings: &Settings,
        throttle: &OrderThrottle,
    ) -> CashierParts {
        let provider = Simulator::new(self.charges.clone(), self.refunds.clone(), settings.provider);
        CashierParts {
            database: service.database.clone(),
            provider: Arc::new(provider),
            settlements: self.settlements.clone(),
            outcomes: self.outcomes.clone(),
            parked_charges: self.parked_charges.clone(),
            parked_refunds: self.parked_refunds.clone(),
            notifier: OrderNotifier::new(service.shutdown.clone()),
            throttle: throttle.clone(),
            settings: settings.provider,
        }
    }
}

struct Actors {
    notifier: OrderNotifier,
    progress: Supervised<ProgressReader>,
    desk: Supervised<OrderDesk>,
    cashier: Supervised<Cashier>,
    catalogue: Supervised<Catalogue>,
    comparison: Supervised<CatalogueSync>,
    reconciler: Supervised<Reconciler>,
    orders: Commits<PlaceOrders>,
}

fn order_writer(
    service: &Service,
    settings: &Settings,
    cashier: &Supervised<Cashier>,
    changes: &CatalogueChanges,
) -> Commits<PlaceOrders> {
    let price_age = settings.price_age;
    let cashier = cashier.clone();
    let changes = changes.clone();
    writer(service, settings, move || {
        let cashier = cashier.clone();
        // If the cashier is being replaced, the reconciler finds the orders.
        PlaceOrders::new(price_age, move |placed| _ = cashier.tell(ChargeOrders(placed)))
            .following(changes.clone())
    })
}

fn supervise_sync(
    service: &Service,
    settings: &Settings,
    CatalogueParts { database, source, changes, .. }: &CatalogueParts,
) -> Supervised<CatalogueSync> {
    let parts = CatalogueSyncParts {
        database: database.clone(),
        source: Arc::clone(source),
        changes: changes.clone(),
        interval: settings.compare_interval,
    };
    service.core.supervise("catalogue-sync", "catalogue-sync", RestartPolicy::default(), move |life| {
        CatalogueSync::new(parts.clone(), life)
    })
}

fn reconciler_parts(settings: &Settings, cashier: CashierParts) -> ReconcilerParts {
    ReconcilerParts {
        cashier,
        dead_letters: DeadLetters::new(Broker::new(&settings.streams)), // a connection of the core arbiter
        consumer: PAYMENT_GROUP,
        resend_after: settings.streams.resend_after,
        settings: settings.reconciler,
    }
}

impl Actors {
    fn start(
        service: &Service,
        settings: &Settings,
        writers: &Writers,
        throttle: &OrderThrottle,
    ) -> Result<Self, StartError> {
        let policy = RestartPolicy::default();
        let supervisor = &service.core;
        let parts = writers.cashier_parts(service, settings, throttle);
        let notifier = parts.notifier.clone();

        let charging = parts.clone();
        let cashier = supervisor
            .supervise("cashier", "cashier", policy, move |life| Cashier::new(charging.clone(), life));
        let changes = CatalogueChanges::default();
        let orders = order_writer(service, settings, &cashier, &changes);
        let desk_parts = OrderDeskParts {
            database: service.requests.clone(),
            outcomes: writers.outcomes.clone(),
            notifier: parts.notifier.clone(),
            throttle: throttle.clone(),
        };
        let desk = supervisor.supervise("order-desk", "order-desk", policy, move |life| {
            OrderDesk::new(desk_parts.clone(), life)
        });

        let database = service.database.clone();
        let waiting = notifier.clone();
        let progress = supervisor.supervise("progress-reader", "progress-reader", policy, move |life| {
            ProgressReader::new(database.clone(), waiting.clone(), life)
        });

        let retries = reconciler_parts(settings, parts);
        let reconciler = supervisor.supervise("reconciler", "reconciler", policy, move |life| {
            Reconciler::new(retries.clone(), life)
        });

        let parts = CatalogueParts {
            database: service.database.clone(),
            source: Arc::new(ProductSource::new(settings.products.clone())?),
            changes,
            consumer: PAYMENT_GROUP,
        };
        let comparison = supervise_sync(service, settings, &parts);
        let catalogue = supervisor
            .supervise("catalogue", "catalogue", policy, move |life| Catalogue::new(parts.clone(), life));
        Ok(Self { notifier, progress, desk, cashier, catalogue, comparison, reconciler, orders })
    }

    /// Every part ends before the parts it sends work to.
    fn stages(self, writers: Writers) -> Vec<Stage> {
        down![
            "progress reader" => self.progress,
            "comparison" => self.comparison,
            "reconciler" => self.reconciler,
            "order-desk" => self.desk,
            "catalogue" => self.catalogue,
            "cashier" => self.cashier,
            "orders" => self.orders,
            "charges" => writers.charges,
            "refunds" => writers.refunds,
            "settlements" => writers.settlements,
            "outcomes" => writers.outcomes,
            "parked charges" => writers.parked_charges,
            "parked refunds" => writers.parked_refunds,
        ]
    }
}
