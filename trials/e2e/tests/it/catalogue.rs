use ctl::{
    stack::Kind,
    verify::{Evidence, Sources, verify},
};
use reqwest::Method;
use serde_json::{Value, json};

use e2e::{Client, HttpResponse, Order, SOON, Shop, eventually, key, send};

async fn put(shop: &Shop, sku: &str, etag: Option<&str>, price: i64) -> HttpResponse {
    let request = shop.admin.request(Method::PUT, Kind::Inventory, &format!("/products/{sku}"));
    let request = etag.into_iter().fold(request, |request, etag| request.header("If-Match", etag));
    let body = json!({"name": "Another name", "price": {"amount": price, "currency": "EUR"}});
    send(request.json(&body)).await.expect("an answer")
}

async fn delete(shop: &Shop, sku: &str) -> HttpResponse {
    send(shop.admin.request(Method::DELETE, Kind::Inventory, &format!("/products/{sku}")))
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_changed_price_is_used_by_the_next_order() {
    let shop = Shop::open().await;
    shop.product("MUG", 1000).await;
    let before = shop.user.order(&Order::of("MUG", 1)).await;
    shop.reprice("MUG", 1500).await;
    let look = async || {
        let id = shop.user.order(&Order::of("MUG", 2)).await;
        let order = shop.user.show(&id).await;
        if order["items"][0]["unit_price"]["amount"] == 1500 { Ok(order) } else { Err(order) }
    };
    let order = eventually("payment has heard of the new price", SOON, look).await;
    assert_eq!(order["total"]["amount"], 3000);
    assert_eq!(
        shop.user.wait_for_end(&before).await["total"]["amount"],
        1000,
        "an older order keeps its price"
    );
}

#[tokio::test]
async fn a_product_is_changed_only_by_who_has_seen_its_latest_version() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let seen = shop.user.get(Kind::Inventory, "/products/MUG").await;
    let etag = seen.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    put(&shop, "MUG", None, 1).await.problem(428, "precondition-required");
    let changed = put(&shop, "MUG", Some(&etag), 1100).await;
    assert_eq!(changed.expect(200)["price"]["amount"], 1100);
    assert_ne!(changed.header("etag"), etag);
    put(&shop, "MUG", Some(&etag), 1200).await.problem(412, "stale-version");
    assert_eq!(shop.user.get(Kind::Inventory, "/products/MUG").await.json()["price"]["amount"], 1100);
    assert_eq!(put(&shop, "GHOST", Some(&etag), 1).await.status, 404);
}

#[tokio::test]
async fn an_order_does_not_make_the_copy_of_the_price_stale() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let etag = shop.user.get(Kind::Inventory, "/products/MUG").await.header("etag").to_owned();
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&id).await;
    // The version ignores stock, which moves all the time.
    put(&shop, "MUG", Some(&etag), 1100).await.expect(200);
}

#[tokio::test]
async fn a_deleted_product_cannot_be_ordered_and_open_orders_still_settle() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let open = shop.user.order(&Order::of("MUG", 1)).await;
    delete(&shop, "MUG").await.expect(204);
    shop.redis().restart().await.expect("a restart");

    let order = shop.user.wait_for_end(&open).await;
    assert_eq!((&order["status"], &order["total"]["amount"]), (&json!("confirmed"), &json!(1000)), "{order}");
    let gone = async || {
        let answer = shop.user.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key())]).await;
        if answer.status == 404 { Ok(answer) } else { Err(answer.text()) }
    };
    eventually("payment has heard of it", SOON, gone).await.problem(404, "unknown-product");
    assert_eq!(shop.user.get(Kind::Inventory, "/products/MUG").await.status, 404);
    assert_eq!(delete(&shop, "MUG").await.status, 404);
}

#[tokio::test]
async fn a_product_payment_has_not_heard_of_is_asked_of_inventory() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.execute(Kind::Payment, "DELETE FROM catalogue").await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
}

#[tokio::test]
async fn products_are_listed_page_by_page() {
    let shop = Shop::open().await;
    let mut created = Vec::new();
    for number in 0..7 {
        let sku = format!("P-{number}");
        shop.product(&sku, number).await;
        created.push(sku);
    }
    for limit in [1, 3, 7, 100] {
        let products = shop.user.all(Kind::Inventory, "/products", limit).await;
        let mut skus: Vec<&str> =
            products.iter().map(|product| product["sku"].as_str().expect("a SKU")).collect();
        skus.sort_unstable();
        assert_eq!(skus, created, "limit {limit}");
    }
    let page = shop.user.get(Kind::Inventory, "/products?limit=3").await.expect(200);
    assert_eq!((&page["has_more"], page["data"].as_array().map(Vec::len)), (&json!(true), Some(3)));
    let product = &page["data"][0];
    for field in ["sku", "name", "description", "price", "available", "version", "created_at", "updated_at"] {
        assert_ne!(product[field], Value::Null, "{field} of {product}");
    }
}

