use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::reference;

/// Name, type, example and description of each header of a response.
const HEADERS: [(&str, &str, &str, &str); 11] = [
    (
        "Accept",
        "string",
        "application/json",
        "The media type that the call reads, if the body had another one.",
    ),
    ("Accept-Encoding", "string", "identity", "The coding that is read, if the body had another one."),
    ("ETag", "string", "\"7\"", "The version of the resource, for `If-Match`."),
    ("Idempotency-Replayed", "string", "true", "Present and `true` if the key had this answer before."),
    ("Location", "string", "/orders/01930f5c-8b6e-7c2a-9d41-5a3f0e7b2c10", "The resource."),
    ("Preference-Applied", "string", "wait=10", "The preference that was followed (RFC 7240)."),
    ("RateLimit", "string", "\"logins\";r=0;t=12", "What is left of the limit, and until when."),
    ("RateLimit-Policy", "string", "\"logins\";q=60;w=60", "The limit."),
    ("Retry-After", "integer", "1", "Seconds to wait before the next try."),
    (
        "WWW-Authenticate",
        "string",
        "Bearer error=\"invalid_token\"",
        "The scheme, and what is wrong with the credentials (RFC 6750).",
    ),
    (
        "X-Request-Id",
        "string",
        "01930f5c-8b6e-7c2a-9d41-5a3f0e7b2c10",
        "The id of the request in all logs: the client's, if it sent one.",
    ),
];

/// The parts of a document.
pub(super) fn all() -> Value {
    let header = |(name, kind, example, description)| (name, header(kind, example, description));
    json!(HEADERS.into_iter().map(header).collect::<BTreeMap<_, _>>())
}

/// The reference to a header that is described here.
pub(super) fn known(name: &str) -> Option<Value> {
    HEADERS.iter().any(|(known, ..)| *known == name).then(|| reference("headers", name))
}

fn header(kind: &str, example: &str, description: &str) -> Value {
    let example = example.parse::<u64>().map_or_else(|_| json!(example), |number| json!(number));
    json!({"description": description, "schema": {"type": kind, "examples": [example]}})
}
