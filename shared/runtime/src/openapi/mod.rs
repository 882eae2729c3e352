//! The OpenAPI 3.1 document of a service.
//!
//! ```text
//! annotations of handlers ─┬─> who may call ─> errors of all calls ─> headers ─> parts in use ─> document
//! annotations of /ops ─────┘
//! ```
//!
//! A handler names only what is its own: success, its codes, its headers. The answers of every handler are
//! added here, so that none can forget them.

mod call;
mod document;
mod errors;
mod headers;
mod names;
mod operation;
mod parts;

use serde_json::{Value, json};
use utoipa::{OpenApi, openapi};

use self::document::{each_operation, members};
use crate::ops::OpsApi;

/// In the order of `/docs`: the shop first.
const TAGS: [(&str, &str); 7] = [
    ("products", "The catalogue."),
    ("orders", "Placing and following orders."),
    ("stock", "The stock of each product, and its ledger."),
    ("auth", "Accounts, sessions and tokens of customers."),
    ("users", "Accounts, for an ADMIN."),
    ("oauth", "Tokens of services: OAuth 2.0 clients."),
    ("ops", "Operations, for an ADMIN."),
];

/// Completes the description of `service`, whose handlers are annotated in `own`, and adds `/ops`.
#[must_use]
pub fn describe(service: &str, own: &openapi::OpenApi) -> Value {
    let mut document = to_json(own);
    let mut ops = to_json(&OpsApi::openapi());
    each_operation(&mut ops, |operation| operation::name_after(service, operation));
    for part in ["/paths", "/components/schemas"] {
        merge(&mut document, &mut ops, part);
    }
    each_operation(&mut document, operation::complete);
    parts::name_pages(&mut document);
    parts::add(&mut document);
    describe_itself(&mut document["info"]);
    document["servers"] = json!([{"url": "/", "description": "the service that shows this document"}]);
    finish(&mut document);
    document
}

const LINKS: &str = "Errors are `application/problem+json` (RFC 9457); [the codes](/problems). The pages of a \
                     local stack: [user](http://127.0.0.1:8002/docs/), [inventory](http://127.0.0.1:8000/docs/), \
                     [payment](http://127.0.0.1:8001/docs/), and [all three without \
                     operations](http://127.0.0.1:8002/shop/docs/).";

fn describe_itself(info: &mut Value) {
    info["description"] = format!("{}\n\n{LINKS}", info["description"].as_str().unwrap_or_default()).into();
    info["contact"] = json!({"name": "The maintainers of Orderflow"});
    info["license"] = json!({"name": "MIT or Apache 2.0", "identifier": "MIT OR Apache-2.0"});
}

/// Drops what nothing refers to, and lists the tags.
pub fn finish(document: &mut Value) {
    parts::keep_used(document);
    let mut used = Vec::new();
    each_operation(document, |operation| used.extend(operation["tags"][0].as_str().map(str::to_owned)));
    let tags = TAGS.iter().filter(|(name, _)| used.iter().any(|tag| tag == name));
    document["tags"] =
        tags.map(|(name, description)| json!({"name": name, "description": description})).collect();
}

fn to_json(document: &openapi::OpenApi) -> Value {
    match serde_json::to_value(document) {
        Ok(document) => document,
        Err(defect) => unreachable!("a description is plain data: {defect}"),
    }
}

/// Moves the members of `part` that `document` lacks.
fn merge(document: &mut Value, other: &mut Value, part: &str) {
    let moved = other.pointer_mut(part).map(Value::take).unwrap_or_default();
    let (Some(members), Value::Object(moved)) = (members(document, part), moved) else { return };
    for (name, member) in moved {
        members.entry(name).or_insert(member);
    }
}
