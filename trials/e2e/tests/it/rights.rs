//! Every route of every service, called by everybody: the table of `docs/security.md`.

use std::collections::BTreeSet;

use ctl::stack::Kind;
use e2e::{Client, SOON, Shop, eventually, send};
use reqwest::Method;
use runtime::auth::Role;
use serde_json::{Value, json};
use testing::Signer;

use crate::authorisation::signer;

const PAGE: &str = include_str!("../../../../docs/security.md");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Whether anonymous, USER, ADMIN and SERVICE may make the call.
fn rights(kind: Kind, call: &str) -> [bool; 4] {
    let (_, table) = PAGE.split_once("<!-- matrix:begin -->").expect("the table");
    let row = |line: &&str| {
        [kind.name(), "all"].iter().any(|service| line.starts_with(&format!("| {service} `{call}` |")))
    };
    let line =
        table.lines().find(row).unwrap_or_else(|| panic!("docs/security.md lacks {} {call}", kind.name()));
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    std::array::from_fn(|n| cells[n + 2] == "yes")
}

/// The calls of a service by its own description.
async fn calls(client: &Client, kind: Kind) -> BTreeSet<(String, String)> {
    let document = client.get(kind, "/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods =
            item.as_object().expect("methods").keys().filter(|name| METHODS.contains(&name.as_str()));
        methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

async fn status(client: &Client, kind: Kind, method: &str, path: &str) -> u16 {
    let path = path.replace("{sku}", "NONE").replace("{id}", "0190a5c4-0000-7000-8000-000000000000");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client.request(method.clone(), kind, &path);
    let request = if method == Method::GET { request } else { request.json(&json!({})) };
    send(request).await.expect("an answer").status
}

#[tokio::test]
async fn every_call_is_allowed_to_those_of_the_table_and_to_nobody_else() {
    let shop = Shop::open_with(|options| {
        Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "FAULTS", "on"))
    })
    .await;
    let signer = signer(&shop).await;
    let mut expired = Signer::claims(Role::Admin);
    (expired.nbf, expired.iat, expired.exp) = (expired.iat - 600, expired.iat - 600, expired.iat - 60);
    let expired = shop.user.with_token(&signer.sign(&signer.header(), &expired));
    let service = shop.user.with_token(&signer.token(Role::Service));
    let disabled = shop.another_user().await;
    disable(&shop, &disabled).await;
    let everybody = [shop.user.anonymous(), shop.user.clone(), shop.admin.clone(), service];
    for kind in Kind::ALL {
        for (method, path) in calls(&shop.user, kind).await {
            let call = format!("{method} {path}");
            let allowed = rights(kind, &call);
            for (n, (caller, allowed_to)) in everybody.iter().zip(allowed).enumerate() {
                let status = status(caller, kind, &method, &path).await;
                let refused = if n == 0 { 401 } else { 403 };
                let right = if allowed_to { ![401, 403].contains(&status) } else { status == refused };
                assert!(right, "{} {call} by caller {n}: {status}", kind.name());
            }
            if !allowed[0] {
                for ended in [&expired, &disabled] {
                    assert_eq!(status(ended, kind, &method, &path).await, 401, "{} {call}", kind.name());
                }
            }
        }
    }
}

async fn disable(shop: &Shop, account: &Client) {
    let id =
        account.get(Kind::User, "/auth/user").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let request = shop.admin.request(Method::PATCH, Kind::User, &format!("/users/{id}"));
    send(request.json(&json!({"disabled": true}))).await.expect("an answer").expect(200);
    for (kind, path) in
        [(Kind::User, "/auth/user"), (Kind::Inventory, "/products"), (Kind::Payment, "/orders")]
    {
        let look = async || {
            let status = account.get(kind, path).await.status;
            if status == 401 { Ok(()) } else { Err(status) }
        };
        eventually("the token is refused", SOON, look).await;
    }
}
