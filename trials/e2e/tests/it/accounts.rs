use std::process::Stdio;

use ctl::stack::{Kind, ServiceId};
use e2e::{Client, HttpResponse, Order, SOON, Shop, eventually, first, send, service_binaries};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

const EMAIL: &str = "user@example.com";
/// Of every user of the tests.
const PASSWORD: &str = "correct horse battery staple";

async fn log_in(shop: &Shop, email: &str, password: &str) -> HttpResponse {
    shop.user
        .anonymous()
        .post(Kind::User, "/auth/login", &json!({"email": email, "password": password}))
        .await
}

async fn call(client: &Client, method: Method, path: &str, body: &Value) -> HttpResponse {
    send(client.request(method, Kind::User, path).json(body)).await.expect("an answer")
}

async fn id_of(client: &Client) -> String {
    let account = client.get(Kind::User, "/auth/user").await.expect(200);
    account["id"].as_str().expect("an id").to_owned()
}

async fn change(shop: &Shop, id: &str, change: Value) {
    call(&shop.admin, Method::PATCH, &format!("/users/{id}"), &change).await.expect(200);
}

/// Waits until every service refuses the token.
async fn assert_revoked(client: &Client) {
    for (kind, path) in
        [(Kind::User, "/auth/user"), (Kind::Inventory, "/products"), (Kind::Payment, "/orders")]
    {
        let look = async || {
            let answer = client.get(kind, path).await;
            if answer.status == 401 { Ok(answer) } else { Err(answer.status) }
        };
        eventually("the token is refused", SOON, look).await.problem(401, "revoked-token");
    }
}

#[tokio::test]
async fn another_email_needs_the_password_and_ends_all_sessions() {
    let shop = Shop::open().await;
    let id = id_of(&shop.user).await;
    let change = async |body: Value| call(&shop.user, Method::PATCH, "/auth/user", &body).await;
    let new = "Ada.New@Example.com";

    change(json!({"email": new, "password": "the wrong one entirely"})).await.problem(403, "wrong-password");
    let taken = &shop.stack.credentials().admin.email;
    change(json!({"email": taken, "password": PASSWORD})).await.problem(409, "email-taken");
    assert_eq!(change(json!({"email": "ada"})).await.invalid_fields(), ["/email", "/password"]);
    log_in(&shop, EMAIL, PASSWORD).await.expect(200);
    let changed = change(json!({"email": new, "password": PASSWORD})).await.expect(200);
    assert_eq!(
        (changed["id"].as_str(), &changed["email"]),
        (Some(id.as_str()), &"ada.new@example.com".into())
    );

    assert_revoked(&shop.user).await;
    let sessions = format!("SELECT count(*) FROM sessions WHERE account_id = '{id}'");
    assert_eq!(shop.number(Kind::User, &sessions).await, 0);
    log_in(&shop, EMAIL, PASSWORD).await.problem(401, "invalid-credentials");
    assert_eq!(id_of(&shop.user.log_in(new, PASSWORD).await).await, id);
}

