use std::collections::HashMap;

use ctl::stack::Kind;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use e2e::{Order, SOON, Shop, eventually, key, send};

#[tokio::test]
async fn the_same_key_fifty_times_at_once_makes_one_order_and_identical_answers() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let order = Order::of("MUG", 1);
    let key = key();
    let headers = [("Idempotency-Key", key.as_str())];
    let answers = join_all((0..50).map(|_| shop.user.order_with(&order, &headers))).await;
    // A request during the first one may get 409.
    let mut bodies = Vec::new();
    for answer in answers {
        if answer.status == 409 {
            assert!(!answer.header("retry-after").is_empty());
            continue;
        }
        assert_eq!(answer.status, 202, "{}", answer.text());
        bodies.push((answer.header("idempotency-replayed").to_owned(), answer.text()));
    }
    let first = bodies.iter().filter(|(replayed, _)| replayed.is_empty()).count();
    assert_eq!(first, 1, "one of them is no replay");
    assert!(bodies.iter().all(|(_, body)| *body == bodies[0].1), "{bodies:?}");

    assert_eq!(shop.user.wait_for_all_ends(1).await, [("confirmed".to_owned(), 1)].into());
    let late = shop.user.order_with(&order, &headers).await;
    assert_eq!((late.status, late.text()), (202, bodies[0].1.clone()), "the same answer after its end");
    shop.assert_stock_adds_up("MUG", 100).await;
    shop.assert_money_adds_up().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_body_of_one_user() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let key = key();
    let headers = [("Idempotency-Key", key.as_str())];
    let first = shop.user.order_with(&Order::of("MUG", 1), &headers).await.expect(202);
    shop.user.order_with(&Order::of("MUG", 2), &headers).await.problem(422, "idempotency-key-reused");
    shop.user
        .order_with(&Order::of("MUG", 1).paid_by("tok_declined"), &headers)
        .await
        .problem(422, "idempotency-key-reused");
    let other = shop.another_user().await;
    let theirs = other.order_with(&Order::of("MUG", 2), &headers).await.expect(202);
    assert_ne!(first["id"], theirs["id"]);
}

#[tokio::test]
async fn an_order_without_a_usable_key_is_refused() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let order = Order::of("MUG", 1);
    assert_eq!(shop.user.order_with(&order, &[]).await.invalid_fields(), ["Idempotency-Key"]);
    let empty = String::new();
    let long = "k".repeat(256);
    for key in [empty, long] {
        assert_eq!(
            shop.user.order_with(&order, &[("Idempotency-Key", &key)]).await.invalid_fields(),
            ["Idempotency-Key"]
        );
    }
    shop.user.order_with(&order, &[("Idempotency-Key", &"k".repeat(255))]).await.expect(202);
}

#[tokio::test]
async fn a_redelivered_event_has_no_second_effect() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.product("RARE", 0).await;
    for sku in ["MUG", "RARE"] {
        let id = shop.user.order(&Order::of(sku, 1)).await;
        shop.user.wait_for_end(&id).await;
    }
    shop.quiet().await;
    for stream in ["order_completed", "stock_reserved", "refund_order", "product_changed"] {
        let entries: Vec<(String, HashMap<String, String>)> =
            shop.redis_command(&["XRANGE", stream, "-", "+"]).await;
        assert!(!entries.is_empty(), "{stream}");
        for (_, fields) in entries {
            let mut add = vec!["XADD", stream, "*"];
            fields.iter().for_each(|(field, value)| add.extend([field.as_str(), value.as_str()]));
            shop.redis_command::<String>(&add).await;
        }
    }
    shop.quiet().await;
    assert_eq!(shop.available("MUG").await, 9);
    assert_eq!(
        shop.number(Kind::Inventory, "SELECT count(*) FROM stock_ledger WHERE order_id IS NOT NULL").await,
        1
    );
    shop.assert_stock_adds_up("MUG", 10).await;
    shop.assert_money_adds_up().await;
    for order in shop.user.all(Kind::Payment, "/orders", 10).await {
        assert_eq!(order["version"], 3, "no further transition: {order}");
    }
}

#[tokio::test]
async fn the_same_order_in_a_new_event_is_answered_and_takes_no_stock_again() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 4)).await;
    shop.user.wait_for_end(&id).await;
    let entries: Vec<(String, HashMap<String, String>)> =
        shop.redis_command(&["XRANGE", "order_completed", "-", "+"]).await;
    let mut event: serde_json::Value = serde_json::from_str(&entries[0].1["event"]).expect("JSON");
    event["id"] = key().into();
    shop.redis_command::<String>(&["XADD", "order_completed", "*", "event", &event.to_string()]).await;
    shop.quiet().await;
    assert_eq!(shop.available("MUG").await, 6);
    assert_eq!(shop.user.show(&id).await["version"], 3);
}

#[tokio::test]
async fn stock_is_adjusted_once_under_a_key_and_never_below_zero() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let adjust = async |key: &str, delta: i64| {
        let request = shop
            .admin
            .request(Method::POST, Kind::Inventory, "/products/MUG/stock")
            .header("Idempotency-Key", key);
        send(request.json(&json!({"delta": delta, "reason": "counted"}))).await.expect("an answer")
    };
    let key = key();
    let first = adjust(&key, 5).await;
    first.expect(200);
    let second = adjust(&key, 5).await;
    assert_eq!((second.status, second.text()), (200, first.text()));
    adjust(&key, 6).await.problem(422, "idempotency-key-reused");
    assert_eq!(shop.available("MUG").await, 15);
    adjust(&e2e::key(), -16).await.problem(409, "insufficient-stock");
    adjust(&e2e::key(), -15).await.expect(200);
    assert_eq!(shop.available("MUG").await, 0);
    let ledger = async || {
        let movements = shop.admin.all(Kind::Inventory, "/products/MUG/movements", 2).await;
        let mut deltas: Vec<i64> =
            movements.iter().filter_map(|movement| movement["delta"].as_i64()).collect();
        deltas.sort_unstable();
        if deltas == [-15, 5, 10] { Ok(()) } else { Err(movements) }
    };
    eventually("the ledger has every movement", SOON, ledger).await;
}
