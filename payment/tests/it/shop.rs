//! Payment without HTTP, with a provider that fails on demand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use actix_rt::Arbiter;
use events::{Envelope, Event, OrderCompleted, RefundOrder, RefundReason, TraceContext};
use futures_util::future::BoxFuture;
use payment::{
    actors::{
        Cashier, CashierParts, ChargeBacklog, ChargeOrders, OrderNotifier, OrderThrottle, Reconciler,
        ReconcilerParts,
    },
    consumers::RefundOrderHandler,
    domain::{Order, OrderRequest, Placed},
    provider::{ChargeRequest, ChargeResponse, PaymentProvider, ProviderError},
    settings::{ProviderSettings, ReconcilerSettings},
    startup,
    store::{ApplyOutcomes, ParkCharges, ParkRefunds, PlaceOrders, SettleCharges, find_order},
};
use runtime::{
    db::{self, Commits, Connection, Database, Write},
    outbox::{RelayHandle, RelayOptions},
    shutdown::Shutdown,
    stream::{Broker, ConsumerSet, DeadLetters, StreamSettings, overview},
    supervisor::{RestartPolicy, Roster, Supervised, SupervisorHandle},
};
use testing::{TestDatabase, TestRedis, database_settings, eventually, stream_settings};
use uuid::Uuid;

use crate::books;

pub const SOON: Duration = Duration::from_secs(30);
pub const GROUP: &str = events::PAYMENT_GROUP;

#[derive(Default)]
pub struct Books {
    pub charges: HashMap<Uuid, String>,
    pub refunds: HashMap<Uuid, String>,
    pub charges_fail: HashMap<Uuid, ProviderError>,
    pub refunds_fail: HashMap<Uuid, ProviderError>,
    /// Number of requests.
    pub asked: HashMap<Uuid, usize>,
}

#[derive(Clone, Default)]
pub struct FakeProvider(Arc<Mutex<Books>>);

impl FakeProvider {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().expect("a lock without a panic")
    }
}

impl PaymentProvider for FakeProvider {
    fn charge(&self, request: ChargeRequest) -> BoxFuture<'_, Result<ChargeResponse, ProviderError>> {
        let mut books = self.books();
        let order = request.order_id;
        *books.asked.entry(order).or_default() += 1;
        let answer = match books.charges_fail.get(&order) {
            Some(error) => Err(error.clone()),
            None => Ok(ChargeResponse::Charged {
                charge_id: books.charges.entry(order).or_insert_with(|| format!("ch_{order}")).clone(),
            }),
        };
        Box::pin(std::future::ready(answer))
    }

    fn refund(&self, order: Uuid) -> BoxFuture<'_, Result<String, ProviderError>> {
        let mut books = self.books();
        *books.asked.entry(order).or_default() += 1;
        let answer = match books.refunds_fail.get(&order) {
            Some(error) => Err(error.clone()),
            None if books.charges.contains_key(&order) => {
                Ok(books.refunds.entry(order).or_insert_with(|| format!("re_{order}")).clone())
            }
            None => Err(ProviderError::NeverCharged(order)),
        };
        Box::pin(std::future::ready(answer))
    }
}

pub fn away() -> ProviderError {
    ProviderError::Unavailable("out for lunch".to_owned())
}

pub struct Shop {
    pub database: Database,
    pub provider: FakeProvider,
    pub cashier: Supervised<Cashier>,
    pub backlog: ChargeBacklog,
    pub letters: DeadLetters,
    orders: Commits<PlaceOrders>,
    broker: Broker,
    consumers: ConsumerSet,
    // Dropped after the connections to them.
    _redis: TestRedis,
    _database: TestDatabase,
}

impl Shop {
    pub async fn open() -> Self {
        let (redis, test) = futures_util::join!(TestRedis::start(), TestDatabase::create());
        let settings = database_settings(test.url());
        let streams = stream_settings(&redis.url());
        db::migrate(&settings, startup::migrations()).await.expect("the schema");
        let database = Database::open("test", &settings).expect("a pool");
        let mug = "INSERT INTO catalogue VALUES ('MUG', 'A mug', 1000, 'EUR', 1, false)";
        database.connection().await.expect("a connection").batch_execute(mug).await.expect("a product");
        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let provider = FakeProvider::default();
        let broker = Broker::new(&streams);
        let parts = cashier_parts(&supervisor, &database, &settings, &streams, &provider);
        let reconciler = ReconcilerParts {
            cashier: parts.clone(),
            dead_letters: DeadLetters::new(broker.clone()),
            consumer: GROUP,
            resend_after: streams.resend_after,
            settings: ReconcilerSettings {
                after: Duration::from_millis(500),
                interval: Duration::from_millis(50),
                retry_rate: 100,
            },
        };
        let policy = RestartPolicy::default();
        let cashier =
            supervisor.supervise("cashier", "cashier", policy, move |life| Cashier::new(parts.clone(), life));
        supervisor.supervise("reconciler", "reconciler", policy, move |life| {
            Reconciler::new(reconciler.clone(), life)
        });
        let charging = cashier.clone();
        let orders = Commits::start(&supervisor, database.clone(), &settings, move || {
            let cashier = charging.clone();
            PlaceOrders::new(Duration::ZERO, move |placed| {
                cashier.tell(ChargeOrders(placed)).expect("a cashier")
            })
        });
        let handler = RefundOrderHandler { cashier: cashier.clone() };
        let consumers = ConsumerSet::new(&supervisor, GROUP, &streams, &broker).with(move || handler.clone());
        let backlog = ChargeBacklog::new(&cashier, 50);
        let letters = DeadLetters::new(broker.clone());
        cashier.ready().await.expect("a cashier");
        Self {
            database,
            provider,
            cashier,
            backlog,
            letters,
            orders,
            broker,
            consumers,
            _redis: redis,
            _database: test,
        }
    }

