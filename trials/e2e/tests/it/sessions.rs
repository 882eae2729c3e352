use ctl::stack::Kind;
use e2e::{Client, HttpResponse, SOON, Shop, eventually, send};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "user@example.com";
/// Of every user of the tests.
const PASSWORD: &str = "correct horse battery staple";

async fn log_in(client: &Client, password: &str) -> HttpResponse {
    client.post(Kind::User, "/auth/login", &json!({"email": EMAIL, "password": password})).await
}

async fn refresh_token(client: &Client) -> String {
    token_of(&log_in(client, PASSWORD).await.expect(200))
}

fn token_of(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().expect("a refresh token").to_owned()
}

async fn refresh(client: &Client, token: &str) -> HttpResponse {
    client.post(Kind::User, "/auth/refresh", &json!({"refresh_token": token})).await
}

async fn assert_ended(client: &Client, token: &str) {
    refresh(client, token).await.problem(401, "invalid-refresh-token");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let first = refresh_token(&anonymous).await;
    let other_session = refresh_token(&anonymous).await;

    let tokens = refresh(&anonymous, &first).await.expect(200);
    let second = token_of(&tokens);
    let access = tokens["access_token"].as_str().expect("an access token");
    anonymous.with_token(access).get(Kind::Payment, "/orders").await.expect(200);
    let third = token_of(&refresh(&anonymous, &second).await.expect(200));

    assert_ended(&anonymous, &first).await;
    assert_ended(&anonymous, &third).await;
    refresh(&anonymous, &other_session).await.expect(200);
    assert_ended(&anonymous, "somebody made this up").await;
}

#[tokio::test]
async fn of_refreshes_at_once_one_wins_and_the_family_ends() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let token = refresh_token(&anonymous).await;

    let answers = join_all((0..4).map(|_| refresh(&anonymous, &token))).await;

    let winners: Vec<&HttpResponse> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_ended(&anonymous, &token_of(&winners[0].expect(200))).await;
}

#[tokio::test]
async fn a_logout_ends_one_session_or_all_of_them() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let [first, second, third] =
        [refresh_token(&anonymous).await, refresh_token(&anonymous).await, refresh_token(&anonymous).await];
    let log_out = async |body: &Value| anonymous.post(Kind::User, "/auth/logout", body).await.expect(204);

    log_out(&json!({"refresh_token": first})).await;
    assert_ended(&anonymous, &first).await;
    let second = token_of(&refresh(&anonymous, &second).await.expect(200));

    log_out(&json!({"refresh_token": third, "all": true})).await;
    assert_ended(&anonymous, &second).await;
    assert_ended(&anonymous, &third).await;
}

