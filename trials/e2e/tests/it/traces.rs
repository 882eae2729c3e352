use ctl::stack::{Kind, StackOptions};

use e2e::{Collector, Order, SOON, Shop, Span, eventually, first, key};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const UNSAMPLED: &str = "1bf7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

/// Traces requests with a client's trace context only, and disables republishing.
fn sending_to(url: &str) -> impl FnOnce(StackOptions) -> StackOptions {
    move |options| {
        Kind::ALL.into_iter().fold(options, |options, kind| {
            let settings = [("OTLP_ENDPOINT", url), ("TRACE_SAMPLE_RATIO", "0"), ("RESEND_AFTER", "1h")];
            settings.into_iter().fold(options, |options, (name, value)| options.with_env(kind, name, value))
        })
    }
}

/// Returns the id.
async fn order(shop: &Shop, trace: &str, flags: &str) -> String {
    let key = key();
    let traceparent = format!("00-{trace}-{CLIENT}-{flags}");
    let answer = shop
        .user
        .order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key), ("traceparent", &traceparent)])
        .await;
    let id = answer.expect(202)["id"].as_str().expect("an id").to_owned();
    shop.user.wait_for_end(&id).await;
    id
}

fn one<'a>(spans: &'a [Span], service: &str, name: &str) -> &'a Span {
    let found: Vec<&Span> =
        spans.iter().filter(|span| span.service == service && span.name == name).collect();
    assert!(found.len() == 1, "{} spans `{name}` of {service} among {spans:#?}", found.len());
    found[0]
}

/// Stops the services before the spans are read, because a stop flushes them.
#[tokio::test]
async fn an_order_is_one_trace_across_payment_and_inventory_and_the_end_of_a_service_sends_its_last_spans() {
    let collector = Collector::start().await;
    let shop = Shop::open_with(sending_to(&collector.url())).await;
    shop.product("MUG", 10).await;
    order(&shop, UNSAMPLED, "00").await;
    let id = order(&shop, TRACE, "01").await;
    for kind in [Kind::Payment, Kind::Inventory] {
        assert!(shop.stack.terminate(first(kind)).await.expect("it ran").success());
    }

    let spans = collector.spans();

    assert!(spans.iter().all(|span| span.trace == TRACE && !span.failed), "{spans:#?}");
    let request = one(&spans, "payment", "POST /orders");
    let charge = one(&spans, "payment", "charge order");
    let taken = one(&spans, "inventory", "process order_completed");
    let told = one(&spans, "payment", "process stock_reserved");
    assert_eq!((request.kind, request.parent.as_str()), (2, CLIENT));
    assert_eq!((charge.kind, &charge.parent), (1, &request.id));
    assert_eq!((taken.kind, &taken.parent), (5, &charge.id));
    assert_eq!((told.kind, &told.parent), (5, &taken.id));
    for (service, name, parent) in
        [("payment", "publish order_completed", charge), ("inventory", "publish stock_reserved", taken)]
    {
        let publication = one(&spans, service, name);
        assert_eq!((publication.kind, &publication.parent), (4, &parent.id), "{name}");
    }
    assert_eq!(spans.len(), 6, "{spans:#?}");

    assert_eq!(
        (request.attributes["http.route"].as_str(), request.attributes["http.response.status_code"].as_str()),
        ("/orders", "202")
    );
    assert_eq!(
        (&charge.attributes["orderflow.order_id"], &taken.attributes["messaging.message.conversation_id"]),
        (&id, &id)
    );
    assert_eq!(
        (taken.attributes["orderflow.deliveries"].as_str(), taken.attributes["orderflow.outcome"].as_str()),
        ("1", "done")
    );
    let entries: Vec<(String, std::collections::HashMap<String, String>)> =
        shop.redis_command(&["XRANGE", "order_completed", "-", "+"]).await;
    let events = entries.iter().map(|(_, fields)| serde_json::from_str(&fields["event"]).expect("JSON"));
    let event: serde_json::Value = events
        .into_iter()
        .find(|event: &serde_json::Value| event["correlationid"] == id)
        .expect("the event of the order");
    assert_eq!(event["traceparent"], format!("00-{TRACE}-{}-01", charge.id));
    assert_eq!(event["id"], taken.attributes["messaging.message.id"]);
}

#[tokio::test]
async fn a_collector_that_was_busy_gets_the_same_spans_later() {
    let collector = Collector::start().await;
    let shop = Shop::open_with(sending_to(&collector.url())).await;
    shop.product("MUG", 10).await;
    collector.is_busy(2);
    order(&shop, TRACE, "01").await;
    let look = async || {
        let spans = collector.spans();
        if spans.len() == 6 { Ok(()) } else { Err(spans) }
    };
    eventually("all spans have come", SOON, look).await;
    assert_eq!(collector.busy_left(), 0);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_its_spans_and_a_line_in_the_log_and_nothing_else() {
    // Port 9 (discard) is closed.
    let shop = Shop::open_with(sending_to("http://127.0.0.1:9")).await;
    shop.product("MUG", 10).await;
    for _ in 0..2 {
        order(&shop, TRACE, "01").await;
    }
    assert!(shop.stack.terminate(first(Kind::Payment)).await.expect("it ran").success());
    let output = shop.stack.service(first(Kind::Payment)).expect("it ran").output();
    let warnings = output.lines(|line| line.contains("spans cannot be sent"));
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
}
