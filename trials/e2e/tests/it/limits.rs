use ctl::stack::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use e2e::{HttpResponse, Shop, key, send};

async fn order(shop: &Shop, body: &Value) -> HttpResponse {
    let request = shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", key());
    send(request.json(body)).await.expect("an answer")
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_problems_with_a_request_id() {
    let shop = Shop::open().await;
    for kind in Kind::ALL {
        shop.user.get(kind, "/nonsense").await.problem(404, "not-found");
        let wrong = send(shop.user.request(Method::PUT, kind, "/ops/streams")).await.expect("an answer");
        wrong.problem(405, "method-not-allowed");
        let request =
            shop.user.anonymous().request(Method::GET, kind, "/nonsense").header("X-Request-Id", "my-own-id");
        assert_eq!(
            send(request).await.expect("an answer").problem(404, "not-found")["request_id"],
            "my-own-id"
        );
        let health = shop.user.anonymous().get(kind, "/health").await.expect(200);
        assert_eq!(health, json!({"status": "healthy", "service": kind.name()}));
    }
    for (method, kind, path) in [
        (Method::DELETE, Kind::Payment, "/orders"),
        (Method::PUT, Kind::Inventory, "/products"),
        (Method::GET, Kind::User, "/auth/login"),
    ] {
        send(shop.user.request(method, kind, path))
            .await
            .expect("an answer")
            .problem(405, "method-not-allowed");
    }
    shop.user.get(Kind::Payment, "/orders/not-a-uuid").await.problem(404, "not-found");
}

#[tokio::test]
async fn unknown_fields_are_named() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    assert_eq!(
        order(&shop, &json!({"items": [{"sku": "MUG", "quantity": 1}], "coupon": "X"}))
            .await
            .invalid_fields(),
        ["/coupon"]
    );
    let price = json!({"items": [{"sku": "MUG", "quantity": 1, "price": 1}]});
    assert_eq!(order(&shop, &price).await.invalid_fields(), ["/items/0/price"]);
    let product = json!({"sku": "A", "name": "A", "price": {"amount": 1, "currency": "EUR"}, "stock": 1, "colour": "red"});
    assert_eq!(shop.admin.post(Kind::Inventory, "/products", &product).await.invalid_fields(), ["/colour"]);
    let login = json!({"email": "a@example.com", "password": "x", "remember": true});
    assert_eq!(shop.user.post(Kind::User, "/auth/login", &login).await.invalid_fields(), ["/remember"]);
}

#[tokio::test]
async fn an_order_outside_the_limits_is_refused_with_the_place() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let line = |sku: &str, quantity: i64| json!({"sku": sku, "quantity": quantity});
    let items = |lines: Vec<Value>| json!({"items": lines});
    let too_many: Vec<Value> = (0..51).map(|number| line(&format!("P-{number}"), 1)).collect();
    for (body, place) in [
        (items(vec![]), "/items"),
        (items(too_many), "/items"),
        (items(vec![line("MUG", 0)]), "/items/0/quantity"),
        (items(vec![line("MUG", 1001)]), "/items/0/quantity"),
        (items(vec![line("MUG", -1)]), "/items/0/quantity"),
        (items(vec![line("MUG", 1), line("MUG", 2)]), "/items/1"),
        (items(vec![line("mug", 1)]), "/items/0/sku"),
        (json!({"items": [line("MUG", 1)], "payment_method": "gold"}), "/payment_method"),
        (json!({}), "/items"),
    ] {
        let fields = order(&shop, &body).await.invalid_fields();
        assert!(
            fields.iter().any(|field| field.starts_with(place)),
            "{fields:?} for {body}, expected {place}"
        );
    }
    assert_eq!(shop.number(Kind::Payment, "SELECT count(*) FROM orders").await, 0);
}

