use std::time::{Duration, Instant};

use ctl::stack::Kind;
use serde_json::{Value, json};

use e2e::{Order, Shop, key, with_settings};
use events::{Envelope, FIELD};

/// Numbered from 1, along the state machine.
fn assert_legal(timeline: &[Value], statuses: &[&str]) {
    let found: Vec<&str> = timeline.iter().map(|step| step["status"].as_str().expect("a status")).collect();
    assert_eq!(found, statuses);
    for (index, step) in timeline.iter().enumerate() {
        assert_eq!(step["version"], index + 1, "{timeline:?}");
        assert!(step["cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{step}");
        step["at"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
    }
    let times: Vec<&str> = timeline.iter().filter_map(|step| step["at"].as_str()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn an_order_of_something_in_stock_ends_confirmed() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 3)).await;

    let order = shop.user.wait_for_end(&id).await;

    assert_eq!(order["status"], "confirmed", "{order}");
    assert_eq!(order["total"], json!({"amount": 3000, "currency": "EUR"}));
    let ten = json!({"amount": 1000, "currency": "EUR"});
    assert_eq!(
        order["items"],
        json!([{"sku": "MUG", "name": "A MUG", "unit_price": ten, "quantity": 3, "line_total": order["total"]}])
    );
    assert_eq!(order["payment"]["method"], "tok_ok");
    assert!(order["payment"]["charge_id"].is_string() && order["payment"]["refund_id"].is_null(), "{order}");
    assert_eq!(shop.available("MUG").await, 7);
    let timeline = shop.user.timeline(&id).await;
    assert_legal(&timeline, &["pending", "completed", "confirmed"]);
    assert_eq!(order["version"], timeline.len());
    shop.assert_stock_adds_up("MUG", 10).await;
    shop.quiet().await;
}

#[tokio::test]
async fn an_order_of_something_sold_out_ends_refunded() {
    let shop = Shop::open().await;
    shop.product("RARE", 2).await;
    let id = shop.user.order(&Order::of("RARE", 3)).await;
    let order = shop.user.wait_for_end(&id).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("refunded"), &json!("insufficient-stock")));
    assert!(
        order["payment"]["charge_id"].is_string() && order["payment"]["refund_id"].is_string(),
        "{order}"
    );
    assert_legal(&shop.user.timeline(&id).await, &["pending", "completed", "refunded"]);
    assert_eq!(shop.available("RARE").await, 2);
    shop.assert_money_adds_up().await;
    shop.quiet().await;
}

#[tokio::test]
async fn a_declined_order_takes_neither_money_nor_stock() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    for (method, reason) in [("tok_declined", "declined"), ("tok_insufficient_funds", "insufficient-funds")] {
        let id = shop.user.order(&Order::of("MUG", 1).paid_by(method)).await;
        let order = shop.user.wait_for_end(&id).await;
        assert_eq!((&order["status"], &order["reason"]), (&json!("declined"), &json!(reason)), "{method}");
        assert!(order["payment"]["charge_id"].is_null(), "{order}");
        assert_legal(&shop.user.timeline(&id).await, &["pending", "declined"]);
    }
    assert_eq!(shop.available("MUG").await, 10);
    assert_eq!(shop.number(Kind::Payment, "SELECT count(*) FROM provider.charges").await, 0);
}

#[tokio::test]
async fn a_provider_that_answers_too_late_or_fails_at_random_charges_once() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    for method in ["tok_timeout", "tok_flaky"].repeat(8) {
        shop.user.order(&Order::of("MUG", 1).paid_by(method)).await;
    }
    assert_eq!(shop.user.wait_for_all_ends(16).await, [("confirmed".to_owned(), 16)].into());
    shop.assert_money_adds_up().await;
    shop.assert_stock_adds_up("MUG", 100).await;
}

#[tokio::test]
async fn an_order_of_several_lines_takes_all_of_them_or_none() {
    let shop = Shop::open().await;
    for (sku, stock) in [("MUG", 10), ("POSTER", 10), ("LAMP", 1)] {
        shop.product(sku, stock).await;
    }
    let short = shop.user.order(&Order::lines(&[("MUG", 2), ("LAMP", 2), ("POSTER", 1)])).await;
    assert_eq!(shop.user.wait_for_end(&short).await["status"], "refunded");
    assert_eq!(
        (shop.available("MUG").await, shop.available("POSTER").await, shop.available("LAMP").await),
        (10, 10, 1)
    );
    let whole = shop.user.order(&Order::lines(&[("MUG", 2), ("LAMP", 1), ("POSTER", 1)])).await;
    assert_eq!(shop.user.wait_for_end(&whole).await["status"], "confirmed");
    assert_eq!(
        (shop.available("MUG").await, shop.available("POSTER").await, shop.available("LAMP").await),
        (8, 9, 0)
    );
    for (sku, stock) in [("MUG", 10), ("POSTER", 10), ("LAMP", 1)] {
        shop.assert_stock_adds_up(sku, stock).await;
    }
}

