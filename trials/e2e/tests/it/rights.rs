//! Every route of every service, called by everybody: the table of `docs/security.md`.

use std::collections::{BTreeMap, BTreeSet};

use ctl::stack::Kind;
use e2e::{Client, HttpResponse, Order, SOON, Shop, eventually, send};
use reqwest::Method;
use runtime::auth::{Role, Scope};
use serde_json::{Value, json};
use testing::Signer;

use crate::authorisation::signer;

const PAGE: &str = include_str!("../../../../docs/security.md");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const NOBODY: &str = "0190a5c4-0000-7000-8000-000000000000";

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Right {
    Refused,
    Allowed,
    /// What belongs to another USER does not exist.
    Absent,
    With(Scope),
}

/// The rights of anonymous, USER, other USER, ADMIN and SERVICE.
fn rights(kind: Kind, call: &str) -> [Right; 5] {
    let (_, table) = PAGE.split_once("<!-- matrix:begin -->").expect("the table");
    let row = |line: &&str| {
        [kind.name(), "all"].iter().any(|service| line.starts_with(&format!("| {service} `{call}` |")))
    };
    let line =
        table.lines().find(row).unwrap_or_else(|| panic!("docs/security.md lacks {} {call}", kind.name()));
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    std::array::from_fn(|n| match cells[n + 2] {
        "" => Right::Refused,
        "yes" => Right::Allowed,
        "404" => Right::Absent,
        scope => Right::With(Scope::parse(scope.trim_matches('`')).unwrap_or_else(|| panic!("{line}"))),
    })
}

