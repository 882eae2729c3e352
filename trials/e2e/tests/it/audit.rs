//! The audit trail: who did what to what, from where, when and with which outcome.

use std::time::Instant;

use ctl::stack::{Kind, StackOptions};
use e2e::{Client, HttpResponse, SOON, Shop, eventually, first, send};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_postgres::NoTls;

async fn id_of(client: &Client) -> String {
    client.get(Kind::User, "/auth/user").await.expect(200)["id"].as_str().expect("an id").to_owned()
}

/// Waits for the records that match `query`, newest first.
async fn records(shop: &Shop, kind: Kind, query: &str, count: usize) -> Vec<Value> {
    let look = async || {
        let found = shop.admin.all(kind, &format!("/ops/audit?{query}"), 100).await;
        if found.len() == count { Ok(found) } else { Err(found) }
    };
    eventually("the records are there", SOON, look).await
}

/// Log lines of the audit trail for a request.
/// The record of a request. A service writes it to its output a moment before or after the answer arrives here.
async fn logged(shop: &Shop, kind: Kind, request_id: &str) -> Value {
    let output = shop.stack.service(first(kind)).expect("it runs").output();
    let record = async || {
        let lines = output.lines(|line| line.contains(request_id));
        let mut parsed = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.find(|line| line["target"] == "audit").ok_or_else(|| lines.join("\n"))
    };
    eventually("the record is in the log", SOON, record).await
}

fn request_id(answer: &HttpResponse) -> String {
    answer.header("x-request-id").to_owned()
}

async fn promote(shop: &Shop, id: &str) -> HttpResponse {
    let request = shop.admin.request(Method::PATCH, Kind::User, &format!("/users/{id}"));
    send(request.json(&json!({"role": "ADMIN"}))).await.expect("an answer")
}