    pub async fn connection(&self) -> Connection {
        self.database.connection().await.expect("a connection")
    }

    pub async fn place(&self, order: Uuid) {
        let ask = async || self.orders.commit(Arc::new(request(order))).await;
        let placed = eventually("it is placed", SOON, ask).await;
        assert!(matches!(placed, Placed::Created(_)), "{placed:?}");
    }

    /// An order whose process died before it was charged.
    pub async fn place_and_forget(&self, order: Uuid) -> Order {
        let writer = PlaceOrders::new(Duration::ZERO, drop);
        let placed = writer
            .commit(&self.connection().await, &[Arc::new(request(order))])
            .await
            .expect("committed")
            .remove(0);
        let Placed::Created(order) = placed else { panic!("{placed:?}") };
        Arc::unwrap_or_clone(order)
    }

    pub async fn comes_to(&self, order: Uuid, status: &str) -> Order {
        let look = async || {
            let found =
                find_order(&self.connection().await, order).await.expect("an answer").expect("an order");
            if found.status.as_str() == status { Ok(found) } else { Err(found.status) }
        };
        eventually(&format!("order {order} is {status}"), SOON, look).await
    }

    pub async fn paid_order(&self) -> Uuid {
        let order = Uuid::now_v7();
        self.place(order).await;
        self.comes_to(order, "completed").await;
        order
    }

    /// Publishes inventory's refusal of this order.
    pub async fn ask_refund(&self, order: Uuid) -> Envelope {
        let event =
            RefundOrder { order_id: order, reason: RefundReason::InsufficientStock, items: Vec::new() };
        let envelope = Envelope::new(&event, "inventory", order.to_string(), TraceContext::root());
        let envelope = Envelope { causation_id: Some(OrderCompleted::event_id(order)), ..envelope };
        self.publish(&envelope).await;
        envelope
    }

    pub async fn publish(&self, envelope: &Envelope) {
        let published = self.broker.publish(&[(RefundOrder::STREAM, envelope)]).await.expect("Redis answers");
        assert!(published.iter().all(Result::is_ok), "{published:?}");
    }

    pub async fn stream_is_acknowledged(&self) {
        let look = async || {
            let overview = overview(&self.broker, &self.consumers.specs()[0]).await.expect("Redis answers");
            if overview.pending == 0 && overview.unread == 0 { Ok(()) } else { Err(overview) }
        };
        eventually("every event is acknowledged", SOON, look).await;
    }

    pub async fn dead_letters(&self, count: usize) -> Vec<runtime::stream::DeadLetter> {
        let look = async || {
            let letters = self.letters.list(RefundOrder::STREAM, None, 100).await.expect("Redis answers");
            if letters.len() == count { Ok(letters) } else { Err(letters) }
        };
        eventually(&format!("{count} dead letters"), SOON, look).await
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.connection().await.query_one(query, &[]).await.expect("an answer").get(0).expect("a number")
    }

    pub async fn count_becomes(&self, query: &str, expected: i64) {
        let look = async || {
            let found = self.count(query).await;
            if found == expected { Ok(()) } else { Err(found) }
        };
        eventually(&format!("{query}: {expected}"), SOON, look).await;
    }
}

fn cashier_parts(
    supervisor: &SupervisorHandle,
    database: &Database,
    settings: &runtime::db::DatabaseSettings,
    streams: &StreamSettings,
    provider: &FakeProvider,
) -> CashierParts {
    let relay = RelayOptions {
        routes: Vec::new(),
        ..RelayOptions::of("payment", database, &Broker::new(streams), streams)
    };
    let settle =
        SettleCharges { relay: RelayHandle::start(supervisor, &relay), resend_after: streams.resend_after };
    CashierParts {
        database: database.clone(),
        provider: Arc::new(provider.clone()),
        settlements: Commits::start(supervisor, database.clone(), settings, move || settle.clone()),
        outcomes: Commits::start(supervisor, database.clone(), settings, || ApplyOutcomes {
            consumer: GROUP,
            relay: None,
        }),
        parked_charges: Commits::start(supervisor, database.clone(), settings, || ParkCharges),
        parked_refunds: Commits::start(supervisor, database.clone(), settings, || ParkRefunds {
            consumer: GROUP,
        }),
        notifier: OrderNotifier::new(Shutdown::default()),
        throttle: OrderThrottle::new(Duration::from_secs(1)),
        settings: ProviderSettings {
            latency: Duration::ZERO,
            timeout: Duration::from_millis(500),
            in_flight: 100,
        },
    }
}

fn request(order: Uuid) -> OrderRequest {
    OrderRequest { order_id: order, ..books::request(&order.to_string()) }
}