#[tokio::test]
async fn products_are_asked_for_by_their_skus_and_compared_by_their_changes() {
    let shop = Shop::open().await;
    for sku in ["A", "B", "C"] {
        shop.product(sku, 1).await;
    }
    assert_eq!(delete(&shop, "B").await.status, 204);
    let found = shop.user.get(Kind::Inventory, "/products?sku=C,B,NONE").await.expect(200);
    assert_eq!((&found["data"][0]["sku"], found["data"].as_array().map(Vec::len)), (&json!("C"), Some(1)));
    let many = vec!["A"; 51].join(",");
    shop.user.get(Kind::Inventory, &format!("/products?sku={many}")).await.problem(400, "invalid-request");

    let page = shop.admin.get(Kind::Inventory, "/products/changes?after=0&limit=500").await.expect(200);
    let seen: Vec<(&str, bool)> = page["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| (p["sku"].as_str().expect("a SKU"), p["deleted"] == true))
        .collect();
    assert_eq!(seen, [("A", false), ("C", false), ("B", true)]);
    assert_eq!(
        (&page["next"], &page["has_more"]),
        (&json!(0), &json!(false)),
        "they are younger than ten seconds"
    );
}

#[tokio::test]
async fn a_product_is_created_once_and_where_it_says() {
    let shop = Shop::open().await;
    let product = json!({"sku": "MUG", "name": "Mug", "description": "Holds tea", "price": {"amount": 1299, "currency": "EUR"}, "stock": 5});
    let created = shop.admin.post(Kind::Inventory, "/products", &product).await;
    created.expect(201);
    assert_eq!(created.header("location"), "/products/MUG");
    assert_eq!(shop.user.get(Kind::Inventory, created.header("location")).await.expect(200)["available"], 5);
    shop.admin.post(Kind::Inventory, "/products", &product).await.problem(409, "sku-taken");
    let movements = shop.admin.all(Kind::Inventory, "/products/MUG/movements", 10).await;
    assert_eq!(movements.iter().filter_map(|movement| movement["delta"].as_i64()).collect::<Vec<_>>(), [5]);
}

async fn is_shown(client: &Client, sku: &str, status: u16) {
    let look = async || {
        let answer = client.get(Kind::Inventory, &format!("/products/{sku}")).await;
        if answer.status == status { Ok(()) } else { Err(answer.status) }
    };
    eventually(&format!("{sku} is a {status}"), SOON, look).await;
}

#[tokio::test]
async fn the_sku_of_a_deleted_product_is_sold_again_by_every_instance_and_its_open_orders_settle() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let second = shop.stack.start_service_with(Kind::Inventory, &[("CONSUMER_NAME", "second")]).await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));
    let there = shop.admin.at(Kind::Inventory, shop.stack.service(second).expect("it runs").url());
    is_shown(&there, "MUG", 200).await;
    let old = shop.admin.get(Kind::Inventory, "/products/MUG").await.header("etag").to_owned();
    shop.redis().stop().await;
    let open = shop.user.order(&Order::of("MUG", 2)).await;
    shop.remove("MUG").await;
    is_shown(&there, "MUG", 404).await;

    let product =
        json!({"sku": "MUG", "name": "Another mug", "price": {"amount": 700, "currency": "EUR"}, "stock": 5});
    let created = shop.admin.post(Kind::Inventory, "/products", &product).await;
    assert_eq!(created.expect(201)["version"], 3, "it was 1, and 2 when it was deleted");
    assert_eq!((created.header("etag"), &created.json()["available"]), ("\"3\"", &json!(5)));
    let shown = shop.admin.get(Kind::Inventory, "/products/MUG").await.expect(200);
    assert_eq!((&shown["name"], &shown["available"]), (&json!("Another mug"), &json!(5)));
    is_shown(&there, "MUG", 200).await;
    for instance in [&shop.admin, &there] {
        instance.post(Kind::Inventory, "/products", &product).await.problem(409, "sku-taken");
    }
    put(&shop, "MUG", Some(&old), 1).await.problem(412, "stale-version");

    shop.redis().restart().await.expect("a restart");
    let settled = shop.user.wait_for_end(&open).await;
    assert_eq!((&settled["status"], &settled["total"]["amount"]), (&json!("confirmed"), &json!(2000)));
    let sold = shop.user.order(&Order::of("MUG", 1).expecting(700)).await;
    assert_eq!(shop.user.wait_for_end(&sold).await["status"], "confirmed");
    let movements = shop.admin.all(Kind::Inventory, "/products/MUG/movements", 10).await;
    let ledger: Vec<(i64, i64)> = movements
        .iter()
        .filter_map(|entry| Some((entry["delta"].as_i64()?, entry["balance"].as_i64()?)))
        .collect();
    assert_eq!(ledger, [(-1, 2), (-2, 3), (-5, 5), (10, 10)], "newest first");
    put(&shop, "MUG", Some("\"3\""), 900).await.expect(200);
    assert_all_is_well(&shop).await;
}

async fn assert_all_is_well(shop: &Shop) {
    shop.quiet().await;
    let url = |kind| shop.stack.database_url(kind);
    let sources = Sources {
        user_database: url(Kind::User),
        inventory_database: url(Kind::Inventory),
        payment_database: url(Kind::Payment),
        redis: shop.stack.redis_url(),
    };
    let look = async || {
        let verdict = verify(&sources, &Evidence::default()).await.expect("a verdict");
        if verdict.holds() { Ok(()) } else { Err(verdict) }
    };
    eventually("the invariants hold", SOON, look).await;
}
