//! Signing keys: how they are stored, who sees them, and how they change.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use ctl::stack::{Kind, Sink, StackError, StackOptions};
use e2e::{Client, HttpResponse, SOON, Shop, eventually, first, send, service_binaries};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;
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

/// All calls that take any token.
const EVERYWHERE: [(Kind, &str); 3] =
    [(Kind::User, "/auth/user"), (Kind::Inventory, "/products"), (Kind::Payment, "/orders")];

async fn keys(client: &Client) -> Vec<Value> {
    client.get(Kind::User, "/ops/keys").await.expect(200)["data"].as_array().expect("keys").clone()
}

fn kid(key: &Value) -> String {
    key["kid"].as_str().expect("a kid").to_owned()
}

async fn published(client: &Client) -> BTreeSet<String> {
    let document = client.get(Kind::User, "/.well-known/jwks.json").await.expect(200);
    document["keys"].as_array().expect("keys").iter().map(kid).collect()
}

/// Of the header of a new token.
async fn signer_of(client: &Client) -> (String, Client) {
    let client = client.log_in("user@example.com", "correct horse battery staple").await;
    let (header, _) = client.token().split_once('.').expect("a JWT");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64");
    (kid(&serde_json::from_slice(&header).expect("JSON")), client)
}

async fn rotate(client: &Client) -> HttpResponse {
    client.post(Kind::User, "/ops/keys", &json!({})).await
}

async fn retire(client: &Client, kid: &str) -> HttpResponse {
    let path = format!("/ops/keys/{kid}");
    send(client.request(Method::DELETE, Kind::User, &path)).await.expect("an answer")
}

async fn assert_refused_everywhere(client: &Client) {
    for (kind, path) in EVERYWHERE {
        let look = async || {
            let answer = client.get(kind, path).await;
            if answer.status == 401 { Ok(answer) } else { Err(answer.status) }
        };
        eventually("the token is refused", SOON, look).await.problem(401, "invalid-token");
    }
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_one_before_verifies_until_its_last_token_expires() {
    // Verifiers ask for no unknown key here: they know the new one in time.
    let shop = Shop::open_with(|options| {
        let options = options.with_env(Kind::User, "SIGNING_KEY_NOTICE", "20s");
        let options = options.with_env(Kind::Inventory, "JWKS_REFRESH", "1h");
        options.with_env(Kind::Payment, "JWKS_REFRESH", "1h")
    })
    .await;
    let (old, first) = signer_of(&shop.user).await;

    let new = rotate(&shop.admin).await.expect(201);
    assert_eq!(new["state"], "published");
    rotate(&shop.admin).await.problem(409, "rotation-in-progress");
    let new = kid(&new);
    assert_eq!(published(&shop.user).await, BTreeSet::from([old.clone(), new.clone()]));
    assert_eq!(signer_of(&shop.user).await.0, old);

    let signs = async || {
        let (signer, client) = signer_of(&shop.user).await;
        if signer == new { Ok(client) } else { Err(signer) }
    };
    let second = eventually("the new key signs", SOON, signs).await;
    for (kind, path) in EVERYWHERE {
        first.get(kind, path).await.expect(200);
        second.get(kind, path).await.expect(200);
    }
    let states: Vec<Value> = keys(&shop.admin).await.iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["signing", "verifying"]);

    shop.execute(Kind::User, "UPDATE signing_keys SET signs_from = signs_from - interval '1 hour'").await;
    assert_refused_everywhere(&first).await;
    assert_eq!(published(&shop.user).await, BTreeSet::from([new]));
    second.get(Kind::Payment, "/orders").await.expect(200);
}

#[tokio::test]
async fn all_instances_of_user_sign_with_the_new_key() {
    let mut shop = Shop::open_with(|options| options.with_env(Kind::User, "SIGNING_KEY_NOTICE", "10s")).await;
    let second = shop.stack.start_service(Kind::User).await.expect("it starts");
    let second = shop.stack.service(second).expect("it runs").url();
    let url = |kind| shop.stack.first(kind).expect("it runs").url();
    let second = Client::new([second, url(Kind::Inventory), url(Kind::Payment)]);

    let new = kid(&rotate(&shop.admin).await.expect(201));

    for instance in [&shop.user, &second] {
        let signs = async || {
            let (signer, client) = signer_of(instance).await;
            if signer == new { Ok(client) } else { Err(signer) }
        };
        let client = eventually("the new key signs", SOON, signs).await;
        for (kind, path) in EVERYWHERE {
            client.get(kind, path).await.expect(200);
            shop.user.with_token(client.token()).get(kind, path).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_stolen_key_is_retired_at_once_and_its_tokens_are_refused_also_those_seen_before() {
    let shop = Shop::open().await;
    for (kind, path) in EVERYWHERE {
        shop.user.get(kind, path).await.expect(200);
    }
    let (stolen, _) = signer_of(&shop.user).await;
    retire(&shop.admin, &stolen).await.problem(409, "only-signing-key");
    retire(&shop.admin, "nonsense%00").await.problem(404, "not-found");
    let new = kid(&rotate(&shop.admin).await.expect(201));

    retire(&shop.admin, &stolen).await.expect(204);

    let (signer, again) = signer_of(&shop.user).await;
    assert_eq!(signer, new, "without waiting for its time");
    assert_eq!(published(&shop.user).await, BTreeSet::from([new.clone()]));
    assert_refused_everywhere(&shop.user).await;
    for (kind, path) in EVERYWHERE {
        let look = async || {
            let status = again.get(kind, path).await.status;
            if status == 200 { Ok(()) } else { Err(status) }
        };
        eventually("the new key is known", SOON, look).await;
    }
    let admin = shop.stack.credentials().admin.clone();
    let admin = again.log_in(&admin.email, &admin.password).await;
    retire(&admin, &stolen).await.problem(404, "not-found");
}

#[tokio::test]
async fn shopctl_rotates_and_lists_keys() {
    let shop = Shop::open().await;
    let shopctl = async |arguments: &[&str]| {
        let mut command = Command::new(service_binaries().join("shopctl"));
        command.args(arguments).args(["--json", "--data-dir", "/nowhere", "--token", shop.admin.token()]);
        command.args(["--user-url", &shop.stack.first(Kind::User).expect("it runs").url()]);
        let output = command.output().await.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let new = shopctl(&["keys", "rotate"]).await;
    let listed = shopctl(&["keys", "list"]).await;
    assert_eq!(
        (listed["data"][0]["kid"].clone(), listed["data"].as_array().map(Vec::len)),
        (new["kid"].clone(), Some(2))
    );
    shopctl(&["keys", "retire", &kid(&new)]).await;
    assert_eq!(keys(&shop.admin).await.len(), 1);
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
