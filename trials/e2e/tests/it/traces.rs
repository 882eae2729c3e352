//! Spans, read by a receiver that OpenTelemetry's own messages for Python decode.

use std::collections::BTreeMap;

use ctl::stack::{Kind, StackOptions};
use reqwest::Method;

use e2e::{Collector, Order, SOON, Shop, Span, eventually, first, key, send, with_settings};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const UNSAMPLED: &str = "1bf7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";
const STATE: &str = "congo=t61rcWkgMzE,rojo=00f0";

/// Of an order from payment over inventory and back.
const SPANS_OF_AN_ORDER: usize = 8;

fn with(settings: &[(&str, &str)]) -> impl FnOnce(StackOptions) -> StackOptions {
    move |options| {
        Kind::ALL.into_iter().fold(options, |options, kind| {
            settings.iter().fold(options, |options, (name, value)| options.with_env(kind, name, value))
        })
    }
}

/// Traces requests with a client's trace context only; nothing is published or charged again.
async fn shop_sending_to(url: &str) -> Shop {
    let settings = [("OTLP_ENDPOINT", url), ("TRACE_SAMPLE_RATIO", "0"), ("RESEND_AFTER", "1h")];
    // One charge, however long it takes.
    let once = [("PROVIDER_TIMEOUT", "60s"), ("RECONCILE_AFTER", "1h")];
    let change = |options| with_settings(with(&settings)(options), Kind::Payment, &once);
    let shop = Shop::open_with(change).await;
    shop.product("MUG", 10_000).await;
    shop
}

/// Returns the id.
async fn order(shop: &Shop, trace: &str, flags: &str) -> String {
    let key = key();
    let traceparent = format!("00-{trace}-{CLIENT}-{flags}");
    let headers = [("Idempotency-Key", &*key), ("traceparent", &*traceparent), ("tracestate", STATE)];
    let answer = shop.user.order_with(&Order::of("MUG", 1), &headers).await;
    let id = answer.expect(202)["id"].as_str().expect("an id").to_owned();
    shop.user.wait_for_end(&id).await;
    id
}

async fn received(collector: &Collector, what: &str, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
    let look = async || {
        let spans = collector.spans();
        if enough(&spans) { Ok(spans) } else { Err(spans) }
    };
    eventually(what, SOON, look).await
}

fn one<'a>(spans: &'a [Span], service: &str, name: &str) -> &'a Span {
    let found: Vec<&Span> =
        spans.iter().filter(|span| span.service == service && span.name == name).collect();
    assert!(found.len() == 1, "{} spans `{name}` of {service} among {spans:#?}", found.len());
    found[0]
}

fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    span.attributes.get(name).map(String::as_str)
}

