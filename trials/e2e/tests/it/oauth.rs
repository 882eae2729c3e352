//! OAuth clients: their tokens, scopes, secrets and ends.

use ctl::stack::Kind;
use e2e::{Client, HttpResponse, Order, SOON, Shop, eventually, first, key, send};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

const GRANT: &str = "grant_type=client_credentials";

/// POSTs a form, with HTTP Basic if there are credentials.
async fn post_form(client: &Client, path: &str, basic: Option<(&str, &str)>, form: &str) -> HttpResponse {
    let request = client.anonymous().request(Method::POST, Kind::User, path);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.to_owned());
    let request =
        basic.into_iter().fold(request, |request, (id, secret)| request.basic_auth(id, Some(secret)));
    send(request).await.expect("an answer")
}

async fn ask(client: &Client, basic: Option<(&str, &str)>, form: &str) -> HttpResponse {
    post_form(client, "/oauth/token", basic, form).await
}

#[track_caller]
fn assert_error(answer: &HttpResponse, status: u16, error: &str) -> Value {
    let body = answer.expect(status);
    assert_eq!(body["error"], error, "{body}");
    assert!(body["error_description"].is_string(), "{body}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let challenge = if status == 401 { "Basic realm=\"orderflow\"" } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge, "{body}");
    body
}

/// Returns the secret.
async fn create(shop: &Shop, id: &str, scopes: &[&str]) -> String {
    let body = json!({"client_id": id, "scopes": scopes});
    let created = shop.admin.post(Kind::User, "/oauth/clients", &body).await.expect(201);
    created["client_secret"].as_str().expect("a secret").to_owned()
}

/// The service with a token of all scopes that the client may have.
async fn service(shop: &Shop, id: &str, secret: &str) -> Client {
    let answer = ask(&shop.user, Some((id, secret)), GRANT).await.expect(200);
    shop.user.with_token(answer["access_token"].as_str().expect("a token"))
}

async fn delete(shop: &Shop, id: &str) -> HttpResponse {
    let request = shop.admin.request(Method::DELETE, Kind::User, &format!("/oauth/clients/{id}"));
    send(request).await.expect("an answer")
}

#[tokio::test]
async fn a_client_gets_a_token_with_its_secret_in_the_header_or_in_the_form() {
    let shop = Shop::open().await;
    let secret = create(&shop, "reports", &["products:read", "orders:read"]).await;
    let form = format!("{GRANT}&scope=products:read&client_id=reports&client_secret={secret}");
    let in_header = ask(&shop.user, Some(("reports", &secret)), GRANT).await;
    let in_form = ask(&shop.user, None, &form).await;
    for (answer, scope) in [(&in_header, "products:read orders:read"), (&in_form, "products:read")] {
        let body = answer.expect(200);
        assert_eq!((&body["token_type"], &body["scope"]), (&json!("Bearer"), &json!(scope)));
        assert_eq!(body["expires_in"], 600);
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let service = shop.user.with_token(body["access_token"].as_str().expect("a token"));
        service.get(Kind::Inventory, "/products").await.expect(200);
    }
    let stored = format!("SELECT count(*) FROM oauth_clients WHERE secret_hash = sha256('{secret}')");
    assert_eq!(shop.number(Kind::User, &stored).await, 1, "the hash alone is stored");
}