#[tokio::test]
async fn of_a_deleted_account_its_orders_stay_and_nothing_else() {
    let shop = Shop::open().await;
    shop.product("MUG", 1).await;
    let id = id_of(&shop.user).await;
    let order = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&order).await;
    let delete = async |password: &str| {
        call(&shop.user, Method::DELETE, "/auth/user", &json!({"password": password})).await
    };

    assert_eq!(
        call(&shop.user, Method::DELETE, "/auth/user", &json!({})).await.invalid_fields(),
        ["/password"]
    );
    delete("the wrong one entirely").await.problem(403, "wrong-password");
    delete(PASSWORD).await.expect(204);

    assert_revoked(&shop.user).await;
    let kept = format!(
        "SELECT (SELECT count(*) FROM accounts WHERE id = '{id}' OR email = '{EMAIL}')
              + (SELECT count(*) FROM sessions WHERE account_id = '{id}')
              + (SELECT count(*) FROM refresh_tokens t LEFT JOIN sessions s ON s.id = t.session_id WHERE s.id IS NULL)
              + (SELECT count(*) FROM login_attempts WHERE email_hash = sha256('{EMAIL}'))"
    );
    assert_eq!(shop.number(Kind::User, &kept).await, 0);
    let unknown = log_in(&shop, "nobody@example.com", PASSWORD).await.problem(401, "invalid-credentials");
    let deleted = log_in(&shop, EMAIL, PASSWORD).await.problem(401, "invalid-credentials");
    assert_eq!(deleted["detail"], unknown["detail"]);
    let shown = shop.admin.get(Kind::Payment, &format!("/orders/{order}")).await.expect(200);
    assert_eq!(shown["user_id"].as_str(), Some(id.as_str()));

    let registration = json!({"email": EMAIL, "password": PASSWORD});
    shop.user.anonymous().post(Kind::User, "/auth/register", &registration).await.expect(201);
    let again = shop.user.log_in(EMAIL, PASSWORD).await;
    assert_ne!(id_of(&again).await, id);
    again.get(Kind::Payment, &format!("/orders/{order}")).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_admin_deletes_every_account_but_that_of_the_last_admin() {
    let shop = Shop::open().await;
    let admin = id_of(&shop.admin).await;
    let user = id_of(&shop.user).await;
    let delete = async |client: &Client, id: &str| {
        call(client, Method::DELETE, &format!("/users/{id}"), &Value::Null).await
    };
    let own = json!({"password": shop.stack.credentials().admin.password});

    delete(&shop.user, &admin).await.problem(403, "forbidden");
    delete(&shop.admin, &admin).await.problem(409, "last-admin");
    call(&shop.admin, Method::DELETE, "/auth/user", &own).await.problem(409, "last-admin");
    delete(&shop.admin, &user).await.expect(204);
    delete(&shop.admin, &user).await.problem(404, "not-found");
    assert_revoked(&shop.user).await;

    let other = shop.another_user().await;
    change(&shop, &id_of(&other).await, json!({"role": "ADMIN"})).await;
    call(&shop.admin, Method::DELETE, "/auth/user", &own).await.expect(204);
    assert_revoked(&shop.admin).await;
}

#[tokio::test]
async fn a_demoted_admin_is_refused_at_once_by_every_instance_of_user() {
    // Revocations would be seen with the next look only.
    let mut shop = Shop::open_with(|options| options.with_env(Kind::User, "JWKS_INTERVAL", "25s")).await;
    let second: ServiceId = shop.stack.start_service(Kind::User).await.expect("a second instance");
    let id = id_of(&shop.user).await;
    change(&shop, &id, json!({"role": "ADMIN"})).await;
    let admin = shop.user.log_in(EMAIL, PASSWORD).await;
    let ask = async |instance: ServiceId, path: &str| {
        let url = shop.stack.service(instance).expect("it runs").url();
        let request = reqwest::Client::new().get(format!("{url}{path}")).bearer_auth(admin.token());
        send(request).await.expect("an answer")
    };
    let calls =
        [first(Kind::User), second].map(|instance| ["/users", "/ops/actors"].map(|path| (instance, path)));
    for (instance, path) in calls.into_iter().flatten() {
        ask(instance, path).await.expect(200);
    }

    change(&shop, &id, json!({"role": "USER"})).await;
    for (instance, path) in calls.into_iter().flatten() {
        let status = ask(instance, path).await.status;
        // 401 after a look.
        assert!([401, 403].contains(&status), "{path}: {status}");
    }
}

/// `shopctl admin reset` with a password on standard input.
async fn reset(shop: &Shop, email: &str, password: &str) -> bool {
    let database = shop.stack.database_url(Kind::User);
    let mut child = Command::new(service_binaries().join("shopctl"))
        .args(["admin", "reset", email, "--password-stdin", "--database-url", &database])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("shopctl");
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(password.as_bytes()).await.expect("it reads");
    drop(input);
    child.wait().await.expect("it ends").success()
}

#[tokio::test]
async fn an_admin_without_a_password_gets_another_one_by_the_database() {
    let shop = Shop::open_with(|options| options.with_env(Kind::User, "LOGIN_ATTEMPTS", "1")).await;
    let admin = shop.stack.credentials().admin.clone();
    let id = id_of(&shop.admin).await;
    let other = shop.another_user().await;
    change(&shop, &id_of(&other).await, json!({"role": "ADMIN"})).await;
    change(&shop, &id, json!({"disabled": true})).await;
    log_in(&shop, &admin.email, "the wrong one entirely").await.problem(401, "invalid-credentials");
    let new = "entirely new and unguessable";

    assert!(!reset(&shop, EMAIL, new).await, "it is the e-mail of a USER");
    assert!(!reset(&shop, &admin.email, "password").await, "it is weak");
    assert!(reset(&shop, &admin.email, new).await);

    assert_revoked(&shop.admin).await;
    let reset = shop.admin.log_in(&admin.email, new).await;
    reset.get(Kind::User, "/users").await.expect(200);
}
