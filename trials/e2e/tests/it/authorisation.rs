use ctl::stack::Kind;
use reqwest::Method;
use runtime::auth::Role;
use serde_json::{Value, json};
use testing::Signer;
use tokio_postgres::NoTls;

use e2e::{Client, Order, Shop, key, send};

pub async fn signer(shop: &Shop) -> Signer {
    let (client, connection) =
        tokio_postgres::connect(&shop.stack.database_url(Kind::User), NoTls).await.expect("a connection");
    let sql = "SELECT kid, sealed_pkcs8, public_key FROM signing_keys";
    let ask = async move { client.query_one(sql, &[]).await };
    let (row, _) = tokio::join!(ask, connection);
    let row = row.expect("the key");
    Signer::sealed(row.get(0), &shop.stack.credentials().key_encryption_key, row.get(1), row.get(2))
}

/// Calls that any token may make.
const FOR_ANYBODY: [(Kind, &str); 3] =
    [(Kind::User, "/auth/user"), (Kind::Inventory, "/products"), (Kind::Payment, "/orders")];

#[tokio::test]
async fn a_token_that_is_missing_expired_forged_or_unsigned_is_a_401_everywhere() {
    let shop = Shop::open().await;
    let signer = signer(&shop).await;
    let mut expired = Signer::claims(Role::Admin);
    (expired.nbf, expired.exp) = (expired.iat - 600, expired.iat - 60);
    let mut foreign = Signer::claims(Role::Admin);
    foreign.aud = "another-shop".to_owned();
    let good = Signer::claims(Role::Admin);
    let tampered = format!("{}x", shop.admin.token());
    let tokens = [
        ("expired-token", signer.sign(&signer.header(), &expired)),
        ("invalid-token", signer.sign(&signer.header(), &foreign)),
        ("invalid-token", Signer::unsigned(&signer.kid, &good)),
        ("invalid-token", Signer::signed_with_public_key(&signer.kid, &signer.public_key, &good)),
        ("invalid-token", Signer::generate().sign(&signer.header(), &good)),
        ("invalid-token", tampered),
        ("invalid-token", "not.a.token".to_owned()),
    ];
    for (kind, path) in FOR_ANYBODY {
        let missing = shop.user.anonymous().get(kind, path).await;
        missing.problem(401, "missing-token");
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        for (code, token) in &tokens {
            shop.user.with_token(token).get(kind, path).await.problem(401, code);
        }
        shop.user.get(kind, path).await.expect(200);
    }
    // A valid token of this signer: the attempts above fail by their defects alone.
    shop.user
        .with_token(&signer.sign(&signer.header(), &good))
        .get(Kind::Payment, "/orders")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_token_of_the_wrong_role_is_a_403() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    let product = json!({"sku": "A", "name": "A", "price": {"amount": 1, "currency": "EUR"}, "stock": 1});
    let redrive = json!({"stream": "order_completed", "dry_run": true});
    let for_admins: [(Method, Kind, &str, Option<&Value>); 14] = [
        (Method::POST, Kind::Inventory, "/products", Some(&product)),
        (Method::DELETE, Kind::Inventory, "/products/MUG", None),
        (Method::GET, Kind::Inventory, "/products/MUG/movements", None),
        (Method::GET, Kind::Inventory, "/products/changes", None),
        (Method::GET, Kind::Inventory, "/ops/streams", None),
        (Method::GET, Kind::Inventory, "/ops/actors", None),
        (Method::GET, Kind::Inventory, "/ops/outbox", None),
        (Method::GET, Kind::Inventory, "/ops/dead-letters", None),
        (Method::POST, Kind::Inventory, "/ops/dead-letters/redrive", Some(&redrive)),
        (Method::GET, Kind::Payment, "/ops/streams", None),
        (Method::GET, Kind::Payment, "/ops/dead-letters", None),
        (Method::GET, Kind::User, "/users", None),
        (Method::GET, Kind::User, "/ops/actors", None),
        (Method::GET, Kind::User, "/ops/metrics", None),
    ];
    for (method, kind, path, body) in for_admins {
        let ask = async |client: &Client| {
            let request = client.request(method.clone(), kind, path);
            send(body.into_iter().fold(request, |request, body| request.json(body))).await.expect("an answer")
        };
        ask(&shop.user).await.problem(403, "forbidden");
        ask(&shop.user.anonymous()).await.problem(401, "missing-token");
    }
    let key = key();
    shop.admin.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key)]).await.problem(403, "forbidden");
    assert_eq!(shop.available("MUG").await, 1);
}

