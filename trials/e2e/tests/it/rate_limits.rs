use ctl::stack::{Kind, StackOptions};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use e2e::{HttpResponse, Order, Shop, first, key, send, with_settings};

/// Lets a request choose its source.
fn limited(options: StackOptions, limits: &[(&str, &str)]) -> StackOptions {
    let options = options.with_env(Kind::User, "TRUSTED_PROXIES", "127.0.0.1");
    with_settings(options, Kind::User, limits)
}

async fn post(shop: &Shop, source: &str, path: &str, body: &Value) -> HttpResponse {
    let request = shop.user.anonymous().request(Method::POST, Kind::User, path);
    send(request.header("X-Forwarded-For", source).json(body)).await.expect("an answer")
}

/// Of an unknown e-mail: each login has its own.
async fn log_in(shop: &Shop, source: &str) -> HttpResponse {
    let login = json!({"email": format!("{}@example.com", key()), "password": "the wrong one entirely"});
    post(shop, source, "/auth/login", &login).await
}

#[track_caller]
fn assert_limited(answer: &HttpResponse, policy: &str) {
    answer.problem(429, "too-many-requests");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let (name, _) = policy.split_once(';').expect("a name");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    assert_eq!(answer.header("ratelimit"), format!("{name};r=0;t={wait}"));
}

#[tokio::test]
async fn logins_are_limited_by_source_and_no_other_source_notices() {
    let shop = Shop::open_with(|options| limited(options, &[("LOGINS_PER_SOURCE", "4")])).await;
    for source in ["192.0.2.1", "2001:db8::1"] {
        for _ in 0..4 {
            log_in(&shop, source).await.problem(401, "invalid-credentials");
        }
        assert_limited(&log_in(&shop, source).await, "\"logins\";q=4;w=60");
    }
    assert_limited(&log_in(&shop, "2001:db8::2").await, "\"logins\";q=4;w=60");
    log_in(&shop, "192.0.2.2").await.problem(401, "invalid-credentials");
    log_in(&shop, "198.51.100.1, 192.0.2.1").await.problem(429, "too-many-requests");
    assert!(
        shop.metrics(first(Kind::User)).await.sum("orderflow_limited_total", &["limit=\"logins\""]) >= 4.0
    );
}

#[tokio::test]
async fn instances_count_logins_together() {
    let mut shop = Shop::open_with(|options| limited(options, &[("LOGINS_PER_SOURCE", "4")])).await;
    let second = shop.stack.start_service(Kind::User).await.expect("a second instance");
    let url = format!("{}/auth/login", shop.stack.service(second).expect("it runs").url());
    let elsewhere = async || {
        let login = json!({"email": format!("{}@example.com", key()), "password": "the wrong one entirely"});
        let request = reqwest::Client::new().post(&url).header("X-Forwarded-For", "192.0.2.1").json(&login);
        send(request).await.expect("an answer")
    };
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(log_in(&shop, "192.0.2.1").await.status);
        statuses.push(elsewhere().await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429, 429, 429]);
    assert_limited(&elsewhere().await, "\"logins\";q=4;w=60");
}

#[tokio::test]
async fn registrations_refreshes_and_logouts_are_limited_by_source() {
    let limits = [("REGISTRATIONS_PER_SOURCE", "2"), ("REFRESHES_PER_SOURCE", "2")];
    let shop = Shop::open_with(|options| limited(options, &limits)).await;
    let account =
        || json!({"email": format!("{}@example.com", key()), "password": "correct horse battery staple"});
    let unknown = json!({"refresh_token": "nobody's"});
    for _ in 0..2 {
        post(&shop, "192.0.2.1", "/auth/register", &account()).await.expect(201);
        post(&shop, "192.0.2.1", "/auth/refresh", &unknown).await.problem(401, "invalid-refresh-token");
    }
    assert_limited(
        &post(&shop, "192.0.2.1", "/auth/register", &account()).await,
        "\"registrations\";q=2;w=60",
    );
    for path in ["/auth/refresh", "/auth/logout"] {
        assert_limited(&post(&shop, "192.0.2.1", path, &unknown).await, "\"refreshes\";q=2;w=60");
    }
    let before = "SELECT count(*) FROM accounts";
    let accounts = shop.number(Kind::User, before).await;
    post(&shop, "192.0.2.1", "/auth/register", &account()).await.problem(429, "too-many-requests");
    assert_eq!(shop.number(Kind::User, before).await, accounts);
}

#[tokio::test]
async fn without_the_shared_count_nobody_is_admitted() {
    let shop = Shop::open_with(|options| limited(options, &[])).await;
    shop.execute(Kind::User, "ALTER TABLE rate_limits RENAME TO elsewhere").await;
    let answer = log_in(&shop, "192.0.2.1").await;
    assert!(answer.status >= 500, "{}", answer.text());
    shop.execute(Kind::User, "ALTER TABLE elsewhere RENAME TO rate_limits").await;
    log_in(&shop, "192.0.2.1").await.problem(401, "invalid-credentials");
}

