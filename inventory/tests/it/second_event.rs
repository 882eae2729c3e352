//! Second events come from a failover of payment's database or an upgrade.

use std::{sync::Arc, time::Duration};

use actix_rt::Arbiter;
use events::{
    Envelope, Event, FIELD, MoneyData, OrderCompleted, OrderedItem, RefundOrder, StockReserved, TraceContext,
};
use inventory::{
    actors::{self, ProductParts, StockDeskParts},
    consumers::OrderCompletedHandler,
    startup,
    store::WriteStock,
};
use runtime::{
    db::{self, Commits, Database},
    outbox::{RelayHandle, RelayOptions},
    shutdown::Shutdown,
    stream::{Broker, EventHandler, Outcome, Received},
    supervisor::{Roster, SupervisorHandle},
};
use testing::{TestDatabase, TestRedis, database_settings, eventually, stream_settings};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);

struct Warehouse {
    database: Database,
    handler: OrderCompletedHandler,
    // Dropped after the actors release it.
    redis: TestRedis,
    _test: TestDatabase,
}

impl Warehouse {
    /// Stocked with one mug.
    async fn open() -> Self {
        let (redis, test) = futures_util::join!(TestRedis::start(), TestDatabase::create());
        let settings = database_settings(test.url());
        let streams = stream_settings(&redis.url());
        db::migrate(&settings, startup::migrations()).await.expect("the schema");
        let database = Database::open("test", &settings).expect("a pool");
        let mug = "INSERT INTO products (sku, name, price, currency, on_hand) VALUES ('MUG', 'A mug', 1000, 'EUR', 1)";
        database.connection().await.expect("a connection").batch_execute(mug).await.expect("a product");
        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let relay = RelayOptions {
            routes: Vec::new(),
            ..RelayOptions::of("inventory", &database, &Broker::new(&streams), &streams)
        };
        let product = ProductParts {
            database: database.clone(),
            requests: database.requests("requests").expect("a pool"),
            relay: RelayHandle::start(&supervisor, &relay),
            broker: Broker::new(&streams),
            lease: Duration::from_secs(5),
            view_age: Duration::ZERO,
        };
        let writer = Commits::start(&supervisor, database.clone(), &settings, || WriteStock);
        let desk = actors::start(&supervisor, &StockDeskParts { product, writer, live_products: 10 });
        desk.ready().await.expect("a desk");
        Self { database, handler: OrderCompletedHandler::new(desk), redis, _test: test }
    }

    async fn handle(&self, event: &Received<OrderCompleted>) -> Outcome {
        let handled = async || match self.handler.handle(std::slice::from_ref(event)).await.remove(0) {
            Outcome::Transient(why) => Err(why), // the writer is starting
            outcome => Ok(outcome),
        };
        eventually("it is handled", SOON, handled).await
    }

    /// Ids and causation ids.
    async fn replies(&self, stream: &str) -> Vec<(Uuid, Uuid)> {
        let entries: Vec<(String, std::collections::HashMap<String, String>)> =
            self.redis.command(&["XRANGE", stream, "-", "+"]).await;
        let reply = |fields: &std::collections::HashMap<String, String>| {
            let reply = Envelope::from_json(&fields[FIELD]).expect("an event");
            (reply.id, reply.causation_id.expect("a cause"))
        };
        entries.iter().map(|(_, fields)| reply(fields)).collect()
    }

    async fn count(&self, query: &str) -> i64 {
        self.database
            .connection()
            .await
            .expect("a connection")
            .query_one(query, &[])
            .await
            .expect("an answer")
            .get(0)
            .expect("a number")
    }
}

fn paid(order_id: Uuid, event_id: Uuid, deliveries: u32) -> Received<OrderCompleted> {
    let price = || MoneyData { amount: 1000, currency: "EUR".to_owned() };
    let item = OrderedItem { sku: "MUG".to_owned(), quantity: 1, unit_price: price() };
    let event = OrderCompleted {
        order_id,
        user_id: Uuid::nil(),
        items: vec![item],
        total: price(),
        charge_id: "ch_1".to_owned(),
    };
    let envelope = Envelope::new(&event, "payment", order_id.to_string(), TraceContext::root());
    Received { envelope: Arc::new(Envelope { id: event_id, ..envelope }), event, deliveries, span: None }
}

#[actix_rt::test]
async fn a_second_event_for_an_order_gets_the_stored_reply() {
    let warehouse = Warehouse::open().await;
    let reserved = Uuid::now_v7();
    let refused = Uuid::now_v7();
    for (order, stream) in [(reserved, StockReserved::STREAM), (refused, RefundOrder::STREAM)] {
        let own = OrderCompleted::event_id(order);
        let other = Uuid::now_v7();
        assert_eq!(warehouse.handle(&paid(order, own, 1)).await, Outcome::Done);
        assert_eq!(
            warehouse.handle(&paid(order, own, 1)).await,
            Outcome::Duplicate,
            "the same, as if it were new"
        );
        assert_eq!(warehouse.handle(&paid(order, other, 1)).await, Outcome::Duplicate, "another one");

        let replies = warehouse.replies(stream).await;
        assert_eq!(replies.len(), 3, "{replies:?}");
        assert!(replies.iter().all(|(id, _)| *id == replies[0].0), "one reply: {replies:?}");
        assert_eq!(
            replies.iter().map(|(_, cause)| *cause).collect::<Vec<Uuid>>(),
            [own, own, other],
            "each addressed to its cause"
        );
    }
    assert_eq!(warehouse.count("SELECT count(*) FROM inbox").await, 2);
    assert_eq!(warehouse.count("SELECT on_hand::bigint FROM products").await, 0);
}

#[actix_rt::test]
async fn an_event_that_the_version_before_has_handled_gets_its_stored_reply() {
    let warehouse = Warehouse::open().await;
    let order = Uuid::now_v7();
    let event = Uuid::now_v7();
    assert_eq!(warehouse.handle(&paid(order, OrderCompleted::event_id(order), 1)).await, Outcome::Done);
    let before = format!("UPDATE inbox SET event_id = '{event}'");
    warehouse
        .database
        .connection()
        .await
        .expect("a connection")
        .batch_execute(&before)
        .await
        .expect("as it was kept");
    assert_eq!(warehouse.handle(&paid(order, event, 1)).await, Outcome::Duplicate);
    let replies = warehouse.replies(StockReserved::STREAM).await;
    assert_eq!(replies[0].0, replies[1].0);
}
