//! The descriptions of the services, and that of the shop, which is `docs/openapi.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ctl::stack::Kind;
use e2e::{Client, Shop};
use runtime::{
    http::{CODES, Code},
    openapi,
};
use serde_json::{Map, Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.yaml");
const HEAD: &str = "# Made of the code by: UPDATE_DOCS=1 cargo test -p e2e --test it openapi\n";
const PROXY: &str = include_str!("../../../../deploy/haproxy/haproxy.cfg");
const ABOUT: &str = "An order backend: products, orders, accounts. Errors are `application/problem+json` \
                     (RFC 9457); [the codes](/problems). Each service describes the calls of operators \
                     itself. Its page on a local stack: [user](http://127.0.0.1:8002/docs/), \
                     [inventory](http://127.0.0.1:8000/docs/), [payment](http://127.0.0.1:8001/docs/).";

type Documents = BTreeMap<Kind, Value>;

async fn documents(client: &Client) -> Documents {
    let mut documents = Documents::new();
    for kind in Kind::ALL {
        documents.insert(kind, client.get(kind, "/openapi.json").await.expect(200));
    }
    documents
}

fn members<'a>(value: &'a Value, pointer: &str) -> &'a Map<String, Value> {
    value.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("no {pointer}"))
}

/// All operations, by their method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in members(document, "/paths") {
        for (method, operation) in members(item, "") {
            if operation.get("responses").is_some() {
                found.push((format!("{method} {path}"), operation));
            }
        }
    }
    found
}

/// Whether the shipped proxy passes `path` on to the service.
fn is_passed_on(kind: Kind, path: &str) -> bool {
    let start = format!("use_backend {kind} if ");
    let rule = PROXY.lines().find_map(|line| line.trim().strip_prefix(&start)).expect("a rule");
    rule.split(" or ").any(|condition| {
        let words: Vec<&str> = condition.trim_matches(['{', '}', ' ']).split(' ').collect();
        let (test, paths) = words.split_first().expect("a condition");
        paths.iter().any(|other| if *test == "path" { path == *other } else { path.starts_with(other) })
    })
}

fn servers(kind: Kind, path: &str) -> Value {
    let port = kind.http_port();
    let local =
        json!({"url": format!("http://127.0.0.1:{port}"), "description": format!("{kind} of a local stack")});
    let proxies =
        [("/", "the proxy that shows this document"), ("https://127.0.0.1:8443", "the proxy of Compose")];
    let proxies = proxies.map(|(url, description)| json!({"url": url, "description": description}));
    let proxies = proxies.into_iter().filter(|_| is_passed_on(kind, path));
    proxies.chain([local]).collect()
}

/// One document for the customers of the shop and its operators: without `/ops`.
fn of_the_shop(documents: &Documents) -> Value {
    let mut paths = Map::new();
    let mut components = json!({});
    for (kind, document) in documents {
        for (path, item) in members(document, "/paths").iter().filter(|(path, _)| !path.starts_with("/ops")) {
            let mut item = item.clone();
            item["servers"] = servers(*kind, path);
            assert!(paths.insert(path.clone(), item).is_none(), "two services have {path}");
        }
        for (part, found) in members(document, "/components") {
            for (name, value) in found.as_object().expect("parts") {
                let before = std::mem::replace(&mut components[part][name], value.clone());
                assert!(before.is_null() || before == *value, "two services describe {name} differently");
            }
        }
    }
    let mut info = documents[&Kind::User]["info"].clone();
    info["title"] = json!("Orderflow");
    info["description"] = json!(ABOUT);
    let servers = servers(Kind::Payment, "/orders");
    let mut document = json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": servers,
        "paths": paths,
        "components": components,
    });
    openapi::finish(&mut document);
    document
}

/// In the order in which people read it.
fn yaml(document: &Value) -> String {
    let part = |name: &str| yaml_serde::to_string(&json!({name: document[name]})).expect("plain data");
    ["openapi", "info", "servers", "tags", "paths", "components"].map(part).concat()
}

#[tokio::test]
async fn the_document_of_the_shop_is_made_of_those_of_the_services() {
    let shop = Shop::open().await;
    let made = format!("{HEAD}{}", yaml(&of_the_shop(&documents(&shop.user).await)));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(Path::new(FILE), &made).expect("it is written");
    }
    let kept = fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == made, "docs/openapi.yaml is out of date. Its first line has the command.");
}