#[tokio::test]
async fn rows_of_limits_go_when_they_say_nothing_more() {
    let shop = Shop::open_with(|options| limited(options, &[])).await;
    for host in 1..=5 {
        log_in(&shop, &format!("192.0.2.{host}")).await.problem(401, "invalid-credentials");
    }
    shop.execute(Kind::User, "UPDATE rate_limits SET whole_at = now() - interval '1 second'").await;
    log_in(&shop, "192.0.2.9").await.problem(401, "invalid-credentials");
    assert_eq!(shop.number(Kind::User, "SELECT count(*) FROM rate_limits").await, 1);
}

#[tokio::test]
async fn a_user_who_orders_too_fast_gets_429_and_nothing_is_stored() {
    let change = |options: StackOptions| {
        let options = options.with_env(Kind::Payment, "ORDERS_PER_USER", "1");
        options.with_env(Kind::Payment, "ORDERS_BURST", "60")
    };
    let shop = Shop::open_with(change).await;
    shop.product("MUG", 1000).await;
    let order = async || shop.user.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key())]).await;
    let answers = join_all((0..120).map(|_| order())).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert!((60..120).contains(&accepted), "{accepted}");
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one is refused");
    assert_limited(refused, "\"orders\";q=60;w=60");
    let stored = shop.number(Kind::Payment, "SELECT count(*) FROM orders").await;
    assert_eq!(usize::try_from(stored), Ok(accepted));
    shop.another_user().await.order(&Order::of("MUG", 1)).await;
}

#[tokio::test]
async fn a_user_waits_for_a_bounded_number_of_answers_at_a_time() {
    let slow = [("WAITS_PER_USER", "1"), ("PROVIDER_LATENCY", "60s"), ("PROVIDER_TIMEOUT", "90s")];
    let shop = Shop::open_with(|options| with_settings(options, Kind::Payment, &slow)).await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let path = format!("/orders/{id}?wait=8");
    let wait = async || shop.user.get(Kind::Payment, &path).await;
    let (one, other) = tokio::join!(wait(), wait());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    wait().await.expect(200);
}

#[tokio::test]
async fn all_users_together_wait_for_a_bounded_number_of_answers_at_a_time() {
    let slow = [("WAIT_LIMIT", "1"), ("PROVIDER_LATENCY", "60s"), ("PROVIDER_TIMEOUT", "90s")];
    let shop = Shop::open_with(|options| with_settings(options, Kind::Payment, &slow)).await;
    shop.product("MUG", 10).await;
    let other = shop.another_user().await;
    let mine = shop.user.order(&Order::of("MUG", 1)).await;
    let theirs = other.order(&Order::of("MUG", 1)).await;
    let [mine, theirs] = [mine, theirs].map(|id| format!("/orders/{id}?wait=8"));
    let (one, another) = tokio::join!(shop.user.get(Kind::Payment, &mine), other.get(Kind::Payment, &theirs));
    let refused = if one.status == 503 { &one } else { &another };
    assert_eq!(one.status + another.status, 703, "{} {}", one.text(), another.text());
    refused.problem(503, "overloaded");
    assert_ne!(refused.header("retry-after"), "");
    other.get(Kind::Payment, &theirs).await.expect(200);
}

#[tokio::test]
async fn token_requests_are_limited_by_source_and_by_client() {
    let limits = [("TOKEN_REQUESTS_PER_SOURCE", "2"), ("TOKEN_REQUESTS_PER_CLIENT", "3")];
    let shop = Shop::open_with(|options| limited(options, &limits)).await;
    let client = json!({"client_id": "reports", "scopes": ["products:read"]});
    let created = shop.admin.post(Kind::User, "/oauth/clients", &client).await.expect(201);
    let secret = created["client_secret"].as_str().expect("a secret");
    let ask = async |source: &str, secret: &str| {
        let request = shop.user.anonymous().request(Method::POST, Kind::User, "/oauth/token");
        let request = request.basic_auth("reports", Some(secret)).header("X-Forwarded-For", source);
        let form = "grant_type=client_credentials";
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        send(request).await.expect("an answer")
    };
    for _ in 0..2 {
        ask("192.0.2.1", "a wrong secret").await.expect(401);
    }
    assert_limited(&ask("192.0.2.1", secret).await, "\"token-requests\";q=2;w=60");
    for host in 2..=4 {
        ask(&format!("192.0.2.{host}"), secret).await.expect(200);
    }
    assert_limited(&ask("192.0.2.5", secret).await, "\"client-token-requests\";q=3;w=60");
}
