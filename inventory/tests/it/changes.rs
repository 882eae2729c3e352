use std::time::Duration;

use events::TraceContext;
use inventory::{
    domain::{Description, Details, Name, NewProduct, Price, Sku, StockCount},
    startup,
    store::{self, changes, product_changed},
};
use runtime::db::{self, Connection, Database};
use testing::{TestDatabase, database_settings};

/// A connection outlives its pool.
pub(crate) async fn open() -> (TestDatabase, Connection) {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations()).await.expect("the schema");
    let database = Database::open("test", &settings).expect("a pool");
    let connection = database.connection().await.expect("a connection");
    (test, connection)
}

fn details(price: i64) -> Details {
    let name = Name::parse("A thing").expect("a name");
    let description = Description::parse("").expect("a description");
    Details { name, description, price: Price::parse(price, "EUR").expect("a price") }
}

fn new(sku: &str, stock: i64) -> NewProduct {
    let stock = StockCount::parse(stock).expect("a count");
    NewProduct { sku: Sku::stored(sku), details: details(1), stock }
}

async fn create(connection: &Connection, sku: &str) -> store::StoredProduct {
    let product = new(sku, 1);
    let record = inventory::domain::ProductRecord {
        sku: product.sku.clone(),
        name: String::new(),
        description: String::new(),
        price: 1,
        currency: "EUR".to_owned(),
        version: 1,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        deleted: false,
    };
    let event = product_changed(&record, TraceContext::root().into()).expect("an event");
    store::create(connection, &product, &event, Duration::ZERO).await.expect("created").expect("a new SKU")
}

#[actix_rt::test]
async fn products_are_listed_by_their_last_change_deleted_ones_included() {
    let (_test, connection) = open().await;
    let [first, second, third] =
        [create(&connection, "A").await, create(&connection, "B").await, create(&connection, "C").await];
    let event = || product_changed(&third.record, TraceContext::root().into()).expect("an event");
    store::change(&connection, (&first.record.sku, 1), &details(2), &event(), Duration::ZERO)
        .await
        .expect("changed");
    store::remove(&connection, (&second.record.sku, 1), &event(), Duration::ZERO).await.expect("removed");

    let listed = changes(&connection, 0, 10).await.expect("an answer");

    let seen: Vec<(&str, i64, bool, bool)> = listed
        .iter()
        .map(|change| {
            (change.record.sku.as_str(), change.record.version, change.record.deleted, change.is_final)
        })
        .collect();
    assert_eq!(seen, [("C", 1, false, false), ("A", 2, false, false), ("B", 2, true, false)]);
    let rest = changes(&connection, listed[0].change, 1).await.expect("an answer");
    assert_eq!(rest, listed[1..2]);
    connection
        .batch_execute("UPDATE products SET updated_at = now() - interval '11 s'")
        .await
        .expect("older");
    assert!(changes(&connection, 0, 10).await.expect("an answer").iter().all(|change| change.is_final));
}

#[actix_rt::test]
async fn a_deleted_product_is_sold_again_once_a_version_and_its_ledger_goes_on() {
    let (_test, connection) = open().await;
    let sku = create(&connection, "A").await.record.sku;
    let other = create(&connection, "B").await.record;
    let event = || product_changed(&other, TraceContext::root().into()).expect("an event");
    let revive = async |version, stock| {
        let product = new("A", stock);
        store::revive(&connection, version, &product, &event(), Duration::ZERO).await.expect("an answer")
    };
    assert_eq!(revive(1, 5).await, None, "it is on sale");
    store::remove(&connection, (&sku, 1), &event(), Duration::ZERO).await.expect("removed");
    assert_eq!(revive(1, 5).await, None, "the version before");
    let revived = revive(2, 5).await.expect("a product");
    assert_eq!((revived.record.version, revived.record.deleted, revived.level.on_hand), (3, false, 5));
    assert_eq!(revive(2, 9).await, None, "it is on sale again");

    let ledger = store::movements(&connection, &sku, None, 10).await.expect("an answer");
    let seen: Vec<(i32, i32)> = ledger.iter().map(|entry| (entry.delta, entry.balance)).collect();
    assert_eq!(seen, [(4, 5), (1, 1)]);
    assert_eq!(revived.level.as_of, ledger[0].id);
    let last = changes(&connection, 0, 10).await.expect("an answer").pop().expect("a change");
    assert_eq!((last.record.sku.as_str(), last.record.version, last.record.deleted), ("A", 3, false));
}