#[tokio::test]
async fn a_role_change_is_written_with_who_whom_from_where_when_and_outcome() {
    let shop = Shop::open().await;
    let (admin, user) = (id_of(&shop.admin).await, id_of(&shop.user).await);
    let answer = promote(&shop, &user).await;
    answer.expect(200);
    // Stored before the answer: no wait.
    let path = format!("/ops/audit?subject={user}&action=PATCH%20/users/%7Bid%7D");
    let record = shop.admin.get(Kind::User, &path).await.expect(200)["data"][0].clone();
    let expected = json!({
        "actor": admin, "role": "ADMIN", "address": "127.0.0.1", "action": "PATCH /users/{id}", "subject": user,
        "outcome": "done", "status": 200, "code": null, "request_id": request_id(&answer),
    });
    for (name, value) in expected.as_object().expect("members") {
        assert_eq!(&record[name], value, "{name} of {record}");
    }
    assert_eq!(record["details"], json!({"role": "ADMIN"}));
    assert!(record["session"].is_string() && record["at"].is_string(), "{record}");

    let row = format!(
        "SELECT count(*) FROM audit WHERE id = '{}' AND actor = '{admin}' AND subject = '{user}' AND outcome = 'done'
         AND address = '127.0.0.1' AND request_id = '{}' AND at BETWEEN now() - interval '1 minute' AND now()",
        record["id"].as_str().expect("an id"),
        request_id(&answer)
    );
    assert_eq!(shop.number(Kind::User, &row).await, 1);

    let line = logged(&shop, Kind::User, &request_id(&answer)).await;
    for name in ["actor", "role", "address", "action", "subject", "outcome", "status", "session"] {
        assert_eq!(line[name], record[name], "{name} of {line}");
    }
    assert_eq!(line["details"], r#"{"role":"ADMIN"}"#);
}

#[tokio::test]
async fn a_failed_login_is_written_without_password_and_e_mail() {
    let shop = Shop::open().await;
    let user = id_of(&shop.user).await;
    let log_in = async |email: &str| {
        let body = json!({"email": email, "password": "canary of a wrong password"});
        let answer = shop.user.anonymous().post(Kind::User, "/auth/login", &body).await;
        answer.problem(401, "invalid-credentials");
        request_id(&answer)
    };
    let known = log_in("user@example.com").await;
    let unknown = log_in("canary@example.com").await;

    let found = records(&shop, Kind::User, "action=POST%20/auth/login&outcome=refused", 2).await;
    let of = |id: &str| found.iter().find(|record| record["request_id"] == id).expect("its record").clone();
    assert_eq!((&of(&known)["subject"], &of(&known)["code"]), (&json!(user), &json!("invalid-credentials")));
    assert_eq!((&of(&unknown)["subject"], &of(&unknown)["actor"]), (&Value::Null, &Value::Null));
    let rows = "SELECT count(*) FROM audit WHERE audit::text ~ 'canary|@example.com'";
    assert_eq!(shop.number(Kind::User, rows).await, 0);
    let log = shop
        .stack
        .service(first(Kind::User))
        .expect("it runs")
        .output()
        .lines(|line| line.contains("canary") || line.contains("user@example.com"));
    assert_eq!(log, Vec::<String>::new());
}

#[tokio::test]
async fn logins_and_what_ends_them_are_written_with_the_account() {
    let shop = Shop::open().await;
    let user = id_of(&shop.user).await;
    let anonymous = shop.user.anonymous();
    let body = json!({"email": "user@example.com", "password": "correct horse battery staple"});
    let token = async || {
        let tokens = anonymous.post(Kind::User, "/auth/login", &body).await.expect(200);
        json!({"refresh_token": tokens["refresh_token"]})
    };
    let (used, ended) = (token().await, token().await);
    anonymous.post(Kind::User, "/auth/refresh", &used).await.expect(200);
    anonymous.post(Kind::User, "/auth/refresh", &used).await.problem(401, "invalid-refresh-token");
    anonymous.post(Kind::User, "/auth/logout", &ended).await.expect(204);

    let found = records(&shop, Kind::User, &format!("subject={user}"), 7).await;
    let acts: Vec<String> = found.iter().map(|act| format!("{} {}", act["action"], act["outcome"])).collect();
    let of = |act: &str| acts.iter().filter(|found| found.replace('"', "") == act).count();
    assert_eq!(of("POST /auth/register done"), 1, "{acts:?}");
    assert_eq!(of("POST /auth/login done"), 3, "{acts:?}");
    assert_eq!(of("POST /auth/refresh done"), 1, "{acts:?}");
    assert_eq!(of("POST /auth/logout done"), 1, "{acts:?}");
    let reused = found.iter().find(|act| act["outcome"] == "refused").expect("the reuse");
    assert_eq!(reused["details"], json!({"reused": true}));
}

#[tokio::test]
async fn a_refused_call_is_written_with_its_caller_also_if_it_only_reads() {
    let shop = Shop::open().await;
    let user = id_of(&shop.user).await;
    for kind in Kind::ALL {
        shop.user.get(kind, "/ops/streams").await.problem(403, "forbidden");
        let record = &records(&shop, kind, &format!("actor={user}&outcome=refused"), 1).await[0];
        assert_eq!(
            (&record["action"], &record["role"], &record["status"], &record["code"]),
            (&json!("GET /ops/streams"), &json!("USER"), &json!(403), &json!("forbidden"))
        );
        shop.user.anonymous().get(kind, "/ops/actors").await.problem(401, "missing-token");
        let record = &records(&shop, kind, "action=GET%20/ops/actors&outcome=refused", 1).await[0];
        assert_eq!((&record["actor"], &record["code"]), (&Value::Null, &json!("missing-token")));
        shop.user.get(kind, "/ops/audit").await.problem(403, "forbidden");
        let reads = shop.admin.get(kind, "/ops/audit?action=GET%20/ops/audit&outcome=done").await.expect(200);
        assert_eq!(reads["data"], json!([]), "an allowed read is no act");
    }
}

#[tokio::test]
async fn changes_of_products_stock_and_dead_letters_are_written_and_orders_have_their_timeline() {
    let shop = Shop::open().await;
    let admin = id_of(&shop.admin).await;
    shop.product("MUG", 10).await;
    let request = shop.admin.request(Method::POST, Kind::Inventory, "/products/MUG/stock");
    let request = request.header("Idempotency-Key", "one").json(&json!({"delta": -3, "reason": "broken"}));
    send(request).await.expect("an answer").expect(200);
    let found = records(&shop, Kind::Inventory, "subject=MUG", 2).await;
    assert_eq!(found[0]["details"], json!({"delta": -3, "stock": 7}));
    assert_eq!(found[1]["details"], json!({"price": 1000, "stock": 10}));

    for _ in 0..2 {
        shop.redis_command::<String>(&["XADD", "order_completed", "*", "event", "not JSON"]).await;
    }
    let look = async || {
        let letters = shop.admin.all(Kind::Inventory, "/ops/dead-letters", 10).await;
        let ids: Vec<String> = letters.iter().filter_map(|it| it["id"].as_str().map(str::to_owned)).collect();
        if ids.len() == 2 { Ok(ids) } else { Err(ids) }
    };
    let ids = eventually("two dead letters are there", SOON, look).await;
    let path = format!("/ops/dead-letters/{}", ids[0]);
    shop.admin.post(Kind::Inventory, &format!("{path}/redrive"), &json!({})).await.expect(200);
    let request =
        shop.admin.request(Method::DELETE, Kind::Inventory, &format!("/ops/dead-letters/{}", ids[1]));
    send(request.json(&json!({"reason": "not JSON"}))).await.expect("an answer").expect(204);
    let redriven = &records(&shop, Kind::Inventory, &format!("subject={}", ids[0]), 1).await[0];
    assert_eq!(redriven["action"], "POST /ops/dead-letters/{id}/redrive");
    let discarded = &records(&shop, Kind::Inventory, &format!("subject={}", ids[1]), 1).await[0];
    assert_eq!((&discarded["actor"], &discarded["details"]), (&json!(admin), &json!({"reason": "not JSON"})));

    let order = json!({"items": [{"sku": "MUG", "quantity": 1}]});
    let request = shop.user.request(Method::POST, Kind::Payment, "/orders").header("Idempotency-Key", "two");
    send(request.json(&order)).await.expect("an answer").expect(202);
    shop.user.post(Kind::Payment, "/orders", &order).await.expect(400);
    shop.admin.post(Kind::Payment, "/orders", &order).await.problem(403, "forbidden");
    let found = records(&shop, Kind::Payment, "action=POST%20/orders", 1).await;
    assert_eq!(found[0]["outcome"], "refused");
}

#[tokio::test]
async fn pages_and_times_narrow_the_trail_and_a_wrong_filter_is_named() {
    let shop = Shop::open().await;
    for n in 0..5 {
        shop.product(&format!("MUG-{n}"), 1).await;
    }
    let all = shop.admin.all(Kind::Inventory, "/ops/audit?action=POST%20/products", 2).await;
    let subjects: Vec<&str> = all.iter().filter_map(|record| record["subject"].as_str()).collect();
    assert_eq!(subjects, ["MUG-4", "MUG-3", "MUG-2", "MUG-1", "MUG-0"]);
    let at = all[2]["at"].as_str().expect("a time");
    let count = async |query: String| {
        shop.admin
            .all(Kind::Inventory, &format!("/ops/audit?action=POST%20/products&{query}"), 100)
            .await
            .len()
    };
    assert_eq!((count(format!("since={at}")).await, count(format!("until={at}")).await), (3, 2));
    for (query, name) in [
        ("outcome=lost", "outcome"),
        ("actor=%00", "actor"),
        ("since=-009998-01-01T00:00:00Z", "since"),
        ("since=yesterday", "since"),
        ("cursor=eA", "cursor"),
        ("limit=0", "limit"),
    ] {
        let answer = shop.admin.get(Kind::Inventory, &format!("/ops/audit?{query}")).await;
        assert_eq!(answer.invalid_fields(), [name]);
    }
}

#[tokio::test]
async fn a_record_can_be_changed_by_nobody_and_deleted_after_a_month_only() {
    let shop = Shop::open().await;
    let (client, connection) =
        tokio_postgres::connect(&shop.stack.database_url(Kind::User), NoTls).await.expect("a connection");
    let work = async move {
        // As the owner of the table, who has more rights than the role of a service in production.
        for change in ["UPDATE audit SET actor = 'somebody'", "DELETE FROM audit", "TRUNCATE audit"] {
            let error = client.batch_execute(change).await.expect_err(change);
            let message = error.as_db_error().expect("of the server").message().to_owned();
            assert_eq!(message, "the table audit is append-only", "{change}");
        }
        let old = "INSERT INTO audit (id, at, action, outcome, status, request_id, details)
                   SELECT gen_random_uuid(), now() - days * interval '1 day', 'OLD', 'done', 0, '', '{}' FROM unnest('{31, 399, 401}'::int[]) days";
        client.batch_execute(old).await.expect("rows");
    };
    tokio::join!(work, connection).1.expect("a connection");
    let mut shop = shop;
    shop.stack.kill9(first(Kind::User)).await.expect("it ran");
    shop.stack.restart(first(Kind::User)).await.unwrap_or_else(|error| panic!("{error}"));
    let count = "SELECT count(*) FROM audit WHERE action = 'OLD'";
    assert_eq!(shop.number(Kind::User, count).await, 2, "400 days are the default of audit-retention");
}

#[tokio::test]
async fn a_flood_of_refusals_writes_no_more_than_its_bound_and_hides_no_change() {
    let bound = |options: StackOptions| options.with_env(Kind::User, "AUDIT_REFUSALS", "2");
    let shop = Shop::open_with(bound).await;
    let (anonymous, user) = (shop.user.anonymous(), id_of(&shop.user).await);
    let began = Instant::now();
    for _ in 0..20 {
        let flood = (0..32).map(|_| anonymous.get(Kind::User, "/ops/streams"));
        assert!(join_all(flood).await.iter().all(|answer| answer.status == 401));
    }
    promote(&shop, &user).await.expect(200);
    let seconds = i64::try_from(began.elapsed().as_secs()).expect("few") + 2;

    let written = async |filter: &str| {
        shop.number(Kind::User, &format!("SELECT count(*) FROM audit WHERE {filter}")).await
    };
    assert_eq!(written("action = 'PATCH /users/{id}'").await, 1);
    let refusals = written("action = 'GET /ops/streams'").await;
    assert!((1..=seconds).contains(&refusals), "{refusals} records in {seconds} s: half of two a second");
    let skipped = shop.metrics(first(Kind::User)).await.sum("orderflow_audit_skipped_total", &[]);
    assert!(skipped >= 640.0 - seconds as f64, "{skipped} were counted");
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_a_record() {
    let shop = Shop::open().await;
    let user = id_of(&shop.user).await;
    let (client, connection) =
        tokio_postgres::connect(&shop.stack.database_url(Kind::User), NoTls).await.expect("a connection");
    let hang_up = async {
        let lock = format!("BEGIN; SELECT FROM accounts WHERE id = '{user}' FOR UPDATE");
        client.batch_execute(&lock).await.expect("the change waits for this transaction");
        let change = send_change(&shop, &user).await;
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let look = async || (shop.number(Kind::User, waits).await > 0).then_some(());
        eventually("the change waits", SOON, look).await;
        drop(change);
        let query = format!("subject={user}&action=PATCH%20/users/%7Bid%7D");
        let record = records(&shop, Kind::User, &query, 1).await[0].clone();
        drop(client);
        record
    };
    let record = tokio::join!(hang_up, connection).0;
    assert_eq!((&record["outcome"], &record["details"]), (&json!("unknown"), &json!({"role": "ADMIN"})));
    assert!(record["actor"].is_string(), "{record}");
}

/// A change of role whose answer nobody reads.
async fn send_change(shop: &Shop, user: &str) -> TcpStream {
    let address = shop.stack.service(first(Kind::User)).expect("it runs").http_addr();
    let body = r#"{"role":"ADMIN"}"#;
    let request = format!(
        "PATCH /users/{user} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        shop.admin.token(),
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    connection
}

#[tokio::test]
async fn without_the_database_an_act_is_answered_and_its_record_is_in_the_log() {
    let faults = |options: StackOptions| options.with_env(Kind::Inventory, "FAULTS", "on");
    let mut shop = Shop::open_on_private_servers_with(faults).await;
    shop.stack.postgres().expect("private").kill().await;
    let request = shop.admin.request(Method::DELETE, Kind::Inventory, "/ops/faults");
    let answer = send(request).await.expect("an answer");
    answer.expect(204);
    assert_eq!(logged(&shop, Kind::Inventory, &request_id(&answer)).await["outcome"], "done");
    let lost = async || {
        let lost = shop.metrics(first(Kind::Inventory)).await.sum("orderflow_audit_lost_total", &[]);
        if lost >= 1.0 { Ok(()) } else { Err(lost) }
    };
    eventually("the loss is counted", SOON, lost).await;
}
