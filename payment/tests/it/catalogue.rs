//! The catalogue copy when inventory's events are lost.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_rt::Arbiter;
use actix_web::{App, HttpResponse, HttpServer, web};
use payment::{
    actors::{Catalogue, CatalogueSync, FetchProducts, FetchedProducts},
    product_source::ProductSource,
    settings::ProductSourceSettings,
    startup,
};
use runtime::{
    db::{self, Database},
    settings::{HttpUrl, Secret, Value},
    shutdown::Shutdown,
    supervisor::{RestartPolicy, Roster, SupervisorHandle},
};
use serde_json::json;
use testing::{TestDatabase, database_settings, eventually};

use crate::shop::{GROUP, SOON};

/// An inventory with a mug at 2000.
fn inventory(asked: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = HttpServer::new(move || {
        let asked = Arc::clone(&asked);
        let product = json!({"sku": "MUG", "name": "A mug", "price": {"amount": 2000, "currency": "EUR"}, "version": 2, "deleted": false});
        let page = json!({"data": [product], "next": 7, "has_more": false});
        let found = json!({"data": [product]});
        App::new()
            .route(
                "/token",
                web::post()
                    .to(async || HttpResponse::Ok().json(json!({"access_token": "t", "expires_in": 600}))),
            )
            .route(
                "/products/changes",
                web::get().to(move || std::future::ready(HttpResponse::Ok().json(&page))),
            )
            .route(
                "/products",
                web::get().to(move || {
                    asked.fetch_add(1, Ordering::Relaxed);
                    std::future::ready(HttpResponse::Ok().json(&found))
                }),
            )
    });
    actix_rt::spawn(server.workers(1).disable_signals().listen(listener).expect("a server").run());
    url
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

async fn copy(price: i64) -> (TestDatabase, Database) {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations()).await.expect("the schema");
    let database = Database::open("test", &settings).expect("a pool");
    let mug = format!("INSERT INTO catalogue VALUES ('MUG', 'A mug', {price}, 'EUR', 1, false)");
    database.connection().await.expect("a connection").batch_execute(&mug).await.expect("a product");
    (test, database)
}

#[actix_rt::test]
async fn a_product_change_that_was_never_delivered_is_found_by_comparison() {
    let (_test, database) = copy(1000).await;
    let source = source(&inventory(Arc::default()));
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    let compared = database.clone();
    supervisor.supervise("catalogue-sync", "catalogue-sync", RestartPolicy::default(), move |life| {
        CatalogueSync::new(compared.clone(), Arc::clone(&source), Duration::from_millis(50), life)
    });
    let look = async || {
        let row = database
            .connection()
            .await
            .expect("a connection")
            .query_one("SELECT price, version FROM catalogue", &[])
            .await;
        let row = row.expect("an answer");
        let found: (i64, i64) = (row.get(0).expect("a price"), row.get(1).expect("a version"));
        if found == (2000, 2) { Ok(()) } else { Err(found) }
    };
    eventually("the copy has the price of today", SOON, look).await;
}

#[actix_rt::test]
async fn products_that_the_copy_lacks_are_asked_for_together_and_absent_ones_are_remembered_for_a_moment() {
    let (_test, database) = copy(1000).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let source = source(&inventory(Arc::clone(&asked)));
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    let catalogue = supervisor.supervise("catalogue", "catalogue", RestartPolicy::default(), move |life| {
        Catalogue::new(database.clone(), Arc::clone(&source), GROUP, life)
    });
    catalogue.ready().await.expect("a catalogue");
    let fetch = async |skus: &[&str]| {
        let skus = skus.iter().map(|sku| (*sku).to_owned()).collect();
        catalogue.send(FetchProducts(skus)).await.expect("a catalogue").expect("an answer")
    };
    let absent = |skus: &[&str]| FetchedProducts::Absent(skus.iter().map(|sku| (*sku).to_owned()).collect());

    assert_eq!(fetch(&["MUG", "CUP", "JUG"]).await, absent(&["CUP", "JUG"]));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(fetch(&["JUG", "CUP"]).await, absent(&["JUG", "CUP"]), "whether it asks again or not");
    assert_eq!(fetch(&["MUG"]).await, FetchedProducts::All);
    assert!(asked.load(Ordering::Relaxed) <= 3);
}