/// The calls of a service by its own description, with the roles and scopes that it names.
async fn calls(client: &Client, kind: Kind) -> BTreeMap<(String, String), BTreeSet<String>> {
    let document = client.get(kind, "/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("methods").iter();
        let methods = methods.filter(|(name, _)| METHODS.contains(&name.as_str()));
        let call = |(method, operation): (&String, &Value)| {
            let callers = operation["security"].as_array().into_iter().flatten();
            let callers = callers.filter_map(|security| security["bearer"][0].as_str()).map(str::to_owned);
            ((method.to_uppercase(), path.clone()), callers.collect())
        };
        methods.map(call).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// The callers of a row of the table, as documents name them.
fn callers([anonymous, user, _, admin, service]: [Right; 5]) -> BTreeSet<String> {
    let may = |right: Right| right != Right::Refused;
    let scope = if let Right::With(scope) = service { Some(scope.as_str()) } else { None };
    let roles = [("USER", user), ("ADMIN", admin)].into_iter().filter(|(_, right)| may(*right));
    let callers = roles.map(|(role, _)| role).chain(scope).map(str::to_owned);
    if may(anonymous) { BTreeSet::new() } else { callers.collect() }
}

/// An order and a session of the USER.
struct Ids {
    order: String,
    session: String,
}

impl Ids {
    async fn of(shop: &Shop) -> Self {
        shop.product("MUG", 10).await;
        let order = shop.user.order(&Order::of("MUG", 1)).await;
        let login = shop.user.log_in("user@example.com", "correct horse battery staple").await;
        let sessions = login.get(Kind::User, "/auth/sessions").await.expect(200);
        let session = sessions["data"][0]["id"].as_str().expect("an id").to_owned();
        Self { order, session }
    }

    fn in_path(&self, path: &str) -> String {
        let id = match path {
            path if path.starts_with("/orders/") => &self.order,
            path if path.starts_with("/auth/sessions/") => &self.session,
            _ => NOBODY,
        };
        path.replace("{sku}", "NONE").replace("{id}", id)
    }
}

async fn call(client: &Client, kind: Kind, method: &str, path: &str) -> HttpResponse {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client.request(method.clone(), kind, path);
    let request = if method == Method::GET { request } else { request.json(&json!({})) };
    send(request).await.expect("an answer")
}

fn service(shop: &Shop, signer: &Signer, scopes: &[Scope]) -> Client {
    let mut claims = Signer::claims(Role::Service);
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    claims.scope = Some(scopes.join(" "));
    shop.user.with_token(&signer.sign(&signer.header(), &claims))
}

/// With the scope it may, without it the scope is named, and where no scope helps all of them do not.
async fn assert_service(shop: &Shop, signer: &Signer, right: Right, kind: Kind, method: &str, path: &str) {
    let what = format!("{} {method} {path}", kind.name());
    let answer = async |scopes: &[Scope]| call(&service(shop, signer, scopes), kind, method, path).await;
    let Right::With(scope) = right else {
        let allowed = if right == Right::Allowed { vec![] } else { Scope::ALL.to_vec() };
        let status = answer(&allowed).await.status;
        assert_eq!(right == Right::Allowed, ![401, 403].contains(&status), "{what}: {status}");
        return;
    };
    let others: Vec<Scope> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
    let refused = answer(&others).await;
    refused.problem(403, "insufficient-scope");
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(refused.header("www-authenticate"), challenge, "{what}");
    let status = answer(&[scope]).await.status;
    assert!(![401, 403].contains(&status), "{what} with {scope}: {status}");
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
    let disabled = shop.another_user().await;
    disable(&shop, &disabled).await;
    let ids = Ids::of(&shop).await;
    // The other USER before the USER, who may end what the call names.
    let everybody = [
        (0, "anonymous", shop.user.anonymous()),
        (2, "other USER", shop.another_user().await),
        (1, "USER", shop.user.clone()),
        (3, "ADMIN", shop.admin.clone()),
    ];
    for kind in Kind::ALL {
        for ((method, route), described) in calls(&shop.user, kind).await {
            let rights = rights(kind, &format!("{method} {route}"));
            assert_eq!(described, callers(rights), "the security of {} {method} {route}", kind.name());
            let path = ids.in_path(&route);
            for (column, who, caller) in &everybody {
                let status = call(caller, kind, &method, &path).await.status;
                let right = match rights[*column] {
                    Right::Allowed if *who == "USER" && rights[2] == Right::Absent => status < 300,
                    Right::Allowed => ![401, 403].contains(&status),
                    Right::Absent => status == 404,
                    Right::Refused => status == if *who == "anonymous" { 401 } else { 403 },
                    Right::With(_) => false,
                };
                assert!(right, "{} {method} {route} by {who}: {status}", kind.name());
            }
            assert_service(&shop, &signer, rights[4], kind, &method, &path).await;
            if rights[0] == Right::Refused {
                for ended in [&expired, &disabled] {
                    let status = call(ended, kind, &method, &path).await.status;
                    assert_eq!(status, 401, "{} {method} {route}", kind.name());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_public_catalogue_is_shown_without_a_token_and_nothing_else_is() {
    let shop = Shop::open_with(|options| options.with_env(Kind::Inventory, "PUBLIC_CATALOGUE", "on")).await;
    shop.product("MUG", 10).await;
    let anonymous = shop.user.anonymous();
    for path in ["/products", "/products/MUG", "/products?sku=MUG"] {
        anonymous.get(Kind::Inventory, path).await.expect(200);
        let head = anonymous.request(Method::HEAD, Kind::Inventory, path);
        assert_eq!(send(head).await.expect("an answer").status, 200, "{path}");
        let wrong = shop.user.with_token("wrong").get(Kind::Inventory, path).await;
        wrong.problem(401, "invalid-token");
        shop.user.get(Kind::Inventory, path).await.expect(200);
    }
    for path in ["/products/changes", "/products/MUG/movements", "/ops/streams"] {
        anonymous.get(Kind::Inventory, path).await.problem(401, "missing-token");
    }
    anonymous.post(Kind::Inventory, "/products", &json!({})).await.problem(401, "missing-token");
    anonymous.get(Kind::Payment, "/orders").await.problem(401, "missing-token");
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
