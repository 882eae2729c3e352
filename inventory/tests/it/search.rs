//! Products by the beginning of their SKU or name.

use inventory::{
    domain::{Prefix, SearchPosition},
    store::{SCAN_LIMIT, search},
};
use runtime::db::Connection;

use crate::changes::open;

async fn insert(connection: &Connection, products: &str) {
    let sql = format!("INSERT INTO products (sku, name, price, currency, on_hand) {products}");
    connection.batch_execute(&sql).await.expect("products");
}

/// The SKUs, page by page.
async fn all(connection: &Connection, text: &str, limit: i64, most: i64) -> Vec<String> {
    let prefix = Prefix::parse(text).expect("a prefix");
    let mut found: Vec<String> = Vec::new();
    let mut after: Option<SearchPosition> = None;
    loop {
        let page = search(connection, &prefix, after.as_ref(), limit, most).await.expect("a page");
        let full = page.found.len() as i64 == limit;
        let last = page.found.last().map(|(_, position)| position.clone()).filter(|_| full);
        found.extend(page.found.into_iter().map(|(product, _)| product.record.sku.to_string()));
        after = last.or(page.scanned_to);
        if after.is_none() {
            return found;
        }
    }
}

#[actix_rt::test]
async fn a_product_is_found_once_by_its_sku_or_by_its_name_in_any_case() {
    let (_test, connection) = open().await;
    insert(
        &connection,
        "VALUES ('MUG-2', 'Zebra', 1, 'EUR', 1), ('MUG-10', 'mug of tin', 1, 'EUR', 1), ('A-1', 'Mug, blue', 1, 'EUR', 1),
                ('B-1', 'A mug', 1, 'EUR', 1), ('C-1', 'mug', 1, 'EUR', 1), ('MUG', 'Gone', 1, 'EUR', 1), ('D%', 'Mu_', 1, 'EUR', 1)",
    )
    .await;
    connection.batch_execute("UPDATE products SET deleted_at = now() WHERE sku = 'MUG'").await.expect("gone");
    for limit in [1, 2, 3, 100] {
        for text in ["mug", "MUG", "Mug"] {
            let found = all(&connection, text, limit, SCAN_LIMIT).await;
            assert_eq!(found, ["MUG-10", "MUG-2", "C-1", "A-1"], "{text} by {limit}");
        }
        assert_eq!(all(&connection, "mug,", limit, SCAN_LIMIT).await, ["A-1"]);
        assert_eq!(all(&connection, "mu_", limit, SCAN_LIMIT).await, ["D%"], "no pattern");
        assert_eq!(all(&connection, "tin", limit, SCAN_LIMIT).await, [""; 0]);
    }
}

#[actix_rt::test]
async fn a_search_reads_along_its_indexes_and_no_more_than_its_pages() {
    let (_test, connection) = open().await;
    // Half of them are found both ways.
    insert(
        &connection,
        "SELECT CASE n % 2 WHEN 0 THEN 'THING-' ELSE 'OTHER-' END || n, 'Thing ' || n, 1, 'EUR', 1 FROM generate_series(1, 20000) n",
    )
    .await;
    connection.batch_execute("ANALYZE products").await.expect("statistics");
    let read = async || {
        let counts = "SELECT seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'products'";
        let row = connection.query_one(counts, &[]).await.expect("counts");
        (row.get::<i64>(0).expect("a count"), row.get::<i64>(1).expect("a count"))
    };
    // A statement that ran often may be planned anew without its parameters.
    for plan in ["auto", "force_generic_plan"] {
        connection.batch_execute(&format!("BEGIN; SET LOCAL plan_cache_mode = {plan}")).await.expect("begun");
        let before = read().await;
        let mut pages = 0;
        for _ in 0..8 {
            for text in ["thing", "thing 1", "t", "none"] {
                let prefix = Prefix::parse(text).expect("a prefix");
                search(&connection, &prefix, None, 21, 100).await.expect("a page");
                pages += 1;
            }
        }
        let after = read().await;
        connection.batch_execute("ROLLBACK").await.expect("ended");
        assert_eq!(after.0, before.0, "a scan of the table with {plan}");
        assert!(after.1 - before.1 <= pages * (21 + 100 + 101), "{} rows with {plan}", after.1 - before.1);
    }
    assert_eq!(all(&connection, "thing", 1000, 100).await.len(), 20_000);
}

#[actix_rt::test]
async fn a_change_of_stock_touches_no_index() {
    let (_test, connection) = open().await;
    insert(&connection, "VALUES ('MUG', 'A mug', 1, 'EUR', 1)").await;
    connection.batch_execute("BEGIN; UPDATE products SET on_hand = on_hand + 1").await.expect("updated");
    let counts = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'products'";
    let row = connection.query_one(counts, &[]).await.expect("counts");
    connection.batch_execute("ROLLBACK").await.expect("ended");
    let (updates, hot): (i64, i64) = (row.get(0).expect("a count"), row.get(1).expect("a count"));
    assert_eq!((updates, hot), (1, 1));
}