#[tokio::test]
async fn the_pages_show_their_documents_and_keep_a_token() {
    let shop = Shop::open().await;
    let client = shop.user.anonymous();
    let document = client.get(Kind::User, "/openapi.yaml").await;
    assert_eq!((document.status, document.header("content-type")), (200, "application/yaml"));
    assert!(document.text().starts_with(HEAD));
    let services = Kind::ALL.map(|kind| (kind, "/docs/", "/openapi.json"));
    for (kind, page, document) in services.into_iter().chain([(Kind::User, "/shop/docs/", "/openapi.yaml")]) {
        assert!(client.get(kind, page).await.text().contains("swagger-ui-bundle.js"), "{kind}{page}");
        let settings = client.get(kind, &format!("{page}swagger-initializer.js")).await.text();
        for expected in [document, "\"persistAuthorization\": true", "\"validatorUrl\": \"none\""] {
            assert!(settings.contains(expected), "{kind}{page} lacks {expected}: {settings}");
        }
    }
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page() {
    let shop = Shop::open().await;
    for kind in Kind::ALL {
        let problem = shop.user.anonymous().get(kind, "/nowhere").await.problem(404, "not-found");
        let page = shop.user.anonymous().get(kind, problem["type"].as_str().expect("an address")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().starts_with("not-found (404)\n"), "{}", page.text());
        let list = shop.user.anonymous().get(kind, "/problems").await.text();
        assert_eq!(list, include_str!("../../../../docs/problems.md"));
    }
}

#[tokio::test]
async fn every_operation_is_described_completely_and_has_a_name_of_its_own() {
    let shop = Shop::open().await;
    let mut names = BTreeSet::new();
    for (kind, document) in &documents(&shop.user).await {
        for (call, operation) in operations(document) {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(names.insert(name.to_owned()), "{call}: another operation is called `{name}`");
            let shape = name.chars().all(|letter| letter.is_ascii_alphabetic());
            assert!(shape && name.starts_with(|first: char| first.is_ascii_lowercase()), "{call}: {name}");
            assert!(operation["summary"].is_string() && operation["security"].is_array(), "{kind} {call}");
            let responses = operation["responses"].as_object().expect("responses");
            for (status, response) in responses {
                let what = format!("{kind} {call} {status}");
                assert_response(document, &what, status, response);
            }
        }
    }
}

fn assert_response(document: &Value, what: &str, status: &str, response: &Value) {
    let shared =
        response["$ref"].as_str().map(|reference| document.pointer(&reference[1..]).expect("a part"));
    let response = shared.unwrap_or(response);
    assert!(response["description"].as_str().is_some_and(|text| text.len() > 3), "{what}: no description");
    assert!(response["headers"]["X-Request-Id"].is_object(), "{what}");
    if status < "400" {
        return;
    }
    let problem = &response["content"]["application/problem+json"];
    let is_oauth = response["content"]["application/json"].is_object();
    let codes = problem["examples"].as_object().map_or(0, Map::len);
    assert!(codes > 0 || is_oauth, "{what}: its description names no code of CODES with this status");
}

/// The Rust files of a folder, without their tests.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let text = |path: std::path::PathBuf| match path.is_dir() {
        true => sources(&path),
        false if path.ends_with("http/codes.rs") => String::new(),
        false => fs::read_to_string(&path)
            .expect("a text")
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    entries.map(text).collect()
}

#[test]
fn every_code_of_a_problem_is_listed_and_every_listed_one_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["shared/runtime/src/http", "shared/runtime/src/auth", "shared/runtime/src/ops"];
    let folders = folders.into_iter().chain(["user/src", "inventory/src", "payment/src"]);
    let text: String = folders.map(|folder| sources(&root.join(folder))).collect();
    for call in ["Problem::new(", "Self::new(", "unavailable(", "conflict(", "unauthorized(", "refused("] {
        for (at, _) in text.match_indices(call) {
            // Of the same statement.
            let call = text[at..].split([';', '}']).next().unwrap_or_default();
            let literal = call.split('"').nth(1).unwrap_or_default();
            let is_code = literal.contains('-')
                && literal.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(!is_code || Code::find(literal).is_some(), "CODES lacks {literal}");
        }
    }
    for code in CODES {
        let used =
            text.contains(&format!("\"{}\"", code.name)) || PROXY.contains(&format!("/{}\"", code.name));
        assert!(used, "no service and no proxy answers {}", code.name);
    }
}