#[tokio::test]
async fn a_token_request_gets_the_error_that_rfc_6749_has_for_it() {
    let shop = Shop::open().await;
    let secret = create(&shop, "reports", &["orders:read"]).await;
    let both = format!("{GRANT}&client_id=reports&client_secret={secret}");
    let reports = Some(("reports", secret.as_str()));
    let cases = [
        (reports, "", 400, "invalid_request"),
        (reports, "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        (reports, "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (reports, "grant_type=client_credentials&scope=orders:read&scope=", 400, "invalid_request"),
        (reports, both.as_str(), 400, "invalid_request"),
        (reports, "grant_type=client_credentials&client_id=payment", 400, "invalid_request"),
        (reports, "grant_type=client_credentials&scope=products:read", 400, "invalid_scope"),
        (reports, "grant_type=client_credentials&scope=orders:read+everything", 400, "invalid_scope"),
        (reports, "grant_type=client_credentials&scope=orders:read%00", 400, "invalid_scope"),
        (None, GRANT, 401, "invalid_client"),
        (None, "grant_type=client_credentials&client_id=reports", 401, "invalid_client"),
        (Some(("", "")), GRANT, 401, "invalid_client"),
        (Some(("reports\0", &secret)), GRANT, 401, "invalid_client"),
    ];
    for (basic, form, status, error) in cases {
        assert_error(&ask(&shop.user, basic, form).await, status, error);
    }
    // A secret in the address would be in logs.
    let path = format!("/oauth/token?client_id=reports&client_secret={secret}");
    post_form(&shop.user, &path, None, GRANT).await.problem(400, "invalid-request");
    let json = json!({"grant_type": "client_credentials"});
    shop.user.post(Kind::User, "/oauth/token", &json).await.problem(415, "unsupported-media-type");
    let large = format!("{GRANT}&scope={}", "x".repeat(70_000));
    ask(&shop.user, reports, &large).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn an_unknown_client_a_revoked_one_and_a_wrong_secret_get_the_same_answer() {
    let shop = Shop::open().await;
    let secret = create(&shop, "ended", &["orders:read"]).await;
    assert_eq!(delete(&shop, "ended").await.status, 204);
    let mut answers = Vec::new();
    for (id, secret) in
        [("nobody", "wrong"), ("Not an id", "wrong"), ("payment", "wrong"), ("ended", &secret)]
    {
        answers.push(assert_error(&ask(&shop.user, Some((id, secret)), GRANT).await, 401, "invalid_client"));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn a_service_reads_all_orders_and_writes_stock_with_the_scopes_for_it() {
    let shop = Shop::open().await;
    shop.product("MUG", 5).await;
    let order = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&order).await;
    let secret = create(&shop, "warehouse", &["orders:read", "stock:write"]).await;
    let warehouse = service(&shop, "warehouse", &secret).await;
    assert_eq!(warehouse.get(Kind::Payment, "/orders").await.expect(200)["data"][0]["id"], order.as_str());
    warehouse.get(Kind::Payment, &format!("/orders/{order}")).await.expect(200);
    let delivery = warehouse
        .request(Method::POST, Kind::Inventory, "/products/MUG/stock")
        .header("Idempotency-Key", key())
        .json(&json!({"delta": 7, "reason": "a delivery"}));
    send(delivery).await.expect("an answer").expect(200);
    assert_eq!(shop.available("MUG").await, 11);

    let refused = warehouse.get(Kind::Inventory, "/products/MUG").await;
    refused.problem(403, "insufficient-scope");
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"insufficient_scope\", scope=\"products:read\""
    );
}

#[tokio::test]
async fn a_new_secret_ends_the_old_one_and_leaves_tokens_alone() {
    let shop = Shop::open().await;
    let old = create(&shop, "reports", &["products:read"]).await;
    let reports = service(&shop, "reports", &old).await;
    let rotated = shop.admin.post(Kind::User, "/oauth/clients/reports/secret", &json!({})).await.expect(200);
    let new = rotated["client_secret"].as_str().expect("a secret");
    assert!(rotated["rotated_at"].is_string() && new != old, "{rotated}");

    assert_error(&ask(&shop.user, Some(("reports", &old)), GRANT).await, 401, "invalid_client");
    service(&shop, "reports", new).await.get(Kind::Inventory, "/products").await.expect(200);
    reports.get(Kind::Inventory, "/products").await.expect(200);
    shop.admin.post(Kind::User, "/oauth/clients/nobody/secret", &json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_revoked_client_is_refused_everywhere_until_an_admin_creates_it_anew() {
    let shop = Shop::open().await;
    let scopes = ["products:read", "orders:read"];
    let secret = create(&shop, "reports", &scopes).await;
    let reports = service(&shop, "reports", &secret).await;
    let calls = [(Kind::Inventory, "/products"), (Kind::Payment, "/orders")];
    for (kind, path) in calls {
        reports.get(kind, path).await.expect(200);
    }
    let taken = json!({"client_id": "reports", "scopes": scopes});
    shop.admin.post(Kind::User, "/oauth/clients", &taken).await.problem(409, "client-exists");

    assert_eq!(delete(&shop, "reports").await.status, 204);

    assert_error(&ask(&shop.user, Some(("reports", &secret)), GRANT).await, 401, "invalid_client");
    shop.admin.post(Kind::User, "/oauth/clients/reports/secret", &json!({})).await.problem(404, "not-found");
    for (kind, path) in calls {
        let look = async || {
            let answer = reports.get(kind, path).await;
            if answer.status == 401 { Ok(answer) } else { Err(answer.status) }
        };
        let answer = eventually("the token is refused", SOON, look).await;
        answer.problem(401, "revoked-token");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    let anew = create(&shop, "reports", &["products:read"]).await;
    service(&shop, "reports", &anew).await.get(Kind::Inventory, "/products").await.expect(200);
    assert_error(&ask(&shop.user, Some(("reports", &secret)), GRANT).await, 401, "invalid_client");
    delete(&shop, "nobody").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_restart_neither_revives_a_client_of_the_settings_nor_gives_it_its_old_secret() {
    let mut shop = Shop::open_with(|options| {
        let clients = "one:0123456789abcdef0123456789abcdef,two:0123456789abcdef0123456789abcdef";
        options.with_env(Kind::User, "SERVICE_CLIENTS", clients)
    })
    .await;
    let old = "0123456789abcdef0123456789abcdef";
    service(&shop, "one", old).await.get(Kind::Inventory, "/products").await.expect(200);
    let rotated = shop.admin.post(Kind::User, "/oauth/clients/one/secret", &json!({})).await.expect(200);
    assert_eq!(rotated["scopes"], json!(["products:read"]));
    assert_eq!(delete(&shop, "two").await.status, 204);

    shop.stack.kill9(first(Kind::User)).await.expect("it ran");
    shop.stack.restart(first(Kind::User)).await.expect("a start");

    for id in ["one", "two"] {
        assert_error(&ask(&shop.user, Some((id, old)), GRANT).await, 401, "invalid_client");
    }
    let new = rotated["client_secret"].as_str().expect("a secret");
    service(&shop, "one", new).await.get(Kind::Inventory, "/products").await.expect(200);
    let listed = shop.admin.all(Kind::User, "/oauth/clients", 1).await;
    let state: Vec<_> =
        listed.iter().map(|client| (&client["client_id"], client["revoked_at"].is_string())).collect();
    assert_eq!(state, [(&json!("one"), false), (&json!("two"), true)]);
    assert!(listed.iter().all(|client| client.get("client_secret").is_none()), "{listed:?}");
}

#[tokio::test]
async fn a_client_needs_a_name_and_known_scopes_and_an_admin_of_this_moment() {
    let shop = Shop::open().await;
    let attempt = async |body: Value| shop.admin.post(Kind::User, "/oauth/clients", &body).await;
    let wrong = attempt(json!({"client_id": "No Name", "scopes": []})).await;
    assert_eq!(wrong.invalid_fields(), ["/client_id", "/scopes"]);
    assert_eq!(attempt(json!({})).await.invalid_fields(), ["/client_id", "/scopes"]);
    let unknown = attempt(json!({"client_id": "reports", "scopes": ["orders:write"]})).await;
    assert_eq!(unknown.invalid_fields(), ["/scopes/0"]);

    shop.execute(Kind::User, "UPDATE accounts SET role = 'USER' WHERE role = 'ADMIN'").await;

    let body = json!({"client_id": "reports", "scopes": ["orders:read"]});
    attempt(body).await.problem(403, "forbidden");
    shop.admin.post(Kind::User, "/oauth/clients/payment/secret", &json!({})).await.problem(403, "forbidden");
    delete(&shop, "payment").await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_client_revokes_a_token_with_the_older_ones_and_no_token_of_another_client() {
    let shop = Shop::open().await;
    let secret = create(&shop, "reports", &["products:read"]).await;
    let other = create(&shop, "other", &["products:read"]).await;
    let old = service(&shop, "reports", &secret).await;
    let revoked = service(&shop, "reports", &secret).await;
    let young = service(&shop, "reports", &secret).await;
    let foreign = service(&shop, "other", &other).await;
    let reports = Some(("reports", secret.as_str()));
    let revoke = async |basic, token: &str| {
        post_form(&shop.user, "/oauth/revoke", basic, &format!("token={token}&token_type_hint=x")).await
    };

    let answer = revoke(reports, revoked.token()).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.text());

    for ended in [&revoked, &old] {
        let look = async || {
            let status = ended.get(Kind::Inventory, "/products").await.status;
            if status == 401 { Ok(()) } else { Err(status) }
        };
        eventually("the token is refused", SOON, look).await;
    }
    assert_error(&revoke(reports, foreign.token()).await, 400, "invalid_grant");
    assert_error(&revoke(reports, shop.user.token()).await, 400, "invalid_grant");
    assert_error(&revoke(None, young.token()).await, 401, "invalid_client");
    assert_error(&post_form(&shop.user, "/oauth/revoke", reports, "").await, 400, "invalid_request");
    for nothing in ["nonsense", revoked.token(), "a.b.c"] {
        assert_eq!(revoke(reports, nothing).await.status, 200, "{nothing}");
    }
    for going_on in [&young, &foreign, &shop.user] {
        going_on.get(Kind::Inventory, "/products").await.expect(200);
    }
}

#[tokio::test]
async fn the_metadata_has_the_addresses_that_answer() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let metadata = anonymous.get(Kind::User, "/.well-known/oauth-authorization-server").await.expect(200);
    let base = metadata["issuer"].as_str().expect("an issuer");
    assert_eq!(base, shop.stack.first(Kind::User).expect("it runs").url());
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(metadata["scopes_supported"], json!(["products:read", "stock:write", "orders:read"]));
    for (name, method, status) in [
        ("token_endpoint", Method::POST, 415),
        ("revocation_endpoint", Method::POST, 415),
        ("jwks_uri", Method::GET, 200),
        ("service_documentation", Method::GET, 200),
    ] {
        let url = metadata[name].as_str().expect("an address");
        let path = url.strip_prefix(base).expect("below the issuer");
        let answer = send(anonymous.request(method, Kind::User, path)).await.expect("an answer");
        assert_eq!(answer.status, status, "{name}");
    }
}