#[tokio::test]
async fn a_product_outside_the_limits_is_refused_with_every_field() {
    let shop = Shop::open().await;
    let wrong =
        json!({"sku": "lower case", "name": "", "price": {"amount": 0, "currency": "euro"}, "stock": 1});
    let fields = shop.admin.post(Kind::Inventory, "/products", &wrong).await.invalid_fields();
    for field in ["/sku", "/name", "/price/amount", "/price/currency"] {
        assert!(fields.iter().any(|found| found == field), "{field} is not among {fields:?}");
    }
    let float = json!({"sku": "A", "name": "A", "price": {"amount": 19.99, "currency": "EUR"}, "stock": 1});
    assert_eq!(
        shop.admin.post(Kind::Inventory, "/products", &float).await.invalid_fields(),
        ["/price/amount"]
    );
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large_are_refused() {
    let shop = Shop::open().await;
    let post = |body: String, kind: &str| {
        let request =
            shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", key());
        send(request.header("content-type", kind).body(body))
    };
    post("{".to_owned(), "application/json").await.expect("an answer").problem(400, "malformed-json");
    post("{}".to_owned(), "text/plain").await.expect("an answer").problem(415, "unsupported-media-type");
    let large = format!("{{\"items\": \"{}\"}}", "x".repeat(70_000));
    post(large, "application/json").await.expect("an answer").problem(413, "body-too-large");
}

#[tokio::test]
async fn lists_refuse_limits_and_cursors_that_are_not_theirs() {
    let shop = Shop::open().await;
    for (kind, path) in [(Kind::Inventory, "/products"), (Kind::Payment, "/orders"), (Kind::User, "/users")] {
        for query in ["limit=0", "limit=101", "limit=many", "cursor=!!!"] {
            shop.admin.get(kind, &format!("{path}?{query}")).await.problem(400, "invalid-request");
        }
        assert_eq!(shop.admin.get(kind, &format!("{path}?limit=many")).await.invalid_fields(), ["limit"]);
        shop.admin.get(kind, &format!("{path}?limit=100")).await.expect(200);
    }
    shop.user.get(Kind::Payment, "/orders?status=lost").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn orders_are_listed_page_by_page_newest_first() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(shop.user.order(&e2e::Order::of("MUG", 1)).await);
    }
    ids.reverse();
    for limit in [2, 7, 100] {
        let orders = shop.user.all(Kind::Payment, "/orders", limit).await;
        let listed: Vec<&str> = orders.iter().map(|order| order["id"].as_str().expect("an id")).collect();
        assert_eq!(listed, ids, "limit {limit}");
    }
}

#[tokio::test]
async fn orders_are_found_by_product_and_time_and_products_by_their_beginning() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    shop.product("CUP", 100).await;
    let mug = shop.user.order(&e2e::Order::of("MUG", 1)).await;
    let both = shop.user.order(&e2e::Order::lines(&[("CUP", 1), ("MUG", 1)])).await;
    let ids = async |client: &e2e::Client, filters: &str| {
        let orders = client.all(Kind::Payment, &format!("/orders?{filters}"), 10).await;
        orders
            .iter()
            .map(|order| order["id"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(ids(&shop.user, "sku=MUG").await, format!("{both} {mug}"));
    assert_eq!(ids(&shop.user, "sku=CUP").await, both);
    let created = shop.user.show(&both).await["created_at"].as_str().expect("a time").to_owned();
    assert_eq!(ids(&shop.user, &format!("created_from={created}")).await, both);
    assert_eq!(ids(&shop.user, &format!("created_to={created}&sku=MUG")).await, mug);
    assert_eq!(ids(&shop.another_user().await, "sku=MUG").await, "", "a USER sees own orders only");
    assert_eq!(ids(&shop.admin, "sku=CUP").await, both);
    let user = shop.user.show(&mug).await["user_id"].as_str().expect("an id").to_owned();
    let keyed = key();
    let placed = shop.user.order_with(&e2e::Order::of("MUG", 1), &[("Idempotency-Key", &keyed)]).await;
    let placed = placed.expect(202)["id"].as_str().expect("an id").to_owned();
    let by_key = format!("user_id={user}&key={keyed}");
    assert_eq!(ids(&shop.admin, &by_key).await, placed);
    assert_eq!(ids(&shop.admin, &format!("user_id={both}&key={keyed}")).await, "", "the key of another user");
    shop.another_user()
        .await
        .get(Kind::Payment, &format!("/orders?{by_key}"))
        .await
        .problem(403, "forbidden");
    for (filters, field) in [
        ("key=one", "key"),
        (&*format!("user_id={user}&key="), "key"),
        ("sku=mug", "sku"),
        ("created_from=yesterday", "created_from"),
        ("created_from=2026-01-02T00:00:00Z&created_to=2026-01-02T00:00:00Z", "created_to"),
    ] {
        let answer = shop.user.get(Kind::Payment, &format!("/orders?{filters}")).await;
        assert_eq!(answer.invalid_fields(), [field], "{filters}");
    }

    let found = shop.user.all(Kind::Inventory, "/products?q=a%20m", 10).await;
    assert_eq!(found.iter().map(|product| &product["sku"]).collect::<Vec<_>>(), [&json!("MUG")]);
    assert_eq!(shop.user.all(Kind::Inventory, "/products?q=c", 1).await.len(), 1);
    for filters in ["q=", "q=%20", "q=a&sku=MUG"] {
        let answer = shop.user.get(Kind::Inventory, &format!("/products?{filters}")).await;
        assert_eq!(answer.invalid_fields(), ["q"], "{filters}");
    }
}
