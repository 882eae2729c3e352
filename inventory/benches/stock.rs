use std::{rc::Rc, time::Duration};

use actix::Actor;
use actix_rt::{Arbiter, System, SystemRunner};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use events::{Envelope, MoneyData, OrderCompleted, OrderedItem, TraceContext};
use inventory::{
    actors::{self, CommitHold, Hold, Product, ProductParts, StockDeskParts},
    consumers::OrderCompletedHandler,
    domain::{Level, Sku},
    startup,
    store::{self, WriteStock},
};
use runtime::{
    db::{self, Commits, Database},
    outbox::{RelayHandle, RelayOptions},
    shutdown::Shutdown,
    stream::{Broker, EventHandler, Outcome, Received},
    supervisor::{Roster, SupervisorHandle},
    telemetry,
};
use testing::{DurablePostgres, TestRedis, eventually, stream_settings, timed};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As in `bench`.
const PRODUCTS: usize = 100;
/// A small and a full read of the stream.
const BATCHES: [usize; 2] = [64, 512];
const SOON: Duration = Duration::from_secs(10);

struct Warehouse {
    product: ProductParts,
    handler: OrderCompletedHandler,
    // Dropped after the actors release them.
    _redis: TestRedis,
    _postgres: DurablePostgres,
}

impl Warehouse {
    async fn open() -> Self {
        let postgres = DurablePostgres::start().await;
        let redis = TestRedis::start().await;
        let settings = postgres.settings();
        db::migrate(&settings, startup::migrations()).await.expect("migrated");
        let database = Database::open("bench", &settings).expect("a pool");
        let streams = stream_settings(&redis.url());
        let stock = format!(
            "INSERT INTO products (sku, name, price, currency, on_hand)
             SELECT 'BENCH-' || n, 'A product', 1999, 'EUR', {} FROM generate_series(1, {PRODUCTS}) n",
            i32::MAX
        );
        database.connection().await.expect("a connection").batch_execute(&stock).await.expect("products");

        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let relay = RelayOptions {
            routes: Vec::new(),
            ..RelayOptions::of("inventory", &database, &Broker::new(&streams), &streams)
        };
        let relay = RelayHandle::start(&supervisor, &relay);
        let writer = Commits::start(&supervisor, database.clone(), &settings, || WriteStock);
        // The default of `resend-after`.
        let lease = Duration::from_secs(5);
        let product = ProductParts {
            requests: database.clone(),
            database,
            relay,
            broker: Broker::new(&streams),
            lease,
            view_age: Duration::ZERO,
        };
        let desk = StockDeskParts { product: product.clone(), writer, live_products: 2 * PRODUCTS };
        let handler = OrderCompletedHandler::new(actors::start(&supervisor, &desk));
        let warehouse = Self { product, handler, _redis: redis, _postgres: postgres };
        eventually("the desk is at work", SOON, async || warehouse.take(&paid(1, 1)).await).await;
        warehouse
    }

    async fn take(&self, batch: &[Received<OrderCompleted>]) -> Result<(), Vec<Outcome>> {
        let outcomes = self.handler.handle(batch).await;
        if outcomes.iter().all(|outcome| *outcome == Outcome::Done) { Ok(()) } else { Err(outcomes) }
    }
}

fn paid(orders: usize, products: usize) -> Vec<Received<OrderCompleted>> {
    let price = || MoneyData { amount: 1999, currency: "EUR".to_owned() };
    let order = |number: usize| {
        let item =
            OrderedItem { sku: format!("BENCH-{}", 1 + number % products), quantity: 1, unit_price: price() };
        let order_id = Uuid::now_v7();
        let user_id = Uuid::now_v7();
        let event = OrderCompleted {
            order_id,
            user_id,
            items: vec![item],
            total: price(),
            charge_id: format!("ch_{order_id}"),
        };
        let envelope = Envelope::new(&event, "payment", order_id.to_string(), TraceContext::root());
        let envelope = Envelope { id: OrderCompleted::event_id(order_id), ..envelope };
        Received { envelope: envelope.into(), event, deliveries: 1, span: None }
    };
    (0..orders).map(order).collect()
}

fn stock(criterion: &mut Criterion) {
    telemetry::install_metrics();
    let system = System::new();
    let warehouse = system.block_on(Warehouse::open());
    product_actor(criterion, &system, &warehouse);
    consumer_batch(criterion, &system, &warehouse);
}

/// The messages of a round: a hold per order, then one commit.
fn product_actor(criterion: &mut Criterion, system: &SystemRunner, warehouse: &Warehouse) {
    let level = Level { on_hand: i32::MAX as u32, as_of: i64::MAX };
    let product = system.block_on(async {
        let connection = warehouse.product.database.connection().await.expect("a connection");
        let stored =
            store::load(&connection, &Sku::stored("BENCH-1")).await.expect("an answer").expect("a product");
        Product::new(stored, Rc::new(warehouse.product.clone())).start()
    });
    let mut group = criterion.benchmark_group("product actor");
    for orders in BATCHES {
        group.throughput(Throughput::Elements(orders as u64));
        group.bench_function(BenchmarkId::from_parameter(orders), |bench| {
            let round = async |()| {
                for _ in 0..orders {
                    product.send(Hold(1)).await.expect("alive").expect("plenty");
                }
                product.send(CommitHold { quantity: orders as u32, level }).await.expect("alive");
            };
            bench.iter_custom(|times| system.block_on(timed(times, async || (), round)));
        });
    }
    group.finish();
}

fn consumer_batch(criterion: &mut Criterion, system: &SystemRunner, warehouse: &Warehouse) {
    let mut group = criterion.benchmark_group("consumer batch of inventory");
    // Commits take milliseconds, so all samples are equally long.
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    for (name, products) in [("100 products", PRODUCTS), ("one product", 1)] {
        for orders in BATCHES {
            group.throughput(Throughput::Elements(orders as u64));
            group.bench_function(BenchmarkId::new(name, orders), |bench| {
                let handle = async |batch: Vec<_>| warehouse.take(&batch).await.expect("all done");
                bench.iter_custom(|times| {
                    system.block_on(timed(times, async || paid(orders, products), handle))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, stock);
criterion_main!(benches);
