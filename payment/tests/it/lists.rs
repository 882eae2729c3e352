use std::time::Duration;

use jiff::Timestamp;
use payment::{
    domain::{IdempotencyKey, OrderFilter, OrderStatus},
    startup,
    store::list_orders,
};
use runtime::db::{self, Connection, Database};
use testing::{TestDatabase, database_settings};
use uuid::Uuid;

/// A connection outlives its pool.
async fn open() -> (TestDatabase, Connection) {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations()).await.expect("the schema");
    let database = Database::open("test", &settings).expect("a pool");
    let requests = database.requests("requests").expect("a pool");
    let connection = requests.connection().await.expect("a connection");
    // A busy machine may stop the test within a transaction.
    let patience = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    connection.batch_execute(patience).await.expect("patience");
    (test, connection)
}

/// Number 1 is the oldest. Every tenth was declined, the others are pending.
async fn orders(test: &TestDatabase, user: Uuid, count: usize) {
    let sql = format!(
        "INSERT INTO orders (id, user_id, status, version, total, created_at, settled_at, currency, payment_method, idempotency_key,
                             request_hash, request_id, traceparent, items)
         SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{user}',
                CASE WHEN n % 10 = 0 THEN 'declined' ELSE 'pending' END, CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END, 100, now(),
                CASE WHEN n % 10 = 0 THEN now() END, 'EUR', 'tok_ok', n::text, '', '', '', '[]'
         FROM generate_series(1, {count}) n"
    );
    test.execute(&sql).await;
}

#[actix_rt::test]
async fn a_page_that_ends_early_can_be_followed_to_the_end() {
    let (test, connection) = open().await;
    let user = Uuid::now_v7();
    orders(&test, user, 95).await;

    for (status, wanted) in
        [(OrderStatus::Declined, 9), (OrderStatus::Confirmed, 0), (OrderStatus::Pending, 86)]
    {
        let mut filter = OrderFilter { user_id: Some(user), status: Some(status), ..OrderFilter::default() };
        let mut found = Vec::new();
        let mut pages = 0;
        loop {
            let page = list_orders(&connection, &filter, 3, 20).await.expect("a page");
            assert!(page.orders.len() <= 3);
            pages += 1;
            let full = page.orders.len() == 3;
            let last = page.orders.last().map(|order| order.id).filter(|_| full);
            found.extend(page.orders.into_iter().map(|order| order.id));
            match last.or(page.scanned_to) {
                Some(id) => filter.before = Some(id),
                None => break,
            }
        }
        assert_eq!(found.len(), wanted, "{status:?}");
        assert!(found.is_sorted_by(|a, b| a > b), "newest first, each once");
        assert!(pages >= 5, "no page looks at more than 20 of 95 orders");
    }
}

#[actix_rt::test]
async fn a_list_that_was_looked_at_to_the_end_says_so() {
    let (test, connection) = open().await;
    orders(&test, Uuid::nil(), 20).await;
    let filter = OrderFilter { status: Some(OrderStatus::Declined), ..OrderFilter::default() };
    let page = list_orders(&connection, &filter, 10, 20).await.expect("a page");
    assert_eq!((page.orders.len(), page.scanned_to), (2, None));
}

/// The first of these times; number `n` is `n` seconds later, its id half a second before.
const BEGIN: i64 = 1_700_000_000;

/// Orders of two users: every tenth declined, every hundredth of a cup, as the name of each says.
async fn history(test: &TestDatabase, users: [Uuid; 2], count: usize) {
    let [one, other] = users;
    let orders = format!(
        r#"INSERT INTO orders (id, user_id, status, version, total, created_at, settled_at, currency, payment_method, idempotency_key,
                               request_hash, request_id, traceparent, items)
           SELECT (lpad(to_hex(({BEGIN} + n::bigint) * 1000 - 500), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
                  CASE n % 2 WHEN 0 THEN '{one}' ELSE '{other}' END::uuid, CASE n % 10 WHEN 0 THEN 'declined' ELSE 'pending' END,
                  CASE n % 10 WHEN 0 THEN 2 ELSE 1 END, 100, to_timestamp({BEGIN} + n), CASE n % 10 WHEN 0 THEN now() END,
                  'EUR', 'tok_ok', n::text, '', '', '',
                  json_build_array(json_build_object('sku', CASE n % 100 WHEN 0 THEN 'CUP' ELSE 'MUG' END, 'name', 'CUP',
                      'unit_price', json_build_object('amount', 100, 'currency', 'EUR'), 'quantity', 1,
                      'line_total', json_build_object('amount', 100, 'currency', 'EUR')))
           FROM generate_series(1, {count}) n"#
    );
    test.execute(&orders).await;
    test.execute("ANALYZE orders").await;
}

fn second(n: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(BEGIN + n).expect("a time"))
}

/// The numbers of the orders, page by page.
async fn numbers(connection: &Connection, mut filter: OrderFilter, limit: i64, most: i64) -> Vec<i64> {
    let mut found = Vec::new();
    loop {
        let page = list_orders(connection, &filter, limit, most).await.expect("a page");
        let full = page.orders.len() as i64 == limit;
        let last = page.orders.last().map(|order| order.id).filter(|_| full);
        found.extend(page.orders.iter().map(|order| order.created_at.as_second() - BEGIN));
        match last.or(page.scanned_to) {
            Some(id) => filter.before = Some(id),
            None => return found,
        }
    }
}

