//! A database with one product, and orders in it.

use std::{sync::Arc, time::Duration};

use payment::{
    domain::{Cart, CartLine, IdempotencyKey, Order, OrderRequest, OrderStatus, PaymentMethod, Placed},
    startup,
    store::{OrderOutcome, PlaceOrders},
};
use runtime::db::{self, Connection, Database, Write};
use testing::{TestDatabase, database_settings, eventually};
use uuid::Uuid;

pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) struct Books {
    pub(crate) database: Database,
    // Dropped after the connections to it.
    _database: TestDatabase,
}

impl Books {
    pub(crate) async fn open() -> Self {
        let test = TestDatabase::create().await;
        let settings = database_settings(test.url());
        db::migrate(&settings, startup::migrations()).await.expect("the schema");
        let database = Database::open("test", &settings).expect("a pool");
        let connection = database.connection().await.expect("a connection");
        let mug = "INSERT INTO catalogue VALUES ('MUG', 'A mug', 1000, 'EUR', 1, false)";
        connection.batch_execute(mug).await.expect("a product");
        Self { database, _database: test }
    }

    pub(crate) async fn connection(&self) -> Connection {
        self.database.connection().await.expect("a connection")
    }

    pub(crate) async fn until_one_waits(&self) {
        let connection = self.connection().await;
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let look = async || {
            (connection.query_one(waiting, &[]).await.expect("an answer").get::<i64>(0).expect("a count")
                == 1)
                .then_some(())
        };
        eventually("one waits for the other", SOON, look).await;
    }
}

pub(crate) fn request(key: &str) -> OrderRequest {
    OrderRequest {
        order_id: Uuid::now_v7(),
        user_id: Uuid::nil(),
        key: IdempotencyKey::parse(key).expect("a key"),
        request_hash: vec![1],
        cart: Cart::parse(vec![CartLine { sku: "MUG".to_owned(), quantity: 1 }]).expect("a cart"),
        expected_total: None,
        method: PaymentMethod::Ok,
        traceparent: String::new(),
        request_id: String::new(),
        response: None,
    }
}

pub(crate) async fn place(connection: &Connection, request: OrderRequest) -> Arc<Order> {
    let placed = PlaceOrders::new(Duration::ZERO, drop)
        .commit(connection, &[Arc::new(request)])
        .await
        .expect("committed")
        .remove(0);
    let Placed::Created(order) = placed else { panic!("a new order: {placed:?}") };
    order
}

pub(crate) async fn moves_to(connection: &Connection, order: Uuid, status: &str, charge: &str) {
    let sql = format!(
        "UPDATE orders SET status = '{status}', charge_id = {charge}, version = version + 1, settled_at = now() WHERE id = '{order}'"
    );
    connection.batch_execute(&sql).await.expect("moved");
}

pub(crate) fn confirmation(order_id: Uuid) -> OrderOutcome {
    OrderOutcome {
        event_id: Uuid::now_v7(),
        answers: None,
        order_id,
        status: OrderStatus::Confirmed,
        refund_id: None,
        reason: None,
        awaited: false,
    }
}
