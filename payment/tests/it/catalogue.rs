//! The catalogue copy when inventory's events are lost.

use std::{
    cell::Cell,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_rt::Arbiter;
use actix_web::{
    App, HttpResponse, HttpServer,
    web::{self, Data, Query},
};
use events::Origin;
use payment::{
    actors::{Catalogue, CatalogueParts, CatalogueSync, CatalogueSyncParts, FetchProducts, FetchedProducts},
    domain::{Money, OrderRequest, Placed, PricingError},
    product_source::ProductSource,
    settings::ProductSourceSettings,
    startup,
    store::{CatalogueChanges, PlaceOrders},
};
use runtime::{
    db::{self, Connection, Database, Write},
    settings::{HttpUrl, Secret, Value},
    shutdown::Shutdown,
    supervisor::{RestartPolicy, Roster, SupervisorHandle},
};
use serde::Deserialize;
use serde_json::json;
use testing::{TestDatabase, database_settings, eventually};

use crate::{
    books::request,
    shop::{GROUP, SOON},
};

/// The largest page of inventory.
const PAGE: usize = 500;

/// SKU and price of each change. Its number is its place, from 1.
#[derive(Default)]
struct Inventory {
    changes: Mutex<Vec<(String, i64)>>,
    /// Changes up to this number are final.
    next: Mutex<i64>,
    asked_for_products: AtomicUsize,
}

#[derive(Deserialize)]
struct After {
    after: i64,
}

impl Inventory {
    fn change(&self, sku: &str, price: i64) {
        self.changes.lock().expect("a lock").push((sku.to_owned(), price));
    }

    /// The version is the number of the change.
    fn product((number, (sku, price)): (usize, &(String, i64))) -> serde_json::Value {
        json!({"sku": sku, "name": "A thing", "price": {"amount": price, "currency": "EUR"},
               "version": number + 1, "change": number + 1, "deleted": false})
    }

    fn page(&self, after: i64) -> serde_json::Value {
        let changes = self.changes.lock().expect("a lock");
        let from = usize::try_from(after).expect("a number");
        let data: Vec<_> = changes.iter().enumerate().skip(from).take(PAGE).map(Self::product).collect();
        let last = after + data.len() as i64;
        let next = last.min(*self.next.lock().expect("a lock")).max(after);
        json!({"has_more": data.len() == PAGE && next == last, "data": data, "next": next})
    }

    fn all(&self) -> serde_json::Value {
        self.asked_for_products.fetch_add(1, Ordering::Relaxed);
        let changes = self.changes.lock().expect("a lock");
        json!({"data": changes.iter().enumerate().map(Self::product).collect::<Vec<_>>()})
    }

    fn serve(self: Arc<Self>) -> Arc<ProductSource> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let token = async || HttpResponse::Ok().json(json!({"access_token": "t", "expires_in": 600}));
        let changes = async |inventory: Data<Self>, query: Query<After>| {
            HttpResponse::Ok().json(inventory.page(query.after))
        };
        let products = async |inventory: Data<Self>| HttpResponse::Ok().json(inventory.all());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&self)))
                .route("/token", web::post().to(token))
                .route("/products/changes", web::get().to(changes))
                .route("/products", web::get().to(products))
        });
        actix_rt::spawn(server.workers(1).disable_signals().listen(listener).expect("a server").run());
        source(&url)
    }
}

fn source(url: &str) -> Arc<ProductSource> {
    let settings = ProductSourceSettings {
        inventory_url: HttpUrl::parse(url).expect("a URL"),
        token_url: HttpUrl::parse(&format!("{url}/token")).expect("a URL"),
        client_id: "payment".to_owned(),
        client_secret: Secret::parse("at-least-32-characters-all-random").expect("a secret"),
    };
    Arc::new(ProductSource::new(settings).expect("a client"))
}

/// A copy with a mug at 1000, and an inventory.
struct Copy {
    inventory: Arc<Inventory>,
    source: Arc<ProductSource>,
    changes: CatalogueChanges,
    database: Database,
    // Dropped after the connections to it.
    _database: TestDatabase,
}

impl Copy {
    async fn make() -> Self {
        let test = TestDatabase::create().await;
        let settings = database_settings(test.url());
        db::migrate(&settings, startup::migrations()).await.expect("the schema");
        let database = Database::open("test", &settings).expect("a pool");
        let mug = "INSERT INTO catalogue VALUES ('MUG', 'A mug', 1000, 'EUR', 0, false)";
        database.connection().await.expect("a connection").batch_execute(mug).await.expect("a product");
        let inventory = Arc::<Inventory>::default();
        let source = Arc::clone(&inventory).serve();
        Self { inventory, source, changes: CatalogueChanges::default(), database, _database: test }
    }

    fn follow(&self) -> SupervisorHandle {
        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let parts = CatalogueSyncParts {
            database: self.database.clone(),
            source: Arc::clone(&self.source),
            changes: self.changes.clone(),
            interval: Duration::from_millis(50),
        };
        supervisor.supervise("catalogue-sync", "catalogue-sync", RestartPolicy::default(), move |life| {
            CatalogueSync::new(parts.clone(), life)
        });
        supervisor
    }

    async fn connection(&self) -> Connection {
        self.database.connection().await.expect("a connection")
    }

