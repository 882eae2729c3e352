//! Two transactions that want the same thing at the same time.

use std::time::Duration;

use jiff::Timestamp;
use payment::{
    domain::{Answer, Applied, Cart, CartLine, IdempotencyKey, Order, OrderRequest, OrderStatus, PaymentMethod, Placed},
    store::{ApplyOutcomes, OrderOutcome, PlaceOrders, find_order, record_answer},
};
use shared::{
    db::{Connection, Database, Write},
    testing::{TestDatabase, database_settings, eventually},
};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(10);
const APPLY: ApplyOutcomes = ApplyOutcomes { consumer: "payment-group" };

struct Books {
    database: Database,
    // Dropped after the connections to it.
    _database: TestDatabase,
}

impl Books {
    async fn open() -> Self {
        let test = TestDatabase::create().await;
        let database = Database::open("test", &database_settings(test.url())).expect("a pool");
        let connection = database.connection().await.expect("a connection");
        for migration in [include_str!("../../migrations/V1__payment.sql"), include_str!("../../migrations/V2__narrow_paths.sql")] {
            connection.batch_execute(migration).await.expect("the schema");
        }
        let mug = "INSERT INTO catalogue VALUES ('MUG', 'A mug', 1000, 'EUR', 1, false)";
        connection.batch_execute(mug).await.expect("a product");
        Self { database, _database: test }
    }

    async fn connection(&self) -> Connection {
        self.database.connection().await.expect("a connection")
    }

    /// Until somebody waits for somebody else's transaction.
    async fn until_one_waits(&self) {
        let connection = self.connection().await;
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let look = async || (connection.query_one(waiting, &[]).await.expect("an answer").get::<_, i64>(0) == 1).then_some(());
        eventually("one waits for the other", SOON, look).await;
    }
}

fn request(key: &str) -> OrderRequest {
    OrderRequest {
        order_id: Uuid::now_v7(),
        user_id: Uuid::nil(),
        key: IdempotencyKey::parse(key).expect("a key"),
        request_hash: vec![1],
        cart: Cart::parse(vec![CartLine { sku: "MUG".to_owned(), quantity: 1 }]).expect("a cart"),
        method: PaymentMethod::Ok,
        traceparent: String::new(),
        request_id: String::new(),
        placed_at: Timestamp::UNIX_EPOCH,
        answer: None,
    }
}

async fn place(connection: &Connection, request: OrderRequest) -> Order {
    let placed = PlaceOrders::new(std::time::Duration::ZERO).commit(connection, &[request]).await.expect("committed").remove(0);
    let Placed::Created(order) = placed else { panic!("a new order: {placed:?}") };
    order
}

async fn moves_to(connection: &Connection, order: Uuid, status: &str, charge: &str) {
    let sql = format!(
        "UPDATE orders SET status = '{status}', charge_id = {charge}, version = version + 1,
         timeline = timeline || jsonb_build_object('version', version + 1, 'status', '{status}', 'at', now(), 'cause', 'test') WHERE id = '{order}'"
    );
    connection.batch_execute(&sql).await.expect("moved");
}

#[tokio::test]
async fn an_event_that_two_processes_apply_at_the_same_time_is_a_duplicate_for_the_second() {
    let books = Books::open().await;
    let (first, second) = (books.connection().await, books.connection().await);
    let order = place(&first, request("one")).await;
    moves_to(&first, order.id, "completed", "'ch_1'").await;
    let confirmed = OrderOutcome {
        event_id: Uuid::now_v7(),
        answers: None,
        order_id: order.id,
        status: OrderStatus::Confirmed,
        refund_id: None,
        reason: None,
        cause: "test",
    };
    first.batch_execute("BEGIN").await.expect("begun");
    assert_eq!(APPLY.commit(&first, std::slice::from_ref(&confirmed)).await, Ok(vec![Applied::Moved]));
    let commit = async {
        books.until_one_waits().await;
        first.batch_execute("COMMIT").await.expect("committed");
    };
    let (applied, ()) = tokio::join!(APPLY.commit(&second, std::slice::from_ref(&confirmed)), commit);
    assert_eq!(applied, Ok(vec![Applied::Duplicate]), "it would become a dead letter although it had its effect");
}

#[tokio::test]
async fn a_request_that_looked_before_the_end_answers_with_the_end_once_that_is_the_recorded_answer() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let early = place(&connection, request("one")).await;
    let key = IdempotencyKey::parse("one").expect("a key");
    moves_to(&connection, early.id, "declined", "NULL").await;
    let late = find_order(&connection, early.id).await.expect("an answer").expect("an order");
    let (answer, shown) = record_answer(&connection, &key, late).await.expect("recorded");
    assert_eq!((answer, shown.status), (Answer::Terminal, OrderStatus::Declined));

    let (answer, shown) = record_answer(&connection, &key, early).await.expect("recorded");

    assert_eq!((answer, shown.status), (Answer::Terminal, OrderStatus::Declined), "both bodies must be the same");
}
