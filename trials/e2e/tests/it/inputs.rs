use ctl::stack::Kind;
use e2e::{Shop, send};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_cursor_that_no_list_gave_out_is_a_400() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    for (kind, path) in [
        (Kind::Inventory, "/products"),
        (Kind::Inventory, "/products/MUG/movements"),
        (Kind::Inventory, "/ops/dead-letters"),
        (Kind::Payment, "/orders"),
        (Kind::Payment, "/ops/dead-letters"),
        (Kind::User, "/users"),
    ] {
        // A key that is a NUL, and no Base64.
        for cursor in ["AA", "!!"] {
            let answer = shop.admin.get(kind, &format!("{path}?cursor={cursor}")).await;
            assert_eq!(answer.invalid_fields(), ["cursor"], "{path}?cursor={cursor}");
        }
    }
}

#[tokio::test]
async fn a_header_that_decides_is_refused_when_it_comes_twice() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    let twice = shop.user.request(Method::GET, Kind::Payment, "/orders").bearer_auth(shop.admin.token());
    assert_eq!(send(twice).await.expect("an answer").invalid_fields(), ["Authorization"]);
    let order = json!({"items": [{"sku": "MUG", "quantity": 1}]});
    let order = shop.user.request(Method::POST, Kind::Payment, "/orders").json(&order);
    let twice = order.header("Idempotency-Key", "one").header("Idempotency-Key", "two");
    assert_eq!(send(twice).await.expect("an answer").invalid_fields(), ["Idempotency-Key"]);
    assert_eq!(shop.available("MUG").await, 1);
}
