//! Refusals in plain words: every call gets every kind of wrong body, parameter and path.

use ctl::stack::Kind;
use e2e::{Client, HttpResponse, Shop, key, send};
use reqwest::Method;
use serde_json::{Value, json};

use crate::semantics::{concrete, paths};

/// Words of Rust, serde and other libraries.
const FORBIDDEN: [&str; 31] = [
    "bool",
    "byte",
    "char",
    "column:",
    "deserialize",
    "deserializer",
    "enum",
    "EOF",
    "Err",
    "expected",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "identifier",
    "isize",
    "None",
    "panicked",
    "parse",
    "parsed",
    "parsing",
    "serde",
    "Some",
    "struct",
    "u8",
    "u32",
    "u64",
    "usize",
    "variant",
];
const PHRASES: [&str; 7] =
    ["invalid digit", "invalid type", "invalid value", "missing field", "unknown field", "at line", "::"];

/// Bodies that no call takes.
const BODIES: [&str; 18] = [
    "",
    " ",
    "{",
    "{}",
    "[]",
    "null",
    "7",
    "\"x\"",
    "nul",
    "{\"a\"",
    "{\"a\":}",
    "{\"a\":1,}",
    "{} {}",
    "[1",
    "\"x",
    "{\"items\":[[1]]}",
    "{1:2}",
    "\u{feff}",
];
/// Values in place of each field.
const VALUES: [&str; 17] = [
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "1e0",
    "1e999",
    "99999999999999999999",
    "9007199254740993",
    "\"\"",
    "\"x\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "[null]",
    "{}",
    "{\"x\":1}",
];
const TEXTS: [&str; 10] =
    ["", "x", "-1", "0", "1.5", "99999999999999999999", "%00", "%FF", "[]", "2026-13-01T00:00:00Z"];

/// A text of a refusal with a word that only programmers of the service know, or a 500.
fn odd_text(answer: &HttpResponse) -> Option<String> {
    if answer.status < 400 {
        return None;
    }
    let problem = answer.json();
    let detail = problem["detail"].as_str().or(problem["error_description"].as_str()).unwrap_or_default();
    let errors = problem["errors"].as_array().into_iter().flatten();
    let mut texts = errors.filter_map(|error| error["reason"].as_str()).chain([detail]);
    let odd = texts.find(|text| text.is_empty() || is_odd(text) || answer.status == 500);
    odd.map(|text| format!("{text:?} in {problem}"))
}

fn is_odd(text: &str) -> bool {
    // What was sent is quoted.
    let own: String = text.split('`').step_by(2).collect();
    let mut words = own.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.any(|word| FORBIDDEN.contains(&word)) || PHRASES.iter().any(|phrase| own.contains(phrase))
}

/// What is odd about the answer.
async fn call(client: &Client, kind: Kind, method: &str, path: &str, body: Option<String>) -> Option<String> {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    let request = client.request(method.clone(), kind, path).header("Idempotency-Key", key());
    let request = request.header("If-Match", "*");
    let request = match &body {
        Some(body) => request.header("Content-Type", "application/json").body(body.clone()),
        None => request,
    };
    let odd = odd_text(&send(request).await.expect("an answer"))?;
    Some(format!("{} {method} {path} {body:?}: {odd}", kind.name()))
}

/// The fields of the body of a call, one level deep, and of the things within.
fn fields<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => document.pointer(name.trim_start_matches('#')).expect("a schema"),
        None => schema,
    };
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn bodies_of(document: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut bodies: Vec<String> = BODIES.map(str::to_owned).to_vec();
    for field in fields(document, schema) {
        bodies.extend(VALUES.map(|value| format!("{{\"{field}\": {value}}}")));
        bodies.push(format!("{{\"{field}\": 1, \"{field}\": 2}}"));
        bodies.push(format!("{{\"{field}\": {{\"amount\": \"x\", \"currency\": 7}}}}"));
        bodies.push(format!("{{\"{field}\": [{{\"sku\": 7, \"quantity\": \"two\"}}]}}"));
        bodies.push(format!("{{\"{field}\": [{{\"sku\": \"A\", \"quantity\": -1, \"x\": 1}}, 7]}}"));
    }
    bodies
}