    async fn has(&self, sku: &str, price: i64) {
        let look = async || {
            let row = self
                .connection()
                .await
                .query_opt("SELECT price FROM catalogue WHERE sku = $1", &[&sku])
                .await
                .expect("an answer");
            let found = row.map(|row| row.get::<i64>(0).expect("a price"));
            if found == Some(price) { Ok(()) } else { Err(found) }
        };
        eventually(&format!("the copy has {sku} at {price}"), SOON, look).await;
    }
}

#[actix_rt::test]
async fn a_product_change_that_was_never_delivered_is_found_at_inventory() {
    let copy = Copy::make().await;
    copy.inventory.change("MUG", 2000);
    let _supervisor = copy.follow();
    copy.has("MUG", 2000).await;
    copy.inventory.change("MUG", 3000);
    copy.has("MUG", 3000).await;
}

#[actix_rt::test]
async fn changes_beyond_a_full_page_are_found_although_none_is_final() {
    let copy = Copy::make().await;
    let _supervisor = copy.follow();
    for number in 0..PAGE + 1 {
        copy.inventory.change(&format!("P-{number}"), 1);
    }
    copy.inventory.change("MUG", 2000);
    copy.has("MUG", 2000).await;
    *copy.inventory.next.lock().expect("a lock") = PAGE as i64 + 1;
    copy.inventory.change("MUG", 3000);
    copy.has("MUG", 3000).await;
}

#[actix_rt::test]
async fn a_price_in_memory_ends_with_the_change_of_the_copy_whatever_its_age() {
    let copy = Copy::make().await;
    let writer = PlaceOrders::new(Duration::from_secs(3600), drop).following(copy.changes.clone());
    let connection = copy.connection().await;
    let total = async || {
        let batch = [Arc::new(request(&uuid::Uuid::now_v7().to_string()))];
        let placed = writer.commit(&connection, &batch).await.expect("committed").remove(0);
        let Placed::Created(order) = placed else { panic!("a new order") };
        order.total.amount
    };
    assert_eq!(total().await, 1000);
    copy.inventory.change("MUG", 2000);
    let _supervisor = copy.follow();
    let look = async || {
        let total = total().await;
        if total == 2000 { Ok(()) } else { Err(total) }
    };
    eventually("an order has the new price", SOON, look).await;
}

#[actix_rt::test]
async fn an_order_at_another_total_is_not_placed_and_its_key_stays_free() {
    let copy = Copy::make().await;
    let writer = PlaceOrders::new(Duration::ZERO, drop);
    let connection = copy.connection().await;
    let expecting = |total| OrderRequest { expected_total: Some(total), ..request("one") };
    let place = async |request: OrderRequest| {
        writer.commit(&connection, &[Arc::new(request)]).await.expect("committed").remove(0)
    };
    for other in [Money::new(999, "EUR"), Money::new(1001, "EUR"), Money::new(1000, "USD")] {
        let placed = place(expecting(other)).await;
        let Placed::NotPriced(PricingError::PriceChanged { lines, total }) = placed else {
            panic!("{placed:?}")
        };
        assert_eq!((total, lines.len()), (Money::new(1000, "EUR"), 1));
    }
    let placed = place(expecting(Money::new(1000, "EUR"))).await;
    assert!(matches!(placed, Placed::Created(_)), "{placed:?}");
    connection.batch_execute("UPDATE catalogue SET price = 2000").await.expect("a new price");
    let again = place(expecting(Money::new(1000, "EUR"))).await;
    assert!(matches!(again, Placed::Replayed(_)), "a known key has its answer: {again:?}");
}

#[actix_rt::test]
async fn products_that_the_copy_lacks_are_asked_for_together_and_absent_ones_are_remembered_for_a_moment() {
    let copy = Copy::make().await;
    copy.inventory.change("MUG", 2000);
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    let parts = CatalogueParts {
        database: copy.database.clone(),
        source: Arc::clone(&copy.source),
        changes: copy.changes.clone(),
        consumer: GROUP,
    };
    let catalogue = supervisor.supervise("catalogue", "catalogue", RestartPolicy::default(), move |life| {
        Catalogue::new(parts.clone(), life)
    });
    catalogue.ready().await.expect("a catalogue");
    let asks = Cell::new(0);
    let fetch = async |skus: &[&str]| {
        let ask = async || {
            asks.set(asks.get() + 1);
            let skus = skus.iter().map(|sku| (*sku).to_owned()).collect();
            catalogue.send(FetchProducts { skus, origin: Origin::root() }).await.expect("a catalogue")
        };
        eventually("an answer", SOON, ask).await
    };
    let absent = |skus: &[&str]| FetchedProducts::Absent(skus.iter().map(|sku| (*sku).to_owned()).collect());
    let asked = || copy.inventory.asked_for_products.load(Ordering::Relaxed);

    assert_eq!(fetch(&["MUG", "CUP", "JUG"]).await, absent(&["CUP", "JUG"]));
    assert!(asked() <= asks.get());
    assert_eq!(fetch(&["JUG", "CUP"]).await, absent(&["JUG", "CUP"]), "whether it asks again or not");
    assert_eq!(fetch(&["MUG"]).await, FetchedProducts::All);
    assert!(asked() <= asks.get());
}