#[tokio::test]
async fn two_hundred_orders_at_once_of_a_stock_of_one_hundred_sell_exactly_one_hundred() {
    let shop = Shop::open().await;
    shop.product("RARE", 100).await;
    shop.user.place_many_until_accepted(&Order::of("RARE", 1), 200, || {}).await;
    let ends = shop.user.wait_for_all_ends(200).await;
    assert_eq!(ends, [("confirmed".to_owned(), 100), ("refunded".to_owned(), 100)].into());
    assert_eq!(shop.available("RARE").await, 0);
    shop.assert_stock_adds_up("RARE", 100).await;
    shop.assert_money_adds_up().await;
}

#[tokio::test]
async fn who_prefers_to_wait_gets_the_order_at_its_end() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let key = key();
    let headers = [("Idempotency-Key", key.as_str()), ("Prefer", "wait=30")];
    let answer = shop.user.order_with(&Order::of("MUG", 1), &headers).await;
    let order = answer.expect(201);
    assert_eq!(order["status"], "confirmed");
    let again = shop.user.order_with(&Order::of("MUG", 1), &headers).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.text(), answer.text());
}

#[tokio::test]
async fn a_long_poll_is_answered_as_soon_as_the_order_has_moved() {
    let slow = [("PROVIDER_LATENCY", "250ms"), ("PROVIDER_TIMEOUT", "30s")];
    let shop = Shop::open_with(|options| with_settings(options, Kind::Payment, &slow)).await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let mut version = 0;
    let mut seen = Vec::new();
    let started = Instant::now();
    while !seen.iter().any(|status| status == "confirmed") {
        let order = shop
            .user
            .get(Kind::Payment, &format!("/orders/{id}?wait=30&after_version={version}"))
            .await
            .expect(200);
        let next = order["version"].as_i64().expect("a version");
        assert!(next > version, "answered before it moved past {version}: {order}");
        version = next;
        seen.push(order["status"].as_str().expect("a status").to_owned());
    }
    assert!(started.elapsed() < Duration::from_secs(25), "it waited for the whole time: {seen:?}");

    let past = Instant::now();
    let order = shop
        .user
        .get(Kind::Payment, &format!("/orders/{id}?wait=1&after_version={version}"))
        .await
        .expect(200);
    assert_eq!(order["version"], version, "nothing comes after the end");
    assert!(past.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_order_of_unknown_products_is_refused_and_names_each() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let key = key();
    let answer = shop
        .user
        .order_with(&Order::lines(&[("MUG", 1), ("GHOST", 1), ("SPECTRE", 1)]), &[("Idempotency-Key", &key)])
        .await;
    let problem = answer.problem(404, "unknown-product").to_string();
    assert!(
        problem.contains("GHOST") && problem.contains("SPECTRE") && !problem.contains("MUG"),
        "{problem}"
    );
    // The key is still free for the corrected order.
    shop.user.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key)]).await.expect(202);
}

#[tokio::test]
async fn a_trace_the_request_id_and_the_order_id_travel_with_the_events() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let key = key();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let answer = shop
        .user
        .order_with(
            &Order::of("MUG", 1),
            &[("Idempotency-Key", &key), ("traceparent", &traceparent), ("X-Request-Id", "request-7")],
        )
        .await;
    let id = answer.expect(202)["id"].as_str().expect("an id").to_owned();
    shop.user.wait_for_end(&id).await;
    let path = format!("/orders/{id}/timeline");
    assert_eq!(shop.admin.get(Kind::Payment, &path).await.expect(200)["trace_id"], trace);
    assert_eq!(shop.user.get(Kind::Payment, &path).await.expect(200).get("trace_id"), None);
    let mut cause = None;
    for stream in ["order_completed", "stock_reserved"] {
        let entries: Vec<(String, std::collections::HashMap<String, String>)> =
            shop.redis_command(&["XRANGE", stream, "-", "+"]).await;
        let mut events =
            entries.iter().map(|(_, fields)| Envelope::from_json(&fields[FIELD]).expect("an event"));
        let event = events.find(|event| event.correlation_id == id).expect("the event of the order");
        assert_eq!(event.traceparent.split('-').nth(1), Some(trace), "{event:?}");
        assert_eq!(event.request_id.as_deref(), Some("request-7"), "{event:?}");
        assert_eq!(event.causation_id, cause, "{event:?}");
        cause = Some(event.id);
    }
}
