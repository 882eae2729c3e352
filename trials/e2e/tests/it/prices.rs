use ctl::stack::{Kind, StackOptions};
use reqwest::Method;
use serde_json::{Value, json};

use e2e::{Client, HttpResponse, Order, SOON, Shop, eventually, first, key, send};

async fn place(client: &Client, order: &Order) -> HttpResponse {
    client.order_with(order, &[("Idempotency-Key", &key())]).await
}

async fn unit_price(client: &Client) -> Value {
    let id = client.order(&Order::of("MUG", 1)).await;
    client.show(&id).await["items"][0]["unit_price"]["amount"].clone()
}

async fn is_charged(client: &Client, price: i64) {
    let look = async || {
        let found = unit_price(client).await;
        if found == price { Ok(()) } else { Err(found) }
    };
    eventually("the new price is charged", SOON, look).await;
}

#[tokio::test]
async fn an_order_at_another_total_than_expected_is_not_placed_and_says_what_it_would_cost() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.product("CUP", 10).await;
    let order = Order::lines(&[("MUG", 2), ("CUP", 1)]);
    let key = key();
    let with_key = [("Idempotency-Key", key.as_str())];

    let refused = shop.user.order_with(&order.clone().expecting(2999), &with_key).await;
    let problem = refused.problem(409, "price-changed");
    assert_eq!(problem["total"], json!({"amount": 3000, "currency": "EUR"}));
    assert_eq!(
        problem["items"][0],
        json!({"sku": "MUG", "name": "A MUG", "unit_price": {"amount": 1000, "currency": "EUR"},
               "quantity": 2, "line_total": {"amount": 2000, "currency": "EUR"}})
    );
    assert_eq!(
        (&problem["items"][1]["sku"], problem["items"].as_array().map(Vec::len)),
        (&json!("CUP"), Some(2))
    );

    // Nothing was stored under the key.
    let agreed = order.clone().expecting(3000);
    let placed = shop.user.order_with(&agreed, &with_key).await;
    placed.expect(202);
    shop.reprice("MUG", 1500).await;
    is_charged(&shop.user, 1500).await;
    let again = shop.user.order_with(&agreed, &with_key).await;
    assert_eq!((again.expect(202), again.header("idempotency-replayed")), (placed.json(), "true"));
    for other in [order.clone().expecting(2999), order.clone()] {
        shop.user.order_with(&other, &with_key).await.problem(422, "idempotency-key-reused");
    }
}

#[tokio::test]
async fn an_expected_total_is_money() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let ask = async |total: Value| {
        let body = json!({"items": [{"sku": "MUG", "quantity": 1}], "expected_total": total});
        let request =
            shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", key());
        send(request.json(&body)).await.expect("an answer")
    };
    for (total, fields) in [
        (json!({"amount": 0, "currency": "EUR"}), vec!["/expected_total/amount"]),
        (json!({"amount": 1000, "currency": "eur"}), vec!["/expected_total/currency"]),
        (json!({"amount": 1000}), vec!["/expected_total/currency"]),
        (json!({"amount": 10.5, "currency": "EUR"}), vec!["/expected_total/amount"]),
        (json!({"amount": 1000, "currency": "EUR", "tax": 0}), vec!["/expected_total/tax"]),
    ] {
        assert_eq!(ask(total).await.invalid_fields(), fields);
    }
    ask(json!({"amount": 1000, "currency": "USD"})).await.problem(409, "price-changed");
    ask(Value::Null).await.expect(202);
}

/// Nothing but the order itself brings the new price.
fn without_news(options: StackOptions) -> StackOptions {
    options.with_env(Kind::Payment, "CATALOGUE_COMPARE_INTERVAL", "1h")
}

#[tokio::test]
async fn a_customer_who_knows_the_new_price_before_payment_does_gets_it() {
    let mut shop = Shop::open_with(without_news).await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    shop.reprice("MUG", 1500).await;
    // Inventory may answer payment too late on a busy machine.
    let taken = async || {
        let answer = place(&shop.user, &Order::of("MUG", 2).expecting(3000)).await;
        if answer.status == 409 { Err(answer.text()) } else { Ok(answer) }
    };
    let placed = eventually("payment asks for the price", SOON, taken).await.expect(202);
    assert_eq!(placed["total"]["amount"], 3000);
    place(&shop.user, &Order::of("MUG", 2).expecting(2000)).await.problem(409, "price-changed");

    shop.stack.kill9(first(Kind::Inventory)).await.expect("it ran");
    let refused = place(&shop.user, &Order::of("MUG", 1).expecting(1000)).await;
    assert_eq!(refused.problem(409, "price-changed")["total"]["amount"], 1500);
    place(&shop.user, &Order::of("MUG", 1).expecting(1500)).await.expect(202);
}

#[tokio::test]
async fn a_price_that_changes_while_redis_is_away_is_charged_by_every_instance() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 1000).await;
    let second = shop.stack.start_service_with(Kind::Payment, &[("CONSUMER_NAME", "second")]).await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));
    let there = shop.user.at(Kind::Payment, shop.stack.service(second).expect("it runs").url());
    shop.redis().stop().await;
    assert_eq!((unit_price(&shop.user).await, unit_price(&there).await), (json!(1000), json!(1000)));

    shop.reprice("MUG", 1500).await;
    for client in [&shop.user, &there] {
        is_charged(client, 1500).await;
    }
    shop.remove("MUG").await;
    for client in [&shop.user, &there] {
        let gone = async || {
            let answer = place(client, &Order::of("MUG", 1)).await;
            if answer.status == 404 { Ok(answer) } else { Err(answer.text()) }
        };
        eventually("the product is gone", SOON, gone).await.problem(404, "unknown-product");
    }
}

#[tokio::test]
async fn orders_are_taken_at_known_prices_while_neither_redis_nor_inventory_answers() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    shop.reprice("MUG", 1500).await;
    is_charged(&shop.user, 1500).await;
    shop.stack.kill9(first(Kind::Inventory)).await.expect("it ran");
    assert_eq!(unit_price(&shop.user).await, 1500);
    shop.stack.restart(first(Kind::Inventory)).await.expect("a restart");
    shop.reprice("MUG", 1700).await;
    is_charged(&shop.user, 1700).await;
}
