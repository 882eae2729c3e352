use payment::{
    domain::{OrderFilter, OrderStatus},
    startup,
    store::list_orders,
};
use runtime::db::{self, Connection, Database};
use testing::{TestDatabase, database_settings};
use uuid::Uuid;

/// Number 1 is the oldest. Every tenth was declined, the others are pending.
async fn orders(connection: &Connection, user: Uuid, count: usize) {
    let sql = format!(
        "INSERT INTO orders (id, user_id, status, version, total, created_at, settled_at, currency, payment_method, idempotency_key,
                             request_hash, request_id, traceparent, items)
         SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{user}',
                CASE WHEN n % 10 = 0 THEN 'declined' ELSE 'pending' END, CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END, 100, now(),
                CASE WHEN n % 10 = 0 THEN now() END, 'EUR', 'tok_ok', n::text, '', '', '', '[]'
         FROM generate_series(1, {count}) n"
    );
    connection.batch_execute(&sql).await.expect("orders");
}

#[actix_rt::test]
async fn a_page_that_ends_early_can_be_followed_to_the_end() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations()).await.expect("the schema");
    let connection =
        Database::open("test", &settings).expect("a pool").connection().await.expect("a connection");
    let user = Uuid::now_v7();
    orders(&connection, user, 95).await;

    for (status, wanted) in
        [(OrderStatus::Declined, 9), (OrderStatus::Confirmed, 0), (OrderStatus::Pending, 86)]
    {
        let mut filter = OrderFilter { user_id: Some(user), status: Some(status), before: None };
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
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations()).await.expect("the schema");
    let connection =
        Database::open("test", &settings).expect("a pool").connection().await.expect("a connection");
    orders(&connection, Uuid::nil(), 20).await;
    let filter = OrderFilter { user_id: None, status: Some(OrderStatus::Declined), before: None };
    let page = list_orders(&connection, &filter, 10, 20).await.expect("a page");
    assert_eq!((page.orders.len(), page.scanned_to), (2, None));
}
