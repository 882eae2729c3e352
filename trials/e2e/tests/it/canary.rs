//! What is secret, looked for in everything that is written: logs at their lowest level, Redis, and all rows.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose};
use ctl::stack::{Kind, Sink};
use e2e::{HttpResponse, Order, SOON, Shop, eventually};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::authorisation::signer;

const EMAIL: &str = "canary@example.com";
const PASSWORD: &str = "canary yellow sings at 4711 dawn";
const WRONG_PASSWORD: &str = "canary blue sleeps at 4712 noon";
const NEW_PASSWORD: &str = "canary green wakes at 4713 night";

/// A secret as it may be written.
struct Secret {
    name: &'static str,
    forms: Vec<String>,
}

impl Secret {
    fn new(name: &'static str, bytes: &[u8]) -> Self {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string grows");
            hex
        });
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut forms = vec![text, hex, numbers.join(", "), numbers.join(",")];
        // Within a longer text, at each of the three alignments.
        for skipped in 0..3 {
            let groups = bytes[skipped..].chunks_exact(3).flatten().copied().collect::<Vec<u8>>();
            forms.extend([
                general_purpose::STANDARD.encode(&groups),
                general_purpose::URL_SAFE.encode(&groups),
            ]);
        }
        Self { name, forms }
    }

    fn occurs_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
    }
}

/// Everything that a stack writes.
struct Written {
    place: String,
    text: String,
}

async fn post(shop: &Shop, path: &str, body: &Value) -> HttpResponse {
    shop.user.anonymous().post(Kind::User, path, body).await
}

fn tokens(answer: &HttpResponse, secrets: &mut Vec<Secret>) -> (String, String) {
    let body = answer.expect(200);
    let text = |field: &str| body[field].as_str().expect("a token").to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    secrets.push(Secret::new("an access token", access.as_bytes()));
    secrets.push(Secret::new("a refresh token", refresh.as_bytes()));
    (access, refresh)
}

/// Uses every secret once, and returns all of them.
async fn use_all(shop: &Shop) -> Vec<Secret> {
    let credentials = shop.stack.credentials();
    let basic = format!("payment:{}", credentials.client_secret);
    let mut secrets: Vec<Secret> = [
        ("a password", PASSWORD),
        ("a wrong password", WRONG_PASSWORD),
        ("a new password", NEW_PASSWORD),
        ("the password of the ADMIN", &credentials.admin.password),
        ("a client's secret", &credentials.client_secret),
        ("a client's credentials", &basic),
        ("the key that encrypts private keys", &credentials.key_encryption_key),
    ]
    .map(|(name, text)| Secret::new(name, text.as_bytes()))
    .into();
    secrets.push(Secret::new("a private key", signer(shop).await.private_key()));
    let login = |password: &str| json!({"email": EMAIL, "password": password});
    post(shop, "/auth/register", &login(PASSWORD)).await.expect(201);
    post(shop, "/auth/login", &login(WRONG_PASSWORD)).await.problem(401, "invalid-credentials");
    let (_, refresh) = tokens(&post(shop, "/auth/login", &login(PASSWORD)).await, &mut secrets);
    let refreshed = post(shop, "/auth/refresh", &json!({"refresh_token": refresh})).await;
    let (access, refresh) = tokens(&refreshed, &mut secrets);
    post(shop, "/auth/refresh", &json!({"refresh_token": "an unknown one"})).await.expect(401);
    let user = shop.user.with_token(&access);
    // `payment` looks an unknown product up with a token of its own.
    let unknown = Order::of("NEVER-SEEN", 1);
    user.order_with(&unknown, &[("Idempotency-Key", "canary")]).await.problem(404, "unknown-product");
    let order = user.order(&Order::of("MUG", 1)).await;
    user.wait_for_end(&order).await;
    user.with_token(&format!("{access}x")).get(Kind::Payment, "/orders").await.expect(401);
    let count = format!("SELECT count(*) FROM refresh_tokens WHERE token_hash = sha256('{refresh}')");
    assert_eq!(shop.number(Kind::User, &count).await, 1, "a token is stored by its hash");
    let change = json!({"old_password": PASSWORD, "new_password": NEW_PASSWORD});
    user.post(Kind::User, "/auth/password", &change).await.expect(204);
    secrets
}