#[actix_rt::test]
async fn orders_are_found_by_product_and_time_whatever_the_clock_of_their_ids() {
    let (test, connection) = open().await;
    let users = [Uuid::now_v7(), Uuid::now_v7()];
    history(&test, users, 1000).await;
    let all = OrderFilter::default;
    for (limit, most) in [(1, 50), (7, 50), (100, 10_000)] {
        let found = async |filter| numbers(&connection, filter, limit, most).await;
        let cups = OrderFilter { sku: Some("CUP".to_owned()), ..all() };
        assert_eq!(found(cups.clone()).await, (1..=10).rev().map(|n| n * 100).collect::<Vec<i64>>());
        let some = OrderFilter { created_from: second(300), created_to: second(501), ..cups.clone() };
        assert_eq!(found(some).await, [500, 400, 300]);
        let own = OrderFilter { user_id: Some(users[1]), ..cups };
        assert_eq!(found(own).await, [0; 0], "their numbers are odd");
        let exact = OrderFilter { created_from: second(42), created_to: second(43), ..all() };
        assert_eq!(found(exact.clone()).await, [42]);
        assert_eq!(found(OrderFilter { user_id: Some(users[0]), ..exact.clone() }).await, [42]);
        assert_eq!(found(OrderFilter { status: Some(OrderStatus::Declined), ..exact }).await, [0; 0]);
        let late = OrderFilter { created_from: second(2000), ..all() };
        assert_eq!(found(late).await, [0; 0]);
    }
}

#[actix_rt::test]
async fn no_combination_of_filters_scans_the_table() {
    const MOST: i64 = 500;
    const LIMIT: i64 = 21;
    let (test, connection) = open().await;
    let users = [Uuid::now_v7(), Uuid::now_v7()];
    history(&test, users, 60_000).await;
    // Scans of the table, and blocks of its indexes.
    let read = async || {
        let counts = "SELECT seq_scan, (SELECT sum(pg_stat_get_xact_blocks_fetched(indexrelid))::bigint
                          FROM pg_index WHERE indrelid = relid)
                      FROM pg_stat_xact_user_tables WHERE relname = 'orders'";
        let row = connection.query_one(counts, &[]).await.expect("counts");
        [0, 1].map(|column| row.get::<i64>(column).expect("a count"))
    };
    // Rare values and none, the newest orders and old ones.
    let of = |bits: u8| OrderFilter {
        user_id: (bits & 1 != 0).then_some(users[0]),
        key: None,
        status: (bits & 2 != 0).then_some(OrderStatus::Confirmed),
        sku: (bits & 4 != 0).then(|| "NONE".to_owned()),
        created_from: second(20_000).filter(|_| bits & 8 != 0),
        created_to: second(40_000).filter(|_| bits & 16 != 0),
        before: None,
    };
    connection.batch_execute("BEGIN").await.expect("begun");
    for round in 0..8 {
        // The sixth time, a plan without the values is taken if it seems cheaper.
        for bits in 0..32 {
            let [scans, blocks] = read().await;
            list_orders(&connection, &of(bits), LIMIT, MOST).await.expect("a page");
            let [scans, blocks] = [read().await[0] - scans, read().await[1] - blocks];
            assert_eq!(scans, 0, "{:?} scans the table in round {round}", of(bits));
            // A user has 30,000 orders, on more than 200 blocks of the index.
            assert!(blocks <= 60, "{:?} reads {blocks} blocks of indexes in round {round}", of(bits));
        }
    }
    connection.batch_execute("ROLLBACK").await.expect("ended");
}

#[actix_rt::test]
async fn an_order_is_found_by_the_key_of_its_user_and_few_others_are_read() {
    let (test, connection) = open().await;
    let users = [Uuid::now_v7(), Uuid::now_v7()];
    history(&test, users, 6000).await;
    let fetched = async || {
        let counts =
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'orders'";
        connection.query_one(counts, &[]).await.expect("counts").get::<i64>(0).expect("a count")
    };
    let of = |user: usize, key: &str| {
        let key = IdempotencyKey::parse(key).expect("a key");
        OrderFilter { user_id: Some(users[user]), key: Some(key), ..OrderFilter::default() }
    };
    connection.batch_execute("BEGIN").await.expect("begun");
    for (filter, expected) in [
        (of(0, "42"), vec![42]),
        (of(1, "42"), vec![]),
        (of(0, "none"), vec![]),
        (OrderFilter { status: Some(OrderStatus::Declined), ..of(0, "42") }, vec![]),
        (OrderFilter { created_to: second(42), ..of(0, "42") }, vec![]),
    ] {
        let before = fetched().await;
        // A scan of 50 orders would not reach it.
        assert_eq!(numbers(&connection, filter.clone(), 21, 50).await, expected, "{filter:?}");
        let read = fetched().await - before;
        assert!(read <= 5, "{read} orders are read for {filter:?}");
    }
    connection.batch_execute("ROLLBACK").await.expect("ended");
}

#[actix_rt::test]
async fn the_margin_around_a_time_is_that_of_clocks_and_requests() {
    let (test, connection) = open().await;
    history(&test, [Uuid::nil(); 2], 3).await;
    let late = Duration::from_secs(8);
    for shift in ["-", "+"] {
        let sql = format!(
            "UPDATE orders SET created_at = to_timestamp({BEGIN} + 2) {shift} interval '{} s'",
            late.as_secs()
        );
        connection.batch_execute(&sql).await.expect("another clock");
        let at = if shift == "+" { 10 } else { -6 };
        let filter =
            OrderFilter { created_from: second(at), created_to: second(at + 1), ..OrderFilter::default() };
        assert_eq!(numbers(&connection, filter, 10, 100).await, [at; 3]);
    }
}