#[tokio::test]
async fn somebody_lists_the_own_sessions_and_ends_one() {
    let shop = Shop::open().await;
    let token = refresh_token(&shop.user).await;
    let sessions = shop.user.get(Kind::User, "/auth/sessions").await.expect(200);
    let sessions = sessions["data"].as_array().expect("sessions").clone();
    assert_eq!(sessions.len(), 2, "that of the shop and that of this test");
    let end = async |client: &Client| {
        let path = format!("/auth/sessions/{}", sessions[0]["id"].as_str().expect("an id"));
        send(client.request(Method::DELETE, Kind::User, &path)).await.expect("an answer")
    };

    end(&shop.another_user().await).await.problem(404, "not-found");
    end(&shop.user).await.expect(204);

    assert_ended(&shop.user, &token).await;
    end(&shop.user).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_changed_password_ends_all_sessions() {
    let shop = Shop::open().await;
    let token = refresh_token(&shop.user).await;
    let new = "entirely new and unguessable";
    let change = async |old: &str, new: &str| {
        shop.user.post(Kind::User, "/auth/password", &json!({"old_password": old, "new_password": new})).await
    };

    change("the wrong one entirely", new).await.problem(403, "wrong-password");
    assert_eq!(change(PASSWORD, "user@example.com").await.invalid_fields(), ["/new_password"]);
    let token = token_of(&refresh(&shop.user, &token).await.expect(200));
    change(PASSWORD, new).await.expect(204);

    assert_ended(&shop.user, &token).await;
    log_in(&shop.user, PASSWORD).await.problem(401, "invalid-credentials");
    log_in(&shop.user, new).await.expect(200);
}

#[tokio::test]
async fn a_weak_password_is_refused() {
    let shop = Shop::open().await;
    for (email, password) in [
        ("ada@example.com", "password1"),
        ("ada@example.com", "12345678"),
        ("ada.lovelace@example.com", "ada.lovelace"),
    ] {
        let body = json!({"email": email, "password": password});
        assert_eq!(shop.user.post(Kind::User, "/auth/register", &body).await.invalid_fields(), ["/password"]);
    }
}

#[tokio::test]
async fn after_ten_wrong_passwords_further_guesses_are_refused_and_sessions_and_others_go_on() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let token = refresh_token(&anonymous).await;
    let guess = async || log_in(&anonymous, "the wrong one entirely").await;

    // At once, so that none is checked before all are counted.
    let answers = join_all((0..30).map(|_| guess())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 10);

    let wait = |answer: HttpResponse| -> u64 {
        answer.problem(429, "too-many-attempts");
        assert!(answer.header("ratelimit").starts_with("\"login-attempts\";r=0;t="));
        answer.header("retry-after").parse().expect("seconds")
    };
    assert!((1..=30).contains(&wait(guess().await)));
    assert!(
        (1..=30).contains(&wait(log_in(&anonymous, PASSWORD).await)),
        "the right one does not tell itself"
    );
    let token = token_of(&refresh(&anonymous, &token).await.expect(200));
    shop.another_user().await;

    shop.execute(Kind::User, "UPDATE login_attempts SET blocked_until = now()").await;
    guess().await.problem(401, "invalid-credentials");
    assert!((31..=60).contains(&wait(guess().await)), "the while grows");

    shop.execute(Kind::User, "UPDATE login_attempts SET blocked_until = now()").await;
    log_in(&anonymous, PASSWORD).await.expect(200);
    guess().await.problem(401, "invalid-credentials");
    refresh(&anonymous, &token).await.expect(200);
}

#[tokio::test]
async fn logins_under_way_while_the_password_changes_begin_no_session_that_outlives_it() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let change = json!({"old_password": PASSWORD, "new_password": "another horse battery staple"});
    let logins = join_all((0..8).map(|_| log_in(&anonymous, PASSWORD)));
    let (logins, changed) = tokio::join!(logins, shop.user.post(Kind::User, "/auth/password", &change));
    changed.expect(204);

    for login in logins.into_iter().filter(|login| login.status == 200) {
        let login = login.expect(200);
        refresh(&anonymous, &token_of(&login)).await.problem(401, "invalid-refresh-token");
        let access = login["access_token"].as_str().expect("a token");
        let is_revoked =
            async || match anonymous.with_token(access).get(Kind::User, "/auth/user").await.status {
                401 => Ok(()),
                other => Err(other),
            };
        eventually("the access token is revoked", SOON, is_revoked).await;
    }
}

#[tokio::test]
async fn a_used_refresh_token_logs_nobody_out_but_its_own_session() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let used = refresh_token(&anonymous).await;
    refresh(&anonymous, &used).await.expect(200);
    let other = refresh_token(&anonymous).await;
    let body = json!({"refresh_token": used, "all": true});
    anonymous.post(Kind::User, "/auth/logout", &body).await.expect(204);
    refresh(&anonymous, &other).await.expect(200);
}

#[tokio::test]
async fn an_unknown_email_is_refused_like_a_known_one() {
    let shop = Shop::open().await;
    let anonymous = shop.user.anonymous();
    let guess = async || {
        let body = json!({"email": "nobody@example.com", "password": "the wrong one entirely"});
        anonymous.post(Kind::User, "/auth/login", &body).await
    };
    for _ in 0..10 {
        guess().await.problem(401, "invalid-credentials");
    }
    guess().await.problem(429, "too-many-attempts");
}