async fn shop() -> Shop {
    let limits = [
        "LOGINS_PER_SOURCE",
        "REGISTRATIONS_PER_SOURCE",
        "REFRESHES_PER_SOURCE",
        "TOKEN_REQUESTS_PER_SOURCE",
    ];
    Shop::open_with(|options| {
        let options = options.with_env(Kind::Payment, "ORDERS_PER_USER", "100000");
        limits.into_iter().fold(options, |options, limit| options.with_env(Kind::User, limit, "100000"))
    })
    .await
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[tokio::test]
async fn no_wrong_body_is_answered_in_the_words_of_a_library() {
    let shop = shop().await;
    shop.product("MUG", 10).await;
    let (mut calls, mut odd) = (0, Vec::new());
    for kind in Kind::ALL {
        let document = shop.user.get(kind, "/openapi.json").await.expect(200);
        for (path, item) in paths(&shop.user, kind).await {
            let path = concrete(&path.replace("{sku}", "MUG"));
            for method in METHODS.into_iter().filter(|method| item[method]["requestBody"].is_object()) {
                let caller = if path == "/orders" { &shop.user } else { &shop.admin };
                for body in bodies_of(&document, &item[method]) {
                    odd.extend(call(caller, kind, method, &path, Some(body)).await);
                    calls += 1;
                }
            }
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(calls > 500, "{calls} calls");
}

#[tokio::test]
async fn no_wrong_parameter_or_path_is_answered_in_the_words_of_a_library() {
    let shop = shop().await;
    let (mut calls, mut odd) = (0, Vec::new());
    for kind in Kind::ALL {
        for (path, item) in paths(&shop.user, kind).await {
            for method in METHODS.into_iter().filter(|method| item[method].is_object()) {
                let parameters = item[method]["parameters"].as_array().cloned().unwrap_or_default();
                for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
                    let name = parameter["name"].as_str().expect("a name");
                    for text in TEXTS {
                        odd.extend(
                            call(
                                &shop.admin,
                                kind,
                                method,
                                &format!("{}?{name}={text}", concrete(&path)),
                                None,
                            )
                            .await,
                        );
                        calls += 1;
                    }
                    let twice = format!("{}?{name}=1&{name}=2", concrete(&path));
                    odd.extend(call(&shop.admin, kind, method, &twice, None).await);
                }
                for text in ["x", "0", "%00", "%FF", "-"].into_iter().filter(|_| path.contains('{')) {
                    let wrong = path.replace("{sku}", text).replace("{id}", text).replace("{kid}", text);
                    odd.extend(call(&shop.admin, kind, method, &wrong, Some("{}".to_owned())).await);
                }
            }
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(calls > 100, "{calls} calls");
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_every_call_and_named_with_the_known_ones() {
    let shop = shop().await;
    for kind in Kind::ALL {
        for (path, item) in paths(&shop.user, kind).await {
            for method in METHODS.into_iter().filter(|method| item[method].is_object()) {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                let path = format!("{}?colour=red", concrete(&path));
                let request = shop.admin.request(method.clone(), kind, &path).json(&json!({}));
                let refused = send(request).await.expect("an answer");
                assert_eq!(refused.invalid_fields(), ["colour"], "{method} {path}");
            }
        }
        let health = shop.admin.get(kind, "/livez?colour=red").await;
        assert_eq!(health.invalid_fields(), ["colour"]);
    }
    let refused = shop.user.get(Kind::Inventory, "/products?lmit=1").await.problem(400, "invalid-request");
    let reason = refused["errors"][0]["reason"].as_str().unwrap_or_default();
    assert!(["limit", "cursor", "sku"].iter().all(|known| reason.contains(known)), "{refused}");
}