/// Stops the services before the spans are read, because a stop flushes them.
#[tokio::test]
async fn an_order_is_one_trace_across_payment_and_inventory_and_the_end_of_a_service_sends_its_last_spans() {
    let collector = Collector::start();
    let shop = shop_sending_to(&collector.url()).await;
    order(&shop, UNSAMPLED, "00").await;
    let id = order(&shop, TRACE, "01").await;
    for kind in [Kind::Payment, Kind::Inventory] {
        assert!(shop.stack.terminate(first(kind)).await.expect("it ran").success());
    }
    let spans = received(&collector, "all spans", |spans| spans.len() >= SPANS_OF_AN_ORDER).await;
    assert!(
        spans.iter().all(|span| span.trace == TRACE && span.state == STATE && !span.failed && span.in_order),
        "{spans:#?}"
    );

    // Each is the child of the one before.
    let way = [
        ("payment", "POST /orders", 2),
        ("payment", "charge order", 1),
        ("payment", "publish order_completed", 4),
        ("inventory", "process order_completed", 5),
        ("inventory", "publish stock_reserved", 4),
        ("payment", "process stock_reserved", 5),
    ];
    let mut parent = CLIENT;
    for (service, name, kind) in way {
        let span = one(&spans, service, name);
        assert_eq!((span.kind, span.parent.as_str()), (kind, parent), "{name}: {spans:#?}");
        parent = &span.id;
    }
    for (service, name, cause) in [
        ("payment", "commit place-orders", "POST /orders"),
        ("inventory", "commit stock", "process order_completed"),
    ] {
        let (commit, cause) = (one(&spans, service, name), one(&spans, service, cause));
        assert_eq!((commit.kind, &commit.parent), (3, &cause.id), "{name}");
        assert_eq!(attribute(commit, "db.system.name"), Some("postgresql"));
        assert_eq!(attribute(commit, "db.operation.name"), Some("COMMIT"));
    }
    assert_eq!(spans.len(), SPANS_OF_AN_ORDER, "{spans:#?}");

    let charge = one(&spans, "payment", "charge order");
    assert_eq!(attribute(charge, "orderflow.order_id"), Some(&*id));
    let (publish, process) = (
        one(&spans, "payment", "publish order_completed"),
        one(&spans, "inventory", "process order_completed"),
    );
    for (span, operation, kind) in [(publish, "publish", "send"), (process, "process", "process")] {
        for (name, value) in [
            ("messaging.system", "redis"),
            ("messaging.operation.name", operation),
            ("messaging.operation.type", kind),
            ("messaging.destination.name", "order_completed"),
            ("messaging.message.conversation_id", &*id),
        ] {
            assert_eq!(attribute(span, name), Some(value), "{name} of {span:#?}");
        }
    }
    assert_eq!(attribute(process, "messaging.consumer.group.name"), Some("inventory-group"));
    assert_eq!(attribute(process, "orderflow.deliveries"), Some("1"));
    assert_eq!(attribute(process, "orderflow.outcome"), Some("done"));

    let entries: Vec<(String, BTreeMap<String, String>)> =
        shop.redis_command(&["XRANGE", "order_completed", "-", "+"]).await;
    let events = entries.iter().map(|(_, fields)| serde_json::from_str(&fields["event"]).expect("JSON"));
    let event: serde_json::Value = events
        .into_iter()
        .find(|event: &serde_json::Value| event["correlationid"] == id)
        .expect("the event of the order");
    assert_eq!(event["traceparent"], format!("00-{TRACE}-{}-01", publish.id));
    assert_eq!(event["tracestate"], STATE);
    assert_eq!(event["id"].as_str(), attribute(process, "messaging.message.id"));
}

/// Configured as any OpenTelemetry SDK.
#[tokio::test]
async fn a_call_between_two_services_is_one_trace_with_one_request_id() {
    let collector = Collector::start();
    let shop = Shop::open_with(with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=blue,service.namespace=shop"),
    ]))
    .await;
    let key = key();
    let headers = [("Idempotency-Key", &*key), ("X-Request-Id", "request-7"), ("tracestate", STATE)];
    shop.user.order_with(&Order::of("NOWHERE", 1), &headers).await.problem(404, "unknown-product");
    let calls = [
        ("payment", "GET /products", "inventory"),
        ("payment", "POST /oauth/token", "user"),
        ("payment", "GET /.well-known/jwks.json", "user"),
        ("inventory", "GET /.well-known/jwks.json", "user"),
    ];
    let edge = |spans: &[Span], (caller, name, callee): (&str, &str, &str)| {
        let calls = spans.iter().filter(|span| span.service == caller && span.name == name && span.kind == 3);
        let mut pairs = calls.filter_map(|call| {
            let is_answer = |span: &&Span| span.service == callee && span.kind == 2 && span.parent == call.id;
            Some((call.clone(), spans.iter().find(is_answer)?.clone()))
        });
        pairs.next_back()
    };
    let all = |spans: &[Span]| calls.iter().all(|call| edge(spans, *call).is_some());
    let spans = received(&collector, "both sides of every call", all).await;

    for call in calls {
        let (asked, answered) = edge(&spans, call).expect("an edge");
        assert_eq!((&asked.trace, asked.failed, &*answered.name), (&answered.trace, false, call.1));
        assert_eq!(attribute(&asked, "http.response.status_code"), Some("200"));
        assert_eq!(attribute(&asked, "server.port"), attribute(&answered, "server.port"));
    }
    let is_request = |span: &&Span| {
        span.service == "payment" && attribute(span, "orderflow.request_id") == Some("request-7")
    };
    let request = spans.iter().find(is_request).expect("the span of the order");
    let (asked, answered) = edge(&spans, calls[0]).expect("an edge");
    assert_eq!((&asked.parent, &asked.trace), (&request.id, &request.trace));
    assert_eq!(attribute(&answered, "orderflow.request_id"), Some("request-7"));
    assert!(attribute(&asked, "url.full").is_some_and(|url| url.ends_with("/products?sku=NOWHERE")));
    assert!(
        [request, &asked, &answered].iter().all(|span| span.state.is_empty()),
        "no traceparent, no state"
    );
    for span in &spans {
        assert_eq!((&*span.key, &*span.resource["deployment.environment.name"]), ("a key", "blue"));
        assert_eq!(span.resource["service.namespace"], "shop");
    }
}

