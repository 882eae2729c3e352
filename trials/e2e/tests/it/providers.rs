//! Tokens of another identity provider, made by a foreign library.

use std::process::Command;

use ctl::stack::Kind;
use e2e::{Client, Order, SOON, Shop, eventually, first, key, python};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const ISSUER: &str = "https://id.example.com/realms/shop";
const AUDIENCE: &str = "orderflow";
const SCRIPT: &str = include_str!("provider.py");
const PACKAGES: [&str; 2] = ["PyJWT==2.10.1", "cryptography==46.0.3"];

/// Key set and tokens.
fn issued() -> Value {
    let output = Command::new(python::with("tokens", &PACKAGES, "import jwt, cryptography"))
        .args(["-c", SCRIPT, ISSUER, AUDIENCE])
        .output()
        .expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Serves the key set as long as the task is kept.
async fn serve(jwks: &Value) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let body = jwks.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
    let answer = format!("{head} {}\r\n\r\n{body}", body.len());
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A client may be gone again.
            _ = stream.read(&mut [0; 4096]).await;
            _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, server)
}

async fn open(jwks_url: &str) -> Shop {
    let settings = [
        ("JWKS_URL", jwks_url),
        ("TOKEN_ISSUER", ISSUER),
        ("TOKEN_AUDIENCE", AUDIENCE),
        ("TOKEN_ALGORITHMS", "RS256,ES256,EdDSA"),
        ("TOKEN_TYPES", "JWT"),
        ("TOKEN_ROLE_CLAIM", "/realm_access/roles"),
    ];
    let shop = Shop::open_with(|options| {
        [Kind::Inventory, Kind::Payment].into_iter().fold(options, |options, kind| {
            settings.iter().fold(options, |options, (name, value)| options.with_env(kind, name, value))
        })
    })
    .await;
    shop.stack.terminate(first(Kind::User)).await.expect("it is not needed");
    shop
}

fn each(client: &Client, tokens: &Value) -> Vec<(String, Client)> {
    let client = |(name, token): (&String, &Value)| {
        (name.clone(), client.with_token(token.as_str().expect("a token")))
    };
    tokens.as_object().expect("tokens").iter().map(client).collect()
}

#[tokio::test]
async fn tokens_of_another_provider_are_accepted_by_its_keys_and_roles_and_no_others() {
    let issued = issued();
    let (keys, _server) = serve(&issued["jwks"]).await;
    let shop = open(&keys).await;
    let both = [(Kind::Inventory, "/products"), (Kind::Payment, "/orders")];

    for (name, client) in each(&shop.user, &issued["refused"]) {
        for (kind, path) in both {
            // 503 while another look at the keys goes on.
            let judged = async || match client.get(kind, path).await {
                answer if answer.status == 503 => Err(answer.status),
                answer => Ok(answer),
            };
            let answer = eventually("the token is judged", SOON, judged).await;
            assert_eq!(answer.status, 401, "{name}: {}", answer.text());
            answer.problem(401, "invalid-token");
        }
    }
    let expired = shop.user.with_token(issued["expired"].as_str().expect("a token"));
    expired.get(Kind::Payment, "/orders").await.problem(401, "expired-token");
    // Of our own service, which does not issue tokens here.
    shop.admin.get(Kind::Inventory, "/products").await.problem(401, "invalid-token");

    let admins = each(&shop.user, &issued["admin"]);
    let users = each(&shop.user, &issued["user"]);
    assert_eq!((admins.len(), users.len()), (3, 3));
    for (name, admin) in &admins {
        let product = json!({"sku": format!("MUG-{}", name.to_uppercase()), "name": "A mug",
                             "price": {"amount": 1000, "currency": "EUR"}, "stock": 5});
        admin.post(Kind::Inventory, "/products", &product).await.expect(201);
        admin.get(Kind::Payment, "/ops/actors").await.expect(200);
    }
    let arrived = async || {
        let count = shop.number(Kind::Payment, "SELECT count(*) FROM catalogue").await;
        (count == 3).then_some(())
    };
    eventually("the products are in payment's catalogue", SOON, arrived).await;
    for (name, user) in &users {
        user.get(Kind::Inventory, "/products").await.expect(200);
        user.get(Kind::Payment, "/ops/actors").await.problem(403, "forbidden");
        let order = Order::of(&format!("MUG-{}", name.to_uppercase()), 1);
        let placed = user.order_with(&order, &[("Idempotency-Key", &key())]).await.expect(202);
        let end = user.wait_for_end(placed["id"].as_str().expect("an id")).await;
        assert_eq!(end["status"], "confirmed", "{name}");
    }
    // One subject, one customer, whatever signs.
    for (_, user) in &users {
        assert_eq!(user.all(Kind::Payment, "/orders", 10).await.len(), 3);
    }
}
