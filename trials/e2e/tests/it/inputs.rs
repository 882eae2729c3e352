use ctl::stack::Kind;
use e2e::{HttpResponse, Shop, first, key, send};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends a body as it is.
async fn post(shop: &Shop, kind: Kind, path: &str, body: &str) -> HttpResponse {
    let caller = if path == "/orders" { &shop.user } else { &shop.admin };
    let request = caller.request(Method::POST, kind, path).header("Idempotency-Key", key());
    let request = request.header("Content-Type", "application/json").body(body.to_owned());
    send(request).await.expect("an answer")
}

#[tokio::test]
async fn an_array_is_no_object_at_any_depth_of_a_body() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    let product = r#"{"sku": "CUP", "name": "Cup", "price": [1000, "EUR"], "stock": 1}"#;
    for (kind, path, body, field) in [
        (Kind::Payment, "/orders", r#"{"items": [["MUG", 1]]}"#, "/items/0"),
        (Kind::Payment, "/orders", r#"[[{"sku": "MUG", "quantity": 1}], null]"#, ""),
        (Kind::Inventory, "/products", product, "/price"),
        (Kind::Inventory, "/products/MUG/stock", r#"[1, "found"]"#, ""),
        (
            Kind::Inventory,
            "/ops/dead-letters/redrive",
            r#"{"stream": "order_completed", "filter": []}"#,
            "/filter",
        ),
        (Kind::User, "/auth/login", r#"["ada@example.com", "correct horse battery staple"]"#, ""),
    ] {
        assert_eq!(post(&shop, kind, path, body).await.invalid_fields(), [field], "{path} {body}");
    }
    assert_eq!(shop.available("MUG").await, 1);
}

#[tokio::test]
async fn json_that_two_programs_may_read_differently_is_a_400() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    for body in [
        r#"{"items": [{"sku": "MUG", "quantity": 1, "quantity": 2}]}"#,
        r#"{"items": [{"sku": "MUG", "quantity": 1}]} {}"#,
        r#"{"items": [{"sku": "MUG\ud800", "quantity": 1}]}"#,
        r#"{"items": [{"sku": "MUG", "quantity": 1}],}"#,
        r#"{"items": [{"sku": "MUG", "quantity": 1e0}]}"#,
    ] {
        assert_eq!(post(&shop, Kind::Payment, "/orders", body).await.status, 400, "{body}");
    }
    assert_eq!(shop.available("MUG").await, 1);
}

#[tokio::test]
async fn a_nul_in_a_text_is_a_400() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    let product = |name: &str, description: &str| {
        let price = json!({"amount": 1, "currency": "EUR"});
        json!({"sku": "CUP", "name": name, "description": description, "price": price, "stock": 1})
    };
    let password = "correct horse battery staple";
    for (kind, path, body, field) in [
        (Kind::Inventory, "/products", product("a\0b", ""), "/name"),
        (Kind::Inventory, "/products", product("a", "a\0b"), "/description"),
        (Kind::Inventory, "/products/MUG/stock", json!({"delta": 1, "reason": "a\0b"}), "/reason"),
        (Kind::User, "/auth/register", json!({"email": "a\0@example.com", "password": password}), "/email"),
    ] {
        assert_eq!(
            post(&shop, kind, path, &body.to_string()).await.invalid_fields(),
            [field],
            "{path} {body}"
        );
    }
    let login = json!({"email": "a\0@example.com", "password": "a\0b"}).to_string();
    post(&shop, Kind::User, "/auth/login", &login).await.problem(401, "invalid-credentials");
    let order = json!({"items": [{"sku": "MUG\0", "quantity": 1}]}).to_string();
    assert_eq!(post(&shop, Kind::Payment, "/orders", &order).await.invalid_fields(), ["/items/0/sku"]);
    for path in ["/products?sku=%00", "/products/%00", "/products/MUG/movements?cursor=%00"] {
        assert!([400, 404].contains(&shop.admin.get(Kind::Inventory, path).await.status), "{path}");
    }
    shop.admin.get(Kind::Payment, "/orders?status=%00").await.expect(400);
}

#[tokio::test]
async fn every_answer_forbids_a_browser_what_it_does_not_need() {
    let shop = Shop::open().await;
    let api = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (path, policy) in [("/products", api), ("/nowhere", api), ("/openapi.json", api), ("/livez", api)] {
        let answer = shop.user.get(Kind::Inventory, path).await;
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path} came without TLS");
    }
    let page = shop.user.get(Kind::Inventory, "/docs/").await;
    assert!(page.text().contains("swagger-ui-bundle.js"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let metrics = shop.stack.service(first(Kind::User)).expect("it runs").metrics_addr();
    let metrics = reqwest::get(format!("http://{metrics}/metrics")).await.expect("an answer");
    assert_eq!(metrics.headers()["x-content-type-options"], "nosniff");
}

/// The status of the answer to a head that no client library sends.
async fn raw(shop: &Shop, head: &str) -> u16 {
    let address = shop.stack.service(first(Kind::Inventory)).expect("it runs").http_addr();
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let head = head.replace("HOST", &address.to_string());
    connection.write_all(head.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer");
    assert!(!answer.contains("secret"), "{answer}");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn odd_heads_get_a_plain_answer() {
    let shop = Shop::open().await;
    let end = "Connection: close\r\n\r\n";
    for (head, status) in [
        (format!("TRACE /livez HTTP/1.1\r\nHost: HOST\r\nX-Canary: secret\r\n{end}"), 405),
        (format!("CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n{end}"), 404),
        (format!("OPTIONS * HTTP/1.1\r\nHost: HOST\r\n{end}"), 204),
        (format!("OPTIONS /products HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example\r\n{end}"), 204),
        (format!("GET http://evil.example/livez HTTP/1.1\r\nHost: HOST\r\n{end}"), 200),
        (format!("GET /livez HTTP/1.1\r\nHost: evil.example\r\n{end}"), 200),
        (format!("GET /livez HTTP/1.1\r\n{end}"), 400),
        (format!("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n{end}"), 400),
        (format!("GET /docs/../livez HTTP/1.1\r\nHost: HOST\r\n{end}"), 404),
        (format!("GET /docs/%2e%2e/livez HTTP/1.1\r\nHost: HOST\r\n{end}"), 404),
        (format!("GET //livez HTTP/1.1\r\nHost: HOST\r\n{end}"), 404),
    ] {
        assert_eq!(raw(&shop, &head).await, status, "{head}");
    }
}

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
