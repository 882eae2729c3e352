use ctl::stack::{Kind, ServiceId};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use e2e::{Metrics, Order, SOON, Shop, eventually, first, key};

const PAYMENT: ServiceId = ServiceId { kind: Kind::Payment, instance: 1 };

/// Items and transactions of all writers.
fn committed(metrics: &Metrics) -> (f64, f64) {
    let sum = |suffix| metrics.sum(&format!("orderflow_group_commit_batch_size_{suffix}"), &[]);
    (sum("sum"), sum("count"))
}

#[tokio::test]
async fn sixty_four_connections_share_transactions() {
    let shop = Shop::open().await;
    shop.product("MUG", 1_000_000).await;
    let order = Order::of("MUG", 1);
    let one = async |_| {
        let answer = shop.user.order_with(&order, &[("Idempotency-Key", &key())]).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    };
    let before = committed(&shop.metrics(PAYMENT).await);
    stream::iter(0..640).map(one).buffer_unordered(64).collect::<Vec<()>>().await;
    let metrics = shop.metrics(PAYMENT).await;
    let (items, transactions) = {
        let after = committed(&metrics);
        (after.0 - before.0, after.1 - before.1)
    };
    assert!(items >= 640.0, "every order goes through the group commit: {items}");
    assert!(items / transactions > 1.5, "{items} items in {transactions} transactions\n{}", metrics.text());
    // The histogram separates transactions with more than one item.
    let alone = metrics.sum("orderflow_group_commit_batch_size_bucket", &["le=\"1\""]);
    let all = metrics.sum("orderflow_group_commit_batch_size_bucket", &["le=\"+Inf\""]);
    assert!(all > alone, "{alone} of {all} transactions held one item");
    shop.user.wait_for_all_ends(640).await;
}

#[tokio::test]
async fn an_order_shows_in_the_metrics_of_the_contract() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    for method in ["tok_ok", "tok_declined"] {
        let id = shop.user.order(&Order::of("MUG", 1).paid_by(method)).await;
        shop.user.wait_for_end(&id).await;
    }
    shop.quiet().await;
    let payment = shop.metrics(PAYMENT).await;
    for (status, count) in [("pending", 2.0), ("completed", 1.0), ("confirmed", 1.0), ("declined", 1.0)] {
        assert_eq!(
            payment.sum("orderflow_orders_total", &[&format!("status=\"{status}\"")]),
            count,
            "{status}\n{}",
            payment.text()
        );
    }
    let route = ["route=\"/orders\"", "method=\"POST\"", "status=\"202\""];
    assert_eq!(
        payment.sum("orderflow_http_request_duration_seconds_count", &route),
        2.0,
        "{}",
        payment.text()
    );
    assert!(payment.sum("orderflow_token_cache_total", &["outcome=\"hit\""]) > 0.0);
    // The gauges are set once a second.
    let probed = async || {
        let metrics = shop.metrics(first(Kind::Inventory)).await;
        if metrics.sum("orderflow_db_pool_size", &[]) > 0.0 { Ok(metrics) } else { Err(metrics) }
    };
    let inventory = eventually("the pool shows", SOON, probed).await;
    let done = ["stream=\"order_completed\"", "group=\"inventory-group\"", "outcome=\"done\""];
    assert_eq!(inventory.sum("orderflow_stream_messages_total", &done), 1.0, "{}", inventory.text());
    for name in
        ["orderflow_stream_end_to_end_seconds_count", "orderflow_stream_processing_duration_seconds_count"]
    {
        assert!(inventory.sum(name, &[]) > 0.0, "{name}");
    }
    for name in [
        "orderflow_stream_unread",
        "orderflow_stream_pending",
        "orderflow_dead_letters",
        "orderflow_outbox_unconfirmed",
    ] {
        assert!(inventory.text().contains(name), "{name}");
    }
}

