//! Signing keys: how they are stored, and who sees them.

use std::sync::{Arc, Mutex};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use ctl::stack::{Kind, Sink, StackError, StackOptions};
use e2e::{Shop, first};
use serde_json::json;
use tokio_postgres::NoTls;

const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const PASSWORD: &str = "a canary among passwords";

async fn restart(shop: &mut Shop, key: &str, old: &str) -> Result<(), StackError> {
    let env = [("KEY_ENCRYPTION_KEY", key), ("OLD_KEY_ENCRYPTION_KEY", old)];
    shop.stack.restart_with(first(Kind::User), &env).await
}

async fn count(shop: &Shop, column: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM signing_keys WHERE {column} IS NOT NULL");
    shop.number(Kind::User, &sql).await
}

#[tokio::test]
async fn stored_signing_keys_are_encrypted_at_the_start_and_with_a_new_key_beside_the_old_one() {
    let without = |options: StackOptions| options.with_env(Kind::User, "KEY_ENCRYPTION_KEY", "");
    let mut shop = Shop::open_with(without).await;
    assert_eq!((count(&shop, "pkcs8").await, count(&shop, "sealed_pkcs8").await), (1, 0));

    restart(&mut shop, ONE, "").await.expect("it starts");
    assert_eq!((count(&shop, "pkcs8").await, count(&shop, "sealed_pkcs8").await), (0, 1));
    shop.user.get(Kind::User, "/auth/user").await.expect(200);

    for (key, said) in
        [(OTHER, "key-encryption-key does not open"), ("", "give the setting key-encryption-key")]
    {
        let refused = restart(&mut shop, key, "").await.expect_err("the key is another").to_string();
        assert!(refused.contains(said), "{refused}");
    }
    restart(&mut shop, OTHER, ONE).await.expect("it starts");
    restart(&mut shop, OTHER, "").await.expect("the old key is needed no more");
    shop.user.get(Kind::User, "/auth/user").await.expect(200);
}

#[tokio::test]
async fn user_logs_no_key_password_hash_or_token_at_any_level() {
    let log = Arc::new(Mutex::new(String::new()));
    let copy = Arc::clone(&log);
    let keep = move |_, line: &str| {
        let mut log = copy.lock().expect("no panic");
        log.push_str(line);
        log.push('\n');
    };
    // Plaintext keys: the worst case.
    let shop = Shop::open_with(|options| {
        let options = StackOptions { sink: Sink::new(keep), ..options };
        let options = options.with_env(Kind::User, "KEY_ENCRYPTION_KEY", "");
        options.with_env(Kind::User, "LOG_FILTER", "trace")
    })
    .await;
    let anonymous = shop.user.anonymous();
    let login = json!({"email": "canary@example.com", "password": PASSWORD});
    anonymous.post(Kind::User, "/auth/register", &login).await.expect(201);
    let tokens = anonymous.post(Kind::User, "/auth/login", &login).await.expect(200);
    let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let refresh = json!({"refresh_token": token("refresh_token")});
    anonymous.with_token(&token("access_token")).get(Kind::User, "/auth/user").await.expect(200);
    anonymous.post(Kind::User, "/auth/refresh", &refresh).await.expect(200);
    let admin = shop.stack.credentials().admin.password.clone();
    let access = token("access_token");
    let (_, signature) = access.rsplit_once('.').expect("a JWT");

    let mut secrets = vec![PASSWORD.to_owned(), admin, token("refresh_token"), signature.to_owned()];
    secrets.push("$argon2id$".to_owned());
    secrets.extend(spellings(&private_key(&shop).await));
    shop.stack.terminate(first(Kind::User)).await.expect("it ends");

    let log = log.lock().expect("no panic").clone();
    assert!(log.contains(r#""level":"TRACE""#), "the level is trace");
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// The 32 secret bytes, which follow 16 of structure.
async fn private_key(shop: &Shop) -> Vec<u8> {
    let (client, connection) =
        tokio_postgres::connect(&shop.stack.database_url(Kind::User), NoTls).await.expect("a connection");
    let ask = async move { client.query_one("SELECT pkcs8 FROM signing_keys", &[]).await };
    let (row, _) = tokio::join!(ask, connection);
    row.expect("the key").get::<_, Vec<u8>>(0)[16..48].to_vec()
}

/// Hexadecimal, a list of numbers, and base64 at each of its three alignments.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = secret[..8].iter().map(u8::to_string).collect();
    let mut spellings = vec![hexadecimal.to_uppercase(), hexadecimal, list.join(", "), list.join(",")];
    for start in 0..3 {
        let aligned = &secret[start..start + 24];
        spellings.extend([STANDARD.encode(aligned), URL_SAFE.encode(aligned)]);
    }
    spellings
}