#[tokio::test]
async fn a_request_is_described_in_the_words_of_the_semantic_conventions() {
    let collector = Collector::start();
    let shop = shop_sending_to(&collector.url()).await;
    let traceparent = format!("00-{TRACE}-{CLIENT}-01");
    let brew = Method::from_bytes(b"BREW").expect("a method");
    for (method, path) in [(Method::GET, "/products/MUG"), (Method::GET, "/nowhere"), (brew, "/products")] {
        let request = shop.user.request(method, Kind::Inventory, path).header("traceparent", &traceparent);
        send(request).await.expect("an answer");
    }
    let spans = received(&collector, "three spans", |spans| spans.len() == 3).await;

    let port = shop.stack.service(first(Kind::Inventory)).expect("it runs").http_addr().port().to_string();
    let known = one(&spans, "inventory", "GET /products/{sku}");
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/products/{sku}"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("url.path", "/products/MUG"),
        ("server.address", "127.0.0.1"),
        ("server.port", &*port),
    ] {
        assert_eq!(attribute(known, name), Some(value), "{known:#?}");
    }
    let unmatched = one(&spans, "inventory", "GET");
    assert_eq!(attribute(unmatched, "http.route"), None, "{unmatched:#?}");
    assert_eq!((attribute(unmatched, "http.response.status_code"), unmatched.failed), (Some("404"), false));
    let other = one(&spans, "inventory", "HTTP /products");
    assert_eq!(attribute(other, "http.request.method"), Some("_OTHER"), "{other:#?}");
    assert_eq!(attribute(other, "http.request.method_original"), Some("BREW"));
}

#[tokio::test]
async fn a_collector_that_was_busy_gets_the_same_spans_later() {
    let collector = Collector::start();
    let shop = shop_sending_to(&collector.url()).await;
    collector.is_busy(2).await;
    order(&shop, TRACE, "01").await;
    let spans = received(&collector, "all spans", |spans| spans.len() >= SPANS_OF_AN_ORDER).await;
    assert_eq!(spans.len(), SPANS_OF_AN_ORDER, "{spans:#?}");
}

/// A collector that is away, and one that answers nothing.
#[tokio::test]
async fn a_lost_collector_costs_its_spans_and_a_line_in_the_log_and_nothing_else() {
    let silent = Collector::start();
    silent.hangs().await;
    // Port 9 (discard) is closed.
    for url in ["http://127.0.0.1:9", &silent.url()] {
        let settings = [("OTEL_EXPORTER_OTLP_TIMEOUT", "500"), ("OTLP_ENDPOINT", url)];
        let shop = Shop::open_with(with(&settings)).await;
        shop.product("MUG", 10).await;
        for _ in 0..2 {
            order(&shop, TRACE, "01").await;
        }
        let lost = async || {
            let metrics = shop.metrics(first(Kind::Payment)).await;
            let lost = metrics.sum("orderflow_spans_dropped_total", &["reason=\"export-failed\""]);
            (lost > 0.0).then_some(())
        };
        eventually("the loss is counted", SOON, lost).await;
        assert!(shop.stack.terminate(first(Kind::Payment)).await.expect("it ran").success());
        let output = shop.stack.service(first(Kind::Payment)).expect("it ran").output();
        let warnings = output.lines(|line| line.contains("spans cannot be sent"));
        assert_eq!(warnings.len(), 1, "{url}: {warnings:#?}");
    }
}