#[tokio::test]
async fn streams_actors_and_outbox_are_open_to_an_admin() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&id).await;
    for kind in [Kind::Inventory, Kind::Payment] {
        let mut expected: Vec<&str> = events::consumed_by(kind.name()).map(|route| route.stream).collect();
        expected.sort_unstable();
        let streams = shop.admin.get(kind, "/ops/streams").await.expect(200);
        let mut names: Vec<&str> = streams["streams"]
            .as_array()
            .expect("streams")
            .iter()
            .filter_map(|stream| stream["stream"].as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        assert!(
            streams["streams"]
                .as_array()
                .expect("streams")
                .iter()
                .all(|stream| stream["group"] == format!("{kind}-group"))
        );
        let actors = shop.admin.get(kind, "/ops/actors").await.expect(200);
        let running = |actor: &Value| actor["state"] == "running" && actor["restarts"] == 0;
        assert!(
            actors["actors"].as_array().is_some_and(|actors| actors.len() >= 4 && actors.iter().all(running)),
            "{actors}"
        );
        let metrics = shop.admin.get(kind, "/ops/metrics").await;
        assert_eq!((metrics.status, metrics.header("content-type")), (200, "text/plain; version=0.0.4"));
        assert!(metrics.text().contains("# TYPE orderflow_stream_end_to_end_seconds histogram"));
        shop.admin.get(kind, "/ops/dead-letters?stream=nonsense").await.problem(400, "invalid-request");
        shop.admin.get(kind, "/ops/dead-letters/order_completed.dead~0-1").await.problem(404, "not-found");
    }
    let drained = async || {
        let outbox = shop.admin.get(Kind::Payment, "/ops/outbox").await.expect(200);
        if outbox["unconfirmed"] == 0 { Ok(()) } else { Err(outbox) }
    };
    eventually("the event is confirmed", SOON, drained).await;
}

#[tokio::test]
async fn a_message_nobody_can_read_is_shown_and_can_be_discarded() {
    let shop = Shop::open().await;
    shop.redis_command::<String>(&[
        "XADD",
        "order_completed",
        "*",
        "id",
        &key(),
        "type",
        "shop.order.completed.v9",
        "hello",
        "world",
    ])
    .await;
    let look = async || {
        let letters = shop.admin.all(Kind::Inventory, "/ops/dead-letters", 10).await;
        if letters.len() == 1 { Ok(letters[0].clone()) } else { Err(letters) }
    };
    let letter = eventually("the dead letter is there", SOON, look).await;
    assert_eq!(
        (&letter["reason"], &letter["event"]["hello"]),
        (&json!("unreadable"), &json!("world")),
        "{letter}"
    );
    let path = format!("/ops/dead-letters/{}", letter["id"].as_str().expect("an id"));
    assert_eq!(shop.admin.get(Kind::Inventory, &path).await.expect(200), letter);
    let discard = async |body: Value| {
        let request = shop.admin.request(reqwest::Method::DELETE, Kind::Inventory, &path);
        e2e::send(request.json(&body)).await.expect("an answer")
    };
    assert_eq!(discard(json!({"reason": " "})).await.invalid_fields(), ["/reason"]);
    discard(json!({"reason": "a test"})).await.expect(204);
    shop.admin.get(Kind::Inventory, &path).await.problem(404, "not-found");
}

#[tokio::test]
async fn every_service_describes_itself_without_a_network() {
    let shop = Shop::open().await;
    for kind in Kind::ALL {
        let openapi = shop.user.anonymous().get(kind, "/openapi.json").await.expect(200);
        assert!(
            openapi["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
            "{}",
            openapi["openapi"]
        );
        assert!(openapi["paths"]["/ops/streams"].is_object());
        assert!(openapi["components"]["securitySchemes"]["bearer"].is_object());
        let page = shop.user.anonymous().get(kind, "/docs/").await;
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("https://"), "the page loads nothing from elsewhere: {}", page.text());
    }
}