/// A line of each key and value.
async fn redis(shop: &Shop) -> Written {
    let keys: Vec<String> = shop.redis_command(&["KEYS", "*"]).await;
    let mut text = String::new();
    for key in keys {
        let kind: String = shop.redis_command(&["TYPE", &key]).await;
        let read: &[&str] = match kind.as_str() {
            "string" => &["GET"],
            "hash" => &["HGETALL"],
            "set" => &["SMEMBERS"],
            "list" => &["LRANGE", "0", "-1"],
            "zset" => &["ZRANGE", "0", "-1"],
            "stream" => &["XRANGE", "-", "+"],
            // Expired meanwhile.
            _ => continue,
        };
        let command: Vec<&str> = [read[0], &key].into_iter().chain(read[1..].iter().copied()).collect();
        let value: redis::Value = shop.redis_command(&command).await;
        writeln!(text, "{key} {value:?}").expect("a string grows");
    }
    Written { place: "Redis".to_owned(), text }
}

/// Every row of every table.
async fn dump(shop: &Shop, kind: Kind) -> Written {
    let url = shop.stack.database_url(kind);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    let (text, _) = tokio::join!(rows(client), connection);
    Written { place: format!("the database of {}", kind.name()), text }
}

async fn rows(client: tokio_postgres::Client) -> String {
    let tables =
        "SELECT format('SELECT coalesce(string_agg(t::text, chr(10)), '''') FROM %I.%I t', schemaname,
                                tablename)
                  FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut text = String::new();
    for table in client.query(tables, &[]).await.expect("tables") {
        let rows = client.query_one(table.get::<_, &str>(0), &[]).await.expect("rows");
        writeln!(text, "{}", rows.get::<_, &str>(0)).expect("a string grows");
    }
    text
}

#[tokio::test]
async fn no_password_token_key_or_client_secret_is_written_anywhere() {
    let lines = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&lines);
    let shop = Shop::open_with(|mut options| {
        options.sink = Sink::new(move |_, line| {
            let mut log = log.lock().expect("no panic");
            log.push_str(line);
            log.push('\n');
        });
        Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "LOG_FILTER", "trace"))
    })
    .await;
    shop.product("MUG", 1).await;
    let secrets = use_all(&shop).await;
    let logged = async || lines.lock().expect("no panic").contains("POST /auth/password").then_some(());
    eventually("the last step is logged", SOON, logged).await;

    let log = lines.lock().expect("no panic").clone();
    let mut written = vec![Written { place: "the logs".to_owned(), text: log }, redis(&shop).await];
    for kind in Kind::ALL {
        written.push(dump(&shop, kind).await);
    }
    for (n, known) in ["\"level\":\"TRACE\"", "MUG", EMAIL, "MUG", "MUG"].iter().enumerate() {
        assert!(written[n].text.contains(known), "{} lack {known}", written[n].place);
    }
    for Written { place, text } in &written {
        for secret in &secrets {
            let found: Vec<&str> = text.lines().filter(|line| secret.occurs_in(line)).take(3).collect();
            assert!(found.is_empty(), "{place} contain {}: {found:#?}", secret.name);
        }
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = Secret::new("a word", b"tweet?>");
    let found = |text: &str| secret.occurs_in(text);
    for text in [
        r#"{"password":"tweet?>"}"#,
        r"(1,\\x74776565743f3e)",
        "dHdlZXQ/Pg==",
        "dHdlZXQ_Pg",
        "eHR3ZWV0Pz4=",
        "Bytes([116, 119, 101, 101, 116, 63, 62])",
        "[116,119,101,101,116,63,62]",
    ] {
        assert!(found(text), "{text}");
    }
    assert!(!found("tweet"));
}