#[tokio::test]
async fn a_disabled_account_neither_logs_in_nor_refreshes_until_it_is_enabled() {
    let shop = Shop::open().await;
    let token = refresh_token(&shop.user).await;
    let id = async |client: &Client| {
        client.get(Kind::User, "/auth/user").await.expect(200)["id"].as_str().expect("an id").to_owned()
    };
    let change = async |account: &str, body: Value| {
        let path = format!("/users/{account}");
        send(shop.admin.request(Method::PATCH, Kind::User, &path).json(&body)).await.expect("an answer")
    };
    let user = id(&shop.user).await;
    let admin = id(&shop.admin).await;

    change(&admin, json!({"disabled": true})).await.problem(409, "last-admin");
    change(&user, json!({})).await.problem(400, "invalid-request");
    assert_eq!(change(&user, json!({"disabled": true})).await.expect(200)["disabled"], true);

    assert_ended(&shop.user, &token).await;
    log_in(&shop.user, PASSWORD).await.problem(403, "account-disabled");
    log_in(&shop.user, "the wrong one entirely").await.problem(401, "invalid-credentials");

    change(&user, json!({"disabled": false})).await.expect(200);
    log_in(&shop.user, PASSWORD).await.expect(200);
    assert_ended(&shop.user, &token).await;
}

#[tokio::test]
async fn no_password_or_token_is_stored_but_as_a_hash() {
    let shop = Shop::open().await;
    let token = refresh_token(&shop.user).await;
    for (table, secret) in [("accounts", PASSWORD), ("refresh_tokens", token.as_str())] {
        let rows = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{secret}%'");
        assert_eq!(shop.number(Kind::User, &rows).await, 0, "{table}");
    }
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

async fn logged_in(client: &Client) -> (Client, String) {
    let tokens = log_in(client, PASSWORD).await.expect(200);
    (client.with_token(tokens["access_token"].as_str().expect("a token")), token_of(&tokens))
}

#[tokio::test]
async fn a_demoted_admin_is_refused_everywhere_without_redis_too() {
    let mut shop = Shop::open().await;
    let account = shop.user.get(Kind::User, "/auth/user").await.expect(200);
    let path = format!("/users/{}", account["id"].as_str().expect("an id"));
    let change = async |role: &str| {
        let request = shop.admin.request(Method::PATCH, Kind::User, &path).json(&json!({"role": role}));
        send(request).await.expect("an answer").expect(200);
    };
    change("ADMIN").await;
    let (admin, refresh_token) = logged_in(&shop.user).await;
    admin.get(Kind::Inventory, "/ops/actors").await.expect(200);

    change("USER").await;
    assert_revoked(&admin).await;
    let tokens = refresh(&admin, &refresh_token).await.expect(200);
    let user = admin.with_token(tokens["access_token"].as_str().expect("a token"));
    user.get(Kind::Payment, "/orders").await.expect(200);
    user.get(Kind::Inventory, "/ops/actors").await.problem(403, "forbidden");

    shop.redis().stop().await;
    let change = json!({"disabled": true});
    send(shop.admin.request(Method::PATCH, Kind::User, &path).json(&change))
        .await
        .expect("an answer")
        .expect(200);
    assert_revoked(&user).await;
}

#[tokio::test]
async fn a_logout_and_a_changed_password_end_access_tokens_and_no_other() {
    let shop = Shop::open().await;
    let (first, first_token) = logged_in(&shop.user).await;
    let (second, _) = logged_in(&shop.user).await;

    shop.user.post(Kind::User, "/auth/logout", &json!({"refresh_token": first_token})).await.expect(204);
    assert_revoked(&first).await;
    second.get(Kind::Payment, "/orders").await.expect(200);

    let change = json!({"old_password": PASSWORD, "new_password": "entirely new and unguessable"});
    second.post(Kind::User, "/auth/password", &change).await.expect(204);
    assert_revoked(&second).await;
    shop.admin.get(Kind::Payment, "/orders").await.expect(200);
}

#[tokio::test]
async fn tokens_of_a_retired_key_are_refused_also_those_seen_before() {
    let shop = Shop::open().await;
    shop.user.get(Kind::Payment, "/orders").await.expect(200);

    shop.execute(Kind::User, "DELETE FROM signing_keys").await;

    for (kind, path) in
        [(Kind::User, "/auth/user"), (Kind::Inventory, "/products"), (Kind::Payment, "/orders")]
    {
        let look = async || {
            let status = shop.user.get(kind, path).await.status;
            if status == 401 { Ok(()) } else { Err(status) }
        };
        eventually("the token is refused", SOON, look).await;
    }
}