#[tokio::test]
async fn somebody_else_s_order_is_as_absent_as_one_that_never_was() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let stranger = shop.another_user().await;
    for tail in ["", "/timeline", "?wait=1&after_version=0"] {
        let foreign =
            stranger.get(Kind::Payment, &format!("/orders/{id}{tail}")).await.problem(404, "not-found");
        let absent =
            stranger.get(Kind::Payment, &format!("/orders/{}{tail}", key())).await.problem(404, "not-found");
        assert_eq!(foreign["detail"], absent["detail"]);
        shop.admin.get(Kind::Payment, &format!("/orders/{id}{tail}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_user_lists_own_orders_and_an_admin_everybody_s() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let stranger = shop.another_user().await;
    let mine = shop.user.order(&Order::of("MUG", 1)).await;
    let theirs = stranger.order(&Order::of("MUG", 1).paid_by("tok_declined")).await;
    shop.user.wait_for_end(&mine).await;
    stranger.wait_for_end(&theirs).await;
    let ids = async |client: &Client, path: &str| -> Vec<String> {
        let orders = client.all(Kind::Payment, path, 10).await;
        orders.iter().map(|order| order["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&shop.user, "/orders").await, std::slice::from_ref(&mine));
    assert_eq!(ids(&stranger, "/orders").await, std::slice::from_ref(&theirs));
    assert_eq!(ids(&shop.admin, "/orders").await.len(), 2);
    let user_id = stranger.show(&theirs).await["user_id"].as_str().expect("an id").to_owned();
    assert_eq!(ids(&shop.admin, &format!("/orders?user_id={user_id}")).await, [theirs]);
    shop.user.get(Kind::Payment, &format!("/orders?user_id={user_id}")).await.problem(403, "forbidden");
    assert_eq!(ids(&shop.user, "/orders?status=confirmed").await, [mine]);
    assert!(ids(&shop.user, "/orders?status=declined").await.is_empty());
}

#[tokio::test]
async fn nobody_gives_themselves_a_role() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let body = json!({"email": "mallory@example.com", "password": "a long enough one", "role": "ADMIN"});
    assert_eq!(anonymous.post(Kind::User, "/auth/register", &body).await.invalid_fields(), ["/role"]);
    let account = shop.user.get(Kind::User, "/auth/user").await.expect(200);
    let promote = async |client: &Client| {
        let path = format!("/users/{}", account["id"].as_str().expect("an id"));
        send(client.request(Method::PATCH, Kind::User, &path).json(&json!({"role": "ADMIN"})))
            .await
            .expect("an answer")
    };
    promote(&shop.user).await.problem(403, "forbidden");
    assert_eq!(promote(&shop.admin).await.expect(200)["role"], "ADMIN");
    let promoted =
        anonymous.log_in(account["email"].as_str().expect("an e-mail"), "correct horse battery staple").await;
    promoted.get(Kind::User, "/users").await.expect(200);
}

#[tokio::test]
async fn an_admin_whose_role_was_taken_away_cannot_take_it_back_and_the_last_one_keeps_it() {
    // The token of before answers 403 by the role, until the next look answers 401.
    let shop = Shop::open_with(|options| options.with_env(Kind::User, "JWKS_INTERVAL", "25s")).await;
    let id = async |client: &Client| {
        client.get(Kind::User, "/auth/user").await.expect(200)["id"].as_str().expect("an id").to_owned()
    };
    let admin = id(&shop.admin).await;
    let user = id(&shop.user).await;
    let change = async |client: &Client, account: &str, role: &str| {
        let path = format!("/users/{account}");
        send(client.request(Method::PATCH, Kind::User, &path).json(&json!({"role": role})))
            .await
            .expect("an answer")
    };
    change(&shop.admin, &admin, "USER").await.problem(409, "last-admin");
    change(&shop.admin, &user, "ADMIN").await.expect(200);
    let second = shop.user.anonymous().log_in("user@example.com", "correct horse battery staple").await;

    change(&second, &admin, "USER").await.expect(200);

    change(&shop.admin, &admin, "ADMIN").await.problem(403, "forbidden");
    change(&shop.admin, &user, "USER").await.problem(403, "forbidden");
    change(&second, "0190a5c4-0000-7000-8000-000000000000", "USER").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_get_the_same_answer() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let attempt = async |email: &str| {
        let body = json!({"email": email, "password": "the wrong one entirely"});
        let mut problem =
            anonymous.post(Kind::User, "/auth/login", &body).await.problem(401, "invalid-credentials");
        problem["request_id"] = Value::Null;
        problem
    };
    assert_eq!(attempt("user@example.com").await, attempt("nobody@example.com").await);
    let taken = json!({"email": "User@Example.com ", "password": "a long enough one"});
    anonymous.post(Kind::User, "/auth/register", &taken).await.problem(409, "email-taken");
}
