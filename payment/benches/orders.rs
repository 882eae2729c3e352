//! Group commits of orders: placing, and applying outcomes.

use std::{sync::Arc, time::Duration};

use actix_rt::{Arbiter, System};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use events::TraceContext;
use futures_util::future::join_all;
use payment::{
    domain::{
        Applied, Cart, CartLine, IdempotencyKey, OrderRequest, OrderStatus, PaymentMethod, Placed,
        ResponseKind,
    },
    startup,
    store::{ApplyOutcomes, OrderOutcome, PlaceOrders},
};
use runtime::{
    db::{self, Commits, Database},
    shutdown::Shutdown,
    supervisor::{Roster, SupervisorHandle},
    telemetry,
};
use testing::{DurablePostgres, eventually, timed};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As in `bench`.
const PRODUCTS: usize = 100;
/// The default of `price-age`.
const PRICE_AGE: Duration = Duration::from_secs(1);
/// Customers at the same moment. The group commit takes up to 512.
const PLACED: [usize; 4] = [1, 16, 64, 256];
/// A small and a full read of the stream.
const ENDED: [usize; 2] = [64, 512];

const SOON: Duration = Duration::from_secs(10);

const CHARGE: &str = "WITH charged AS (
        UPDATE orders SET status = 'completed', charge_id = 'ch_' || id, version = 2, settled_at = now() WHERE id = ANY($1)
    )
    INSERT INTO outbox (event_id, stream, envelope, due_at) SELECT id, 'order_completed', '{}', now() FROM unnest($1) AS id";

struct Books {
    database: Database,
    orders: Commits<PlaceOrders>,
    outcomes: Commits<ApplyOutcomes>,
    // Dropped after the writers release it.
    _postgres: DurablePostgres,
}

impl Books {
    async fn open() -> Self {
        let postgres = DurablePostgres::start().await;
        let settings = postgres.settings();
        db::migrate(&settings, startup::migrations()).await.expect("migrated");
        let database = Database::open("bench", &settings).expect("a pool");
        let catalogue = format!(
            "INSERT INTO catalogue SELECT 'BENCH-' || n, 'A product', 1999, 'EUR', 1, false FROM generate_series(1, {PRODUCTS}) n"
        );
        database.connection().await.expect("a connection").batch_execute(&catalogue).await.expect("products");
        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let orders =
            Commits::start(&supervisor, database.clone(), &settings, || PlaceOrders::new(PRICE_AGE, drop));
        let outcomes = Commits::start(&supervisor, database.clone(), &settings, || ApplyOutcomes {
            consumer: "payment-group",
            relay: None,
        });
        let books = Self { database, orders, outcomes, _postgres: postgres };
        eventually("the writers are at work", SOON, async || {
            books.orders.commit(Arc::new(requests(1).remove(0))).await.map(drop)
        })
        .await;
        books
    }

    async fn place(&self, requests: Vec<OrderRequest>) {
        let placed =
            join_all(requests.into_iter().map(|request| self.orders.commit(Arc::new(request)))).await;
        assert!(placed.iter().all(|placed| matches!(placed, Ok(Placed::Created(_)))), "{placed:?}");
    }

    async fn reserved(&self, orders: usize) -> Vec<OrderOutcome> {
        let requests = requests(orders);
        let ids: Vec<Uuid> = requests.iter().map(|request| request.order_id).collect();
        self.place(requests).await;
        self.database
            .connection()
            .await
            .expect("a connection")
            .execute(CHARGE, &[&ids])
            .await
            .expect("charged");
        let outcome = |order_id| OrderOutcome {
            event_id: Uuid::now_v7(),
            answers: Some(order_id),
            order_id,
            status: OrderStatus::Confirmed,
            refund_id: None,
            reason: None,
            awaited: false,
        };
        ids.into_iter().map(outcome).collect()
    }

    async fn confirm(&self, outcomes: Vec<OrderOutcome>) {
        let applied = join_all(outcomes.into_iter().map(|outcome| self.outcomes.commit(outcome))).await;
        assert!(applied.iter().all(|applied| matches!(applied, Ok(Applied::Moved(_)))), "{applied:?}");
    }
}

fn requests(orders: usize) -> Vec<OrderRequest> {
    let request = |number: usize| OrderRequest {
        order_id: Uuid::now_v7(),
        user_id: Uuid::now_v7(),
        key: IdempotencyKey::parse(&Uuid::now_v7().to_string()).expect("a key"),
        request_hash: vec![0; 32],
        cart: Cart::parse(vec![CartLine { sku: format!("BENCH-{}", 1 + number % PRODUCTS), quantity: 1 }])
            .expect("a cart"),
        expected_total: None,
        method: PaymentMethod::Ok,
        traceparent: TraceContext::root().to_string(),
        request_id: Uuid::now_v7().to_string(),
        response: Some(ResponseKind::Accepted),
    };
    (0..orders).map(request).collect()
}

fn orders(criterion: &mut Criterion) {
    telemetry::install_metrics();
    let system = System::new();
    let books = &system.block_on(Books::open());

    let mut group = criterion.benchmark_group("group commit of orders");
    // Commits take milliseconds, so all samples are equally long.
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    for orders in PLACED {
        group.throughput(Throughput::Elements(orders as u64));
        group.bench_function(BenchmarkId::from_parameter(orders), |bench| {
            let place = async |requests| books.place(requests).await;
            bench.iter_custom(|times| system.block_on(timed(times, async || requests(orders), place)));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("consumer batch of payment");
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    for orders in ENDED {
        group.throughput(Throughput::Elements(orders as u64));
        group.bench_function(BenchmarkId::from_parameter(orders), |bench| {
            let confirm = async |outcomes| books.confirm(outcomes).await;
            bench.iter_custom(|times| {
                system.block_on(timed(times, async || books.reserved(orders).await, confirm))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, orders);
criterion_main!(benches);
