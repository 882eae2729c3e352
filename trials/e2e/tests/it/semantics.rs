//! HTTP as its RFCs say, on every route of every service.

use std::io::Read;

use ctl::stack::{Kind, StackOptions};
use flate2::read::GzDecoder;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use e2e::{Client, HttpResponse, Order, Shop, key, send};

const NOBODY: &str = "0190a5c4-0000-7000-8000-000000000000";

/// The paths of a service with their methods, by its own description.
pub async fn paths(client: &Client, kind: Kind) -> Vec<(String, Value)> {
    let document = client.get(kind, "/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().map(|(path, item)| (path.clone(), item.clone())).collect()
}

/// A path whose parameters name nothing that exists.
pub fn concrete(path: &str) -> String {
    path.replace("{sku}", "NONE").replace("{id}", NOBODY).replace("{kid}", "none")
}

async fn answer(request: RequestBuilder) -> HttpResponse {
    send(request).await.expect("an answer")
}

async fn with(
    client: &Client,
    method: Method,
    kind: Kind,
    path: &str,
    headers: &[(&str, &str)],
) -> HttpResponse {
    let request = client.request(method, kind, path);
    answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

fn tokens(list: &str) -> Vec<String> {
    let mut tokens: Vec<String> = list.split(',').map(|token| token.trim().to_owned()).collect();
    tokens.sort_unstable();
    tokens
}

#[tokio::test]
async fn a_head_is_a_get_without_the_body_and_waits_for_nothing() {
    let slow = [("PROVIDER_LATENCY", "20s"), ("PROVIDER_TIMEOUT", "30s")];
    let shop = Shop::open_with(|options| {
        slow.iter().fold(options, |options, (name, value)| options.with_env(Kind::Payment, name, value))
    })
    .await;
    shop.product("MUG", 10).await;
    let order = shop.user.order(&Order::of("MUG", 1)).await;
    let mut seen = 0;
    for kind in Kind::ALL {
        for (path, item) in paths(&shop.user, kind).await {
            if item["get"].is_null() {
                continue;
            }
            let path =
                concrete(&path.replace("{sku}", "MUG").replace("/orders/{id}", &format!("/orders/{order}")));
            if path.ends_with("/events") {
                continue; // a stream
            }
            let get = shop.admin.get(kind, &path).await;
            let head = with(&shop.admin, Method::HEAD, kind, &path, &[]).await;
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            let names = |answer: &HttpResponse| {
                let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
                names.sort_unstable();
                names
            };
            assert_eq!(names(&head), names(&get), "{path}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} paths");
    let get = shop.user.get(Kind::Inventory, "/products/MUG").await;
    let head = with(&shop.user, Method::HEAD, Kind::Inventory, "/products/MUG", &[]).await;
    for name in ["content-length", "content-type", "etag"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let path = format!("/orders/{order}?wait=30");
    let head = with(&shop.user, Method::HEAD, Kind::Payment, &path, &[]).await;
    assert_eq!((head.status, head.header("etag")), (200, "\"1\""), "it would wait for the provider");
    let absent = with(&shop.user, Method::HEAD, Kind::Payment, "/nowhere", &[]).await;
    assert_eq!((absent.status, absent.body.len()), (404, 0));
}

#[tokio::test]
async fn options_and_405_name_the_methods_of_the_path() {
    let shop = Shop::open().await;
    for kind in Kind::ALL {
        for (path, item) in paths(&shop.user, kind).await {
            let documented = ["get", "post", "put", "patch", "delete"].into_iter();
            let mut allowed: Vec<String> =
                documented.filter(|name| !item[name].is_null()).map(str::to_uppercase).collect();
            if !item["get"].is_null() {
                allowed.push("HEAD".to_owned());
            }
            allowed.push("OPTIONS".to_owned());
            allowed.sort_unstable();
            let path = concrete(&path);
            let options = with(&shop.user.anonymous(), Method::OPTIONS, kind, &path, &[]).await;
            assert_eq!((options.status, options.body.len()), (204, 0), "{path}");
            assert_eq!(tokens(options.header("allow")), allowed, "{path}");
            let wrong = with(&shop.user, Method::TRACE, kind, &path, &[]).await;
            wrong.problem(405, "method-not-allowed");
            assert_eq!(tokens(wrong.header("allow")), allowed, "{path}");
        }
        let absent = with(&shop.user, Method::OPTIONS, kind, "/nowhere", &[]).await;
        absent.problem(404, "not-found");
        let document = with(&shop.user, Method::POST, kind, "/openapi.json", &[]).await;
        document.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn what_the_client_has_already_is_a_304() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let order = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&order).await;
    for (kind, path) in
        [(Kind::Inventory, "/products/MUG".to_owned()), (Kind::Payment, format!("/orders/{order}"))]
    {
        let tag = shop.user.get(kind, &path).await.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 2, "{path}: {tag}");
        let weak = format!("W/{tag}");
        let list = format!("\"x\", {tag}");
        for (method, known) in
            [(Method::GET, &*tag), (Method::GET, &weak), (Method::GET, "*"), (Method::HEAD, &list)]
        {
            let unchanged = with(&shop.user, method, kind, &path, &[("If-None-Match", known)]).await;
            assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{path} {known}");
            assert_eq!(unchanged.header("etag"), tag, "{path} {known}");
            assert_eq!(unchanged.header("content-type"), "", "{path} {known}");
        }
        with(&shop.user, Method::GET, kind, &path, &[("If-None-Match", "\"x\"")]).await.expect(200);
        let stale = with(&shop.user, Method::GET, kind, &path, &[("If-Match", "\"x\"")]).await;
        stale.problem(412, "stale-version");
        let wrong = with(&shop.user, Method::GET, kind, &path, &[("If-None-Match", "7")]).await;
        assert_eq!(wrong.invalid_fields(), ["If-None-Match"]);
    }
}

#[tokio::test]
async fn a_change_happens_to_the_version_that_the_client_names() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let put = async |headers: &[(&str, &str)]| {
        let body = json!({"name": "Mug", "price": {"amount": 1500, "currency": "EUR"}});
        let request = shop.admin.request(Method::PUT, Kind::Inventory, "/products/MUG").json(&body);
        answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    put(&[]).await.problem(428, "precondition-required");
    for stale in ["\"7\"", "W/\"1\"", "\"abc\"", "\"2\", \"3\""] {
        put(&[("If-Match", stale)]).await.problem(412, "stale-version");
    }
    for malformed in ["1", "\"1", "*, \"1\"", ""] {
        assert_eq!(put(&[("If-Match", malformed)]).await.invalid_fields(), ["If-Match"], "{malformed}");
    }
    put(&[("If-Match", "*"), ("If-None-Match", "*")]).await.problem(412, "stale-version");
    assert_eq!(put(&[("If-Match", "*")]).await.expect(200)["version"], 2);
    assert_eq!(put(&[("If-Match", "\"9\", \"2\"")]).await.expect(200)["version"], 3);
    assert_eq!(put(&[("If-Match", "\"9\""), ("If-Match", "\"3\"")]).await.expect(200)["version"], 4);
    let delete = async |tag: &str| {
        with(&shop.admin, Method::DELETE, Kind::Inventory, "/products/MUG", &[("If-Match", tag)]).await
    };
    delete("\"3\"").await.problem(412, "stale-version");
    delete("\"4\"").await.expect(204);
}

#[tokio::test]
async fn a_preference_is_read_in_every_form_and_its_answer_says_so() {
    let shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let place = async |lines: &[&str]| {
        let request =
            shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", key());
        let request = request.json(&json!({"items": [{"sku": "MUG", "quantity": 1}]}));
        answer(lines.iter().fold(request, |request, line| request.header("Prefer", *line))).await
    };
    for lines in [
        &["wait=10"][..],
        &["Wait=10"],
        &["wait=\"10\""],
        &["wait=10; x=y"],
        &["respond-async", "wait=10"],
        &["foo=bar, wait=10, wait=0"],
    ] {
        let placed = place(lines).await;
        assert_eq!(placed.expect(201)["status"], "confirmed", "{lines:?}");
        assert_eq!(placed.header("preference-applied"), "wait=10", "{lines:?}");
        assert_eq!(placed.header("vary"), "prefer");
    }
    assert_eq!(place(&["wait=3600"]).await.header("preference-applied"), "wait=30");
    for ignored in [&["wait=soon"][..], &["wait"], &["respond-async"], &[]] {
        let placed = place(ignored).await;
        placed.expect(202);
        assert_eq!(placed.header("preference-applied"), "", "{ignored:?}");
    }
}

#[tokio::test]
async fn the_scheme_of_a_token_is_read_in_any_case() {
    let shop = Shop::open().await;
    let token = shop.user.token();
    let anonymous = shop.user.anonymous();
    let look = async |credentials: &str| {
        with(&anonymous, Method::GET, Kind::User, "/auth/user", &[("Authorization", credentials)]).await
    };
    for scheme in ["Bearer", "bearer", "BEARER", "BeArEr"] {
        look(&format!("{scheme} {token}")).await.expect(200);
    }
    for other in [format!("Bearer{token}"), format!("Token {token}"), "Bearer".to_owned()] {
        look(&other).await.problem(401, "missing-token");
    }
}

#[tokio::test]
async fn a_body_with_a_byte_order_mark_is_read_and_a_compressed_one_is_a_415() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let order = r#"{"items": [{"sku": "MUG", "quantity": 1}]}"#;
    let place = async |body: Vec<u8>, headers: &[(&str, &str)]| {
        let request =
            shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", key());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(request.body(body)).await
    };
    let json = ("Content-Type", "application/json");
    place(format!("\u{feff}{order}").into_bytes(), &[json]).await.expect(202);
    for kind in
        ["application/json; charset=utf-8", "APPLICATION/JSON;Charset=\"UTF-8\"", "application/vnd.shop+json"]
    {
        place(order.into(), &[("Content-Type", kind)]).await.expect(202);
    }
    place(order.into(), &[json, ("Content-Encoding", "identity")]).await.expect(202);
    place(order.into(), &[json, ("Accept", "text/html")]).await.expect(202);
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let refused = place(order.into(), &[json, ("Content-Encoding", coding)]).await;
        refused.problem(415, "unsupported-media-type");
        assert_eq!(refused.header("accept-encoding"), "identity", "{coding}");
    }
    let refused = place(order.into(), &[("Content-Type", "text/plain")]).await;
    refused.problem(415, "unsupported-media-type");
    assert_eq!(refused.header("accept"), "application/json");
    let form = shop.user.anonymous().request(Method::POST, Kind::User, "/oauth/token").body("grant_type=x");
    let form =
        form.header("Content-Type", "application/x-www-form-urlencoded").header("Content-Encoding", "gzip");
    answer(form).await.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn money_is_of_a_currency_in_use_and_a_total_is_a_number_that_every_client_reads() {
    let shop = Shop::open().await;
    let product = async |sku: &str, amount: i64, currency: &str| {
        let price = json!({"amount": amount, "currency": currency});
        let body = json!({"sku": sku, "name": sku, "price": price, "stock": 100_000});
        shop.admin.post(Kind::Inventory, "/products", &body).await
    };
    for currency in ["XXX", "ABC", "DEM", "XAU", "eur", ""] {
        assert_eq!(product("WRONG", 1, currency).await.invalid_fields(), ["/price/currency"], "{currency}");
    }
    for currency in ["JPY", "BHD"] {
        product(currency, 1, currency).await.expect(201);
    }
    product("DEAR", 1_000_000_000_000, "EUR").await.expect(201);
    let lines: Vec<(String, u32)> = (0..10).map(|number| (format!("DEAR-{number}"), 1000)).collect();
    for (sku, _) in &lines {
        product(sku, 1_000_000_000_000, "EUR").await.expect(201);
    }
    let order = |lines: &[(String, u32)]| {
        let lines: Vec<(&str, u32)> = lines.iter().map(|(sku, quantity)| (sku.as_str(), *quantity)).collect();
        Order::lines(&lines)
    };
    let headers = [("Idempotency-Key", "too dear")];
    let refused = shop.user.order_with(&order(&lines), &headers).await;
    assert_eq!(refused.invalid_fields(), ["/items"]);
    assert!(refused.text().contains("9007199254740991"), "{}", refused.text());
    shop.user.order_with(&order(&lines[..9]), &headers).await.expect(202);
}

#[tokio::test]
async fn an_adjustment_is_the_same_however_its_body_is_written() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let key = key();
    let adjust = async |body: &str| {
        let request = shop.admin.request(Method::POST, Kind::Inventory, "/products/MUG/stock");
        let request = request.header("Idempotency-Key", &key).header("Content-Type", "application/json");
        answer(request.body(body.to_owned())).await
    };
    adjust(r#"{"delta": 5, "reason": "found"}"#).await.expect(200);
    for same in
        ["{\"reason\":\"found\",\"delta\":5}", "\u{feff} { \"delta\" : 5 ,\n\"reason\":\"f\\u006fund\" }"]
    {
        let replayed = adjust(same).await;
        assert_eq!(replayed.expect(200)["stock"], 15, "{same}");
        assert_eq!(replayed.header("idempotency-replayed"), "true", "{same}");
    }
    adjust(r#"{"delta": 5, "reason": "found again"}"#).await.problem(422, "idempotency-key-reused");
    assert_eq!(shop.available("MUG").await, 15);
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_asks_and_keep_their_conditions() {
    let shop = Shop::open().await;
    let body = json!({"sku": "LONG", "name": "Long", "description": "x".repeat(2000),
        "price": {"amount": 1000, "currency": "EUR"}, "stock": 1});
    shop.admin.post(Kind::Inventory, "/products", &body).await.expect(201);
    let gzip = ("Accept-Encoding", "gzip");
    for path in ["/products/LONG", "/products", "/openapi.json"] {
        let plain = shop.user.get(Kind::Inventory, path).await;
        assert_eq!(
            (plain.header("content-encoding"), plain.header("vary")),
            ("", "accept-encoding"),
            "{path}"
        );
        let packed = with(&shop.user, Method::GET, Kind::Inventory, path, &[gzip]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"), "{path}");
        let mut text = String::new();
        GzDecoder::new(&packed.body[..]).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, plain.text(), "{path}");
        let head = with(&shop.user, Method::HEAD, Kind::Inventory, path, &[gzip]).await;
        assert_eq!(head.header("content-length"), packed.body.len().to_string(), "{path}");
    }
    let packed = with(&shop.user, Method::GET, Kind::Inventory, "/products/LONG", &[gzip]).await;
    let tag = packed.header("etag");
    assert_eq!(tag, "\"1-gzip\"", "another coding is another representation");
    let known = [gzip, ("If-None-Match", tag)];
    let unchanged = with(&shop.user, Method::GET, Kind::Inventory, "/products/LONG", &known).await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, tag));
    let body = json!({"name": "Long", "price": {"amount": 1000, "currency": "EUR"}});
    let put = shop.admin.request(Method::PUT, Kind::Inventory, "/products/LONG").header("If-Match", tag);
    answer(put.json(&body)).await.expect(200);
    let small = with(&shop.user, Method::GET, Kind::Inventory, "/products/LONG", &[gzip]).await;
    assert_eq!((small.header("content-encoding"), small.header("etag")), ("", "\"2\""));
}

fn cors(options: StackOptions) -> StackOptions {
    let origins = "https://shop.example,http://localhost:3000";
    Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "CORS_ORIGINS", origins))
}

#[tokio::test]
async fn pages_of_the_listed_origins_may_call_and_no_others() {
    let shop = Shop::open_with(cors).await;
    shop.product("MUG", 10).await;
    let origin = ("Origin", "https://shop.example");
    let preflight = [origin, ("Access-Control-Request-Method", "PUT")];
    let allowed =
        with(&shop.user.anonymous(), Method::OPTIONS, Kind::Inventory, "/products/MUG", &preflight).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(allowed.header("access-control-allow-methods"), "GET, HEAD, PUT, DELETE, OPTIONS");
    assert!(allowed.header("access-control-allow-headers").contains("authorization"));
    assert_ne!(allowed.header("access-control-max-age"), "");
    for (path, status) in
        [("/products/MUG", 200), ("/products/NONE", 404), ("/nowhere", 404), ("/products?x=1", 400)]
    {
        let called = with(&shop.user, Method::GET, Kind::Inventory, path, &[origin]).await;
        assert_eq!(called.status, status);
        assert_eq!(called.header("access-control-allow-origin"), "https://shop.example", "{path}");
        assert_eq!(called.header("access-control-allow-credentials"), "", "{path}");
        assert!(called.header("access-control-expose-headers").contains("etag"), "{path}");
    }
    for foreign in ["https://evil.example", "https://shop.example.evil", "null"] {
        let origin = ("Origin", foreign);
        let preflight = [origin, ("Access-Control-Request-Method", "GET")];
        for (method, headers) in [(Method::GET, &[origin][..]), (Method::OPTIONS, &preflight)] {
            let called = with(&shop.user, method, Kind::Inventory, "/products/MUG", headers).await;
            assert_eq!(called.header("access-control-allow-origin"), "", "{foreign}");
            assert_eq!(called.header("vary"), "origin", "{foreign}");
        }
    }
}

#[tokio::test]
async fn without_the_setting_no_page_of_another_origin_may_call() {
    let shop = Shop::open().await;
    let headers = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "GET")];
    for method in [Method::GET, Method::OPTIONS] {
        let called = with(&shop.user, method, Kind::Inventory, "/products", &headers).await;
        assert!(!called.headers.keys().any(|name| name.as_str().starts_with("access-control")));
        assert_eq!(called.header("vary"), "");
    }
}
