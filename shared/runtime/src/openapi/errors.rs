//! The error responses of an operation.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::{call::Call, document::reference, headers};
use crate::http::Code;

const PROBLEM: &str = "application/problem+json";

/// A response that many operations have; a part of the document under this name.
struct Shared {
    name: &'static str,
    codes: &'static [&'static str],
}

const fn shared(name: &'static str, codes: &'static [&'static str]) -> Shared {
    Shared { name, codes }
}

const BAD_REQUEST: Shared = shared("BadRequest", &["invalid-request", "malformed-request"]);
const BAD_JSON: Shared =
    shared("BadRequestOrBody", &["invalid-request", "malformed-json", "broken-body", "malformed-request"]);
const BAD_FORM: Shared = shared("BadRequestOrForm", &["invalid-request", "broken-body", "malformed-request"]);
const UNAUTHORIZED: Shared =
    shared("Unauthorized", &["missing-token", "invalid-token", "expired-token", "revoked-token"]);
const FORBIDDEN: Shared = shared("Forbidden", &["forbidden"]);
const LACKS_SCOPE: Shared = shared("ForbiddenOrOutOfScope", &["forbidden", "insufficient-scope"]);
const NOT_FOUND: Shared = shared("NotFound", &["not-found"]);
const SLOW_HEAD: Shared = shared("SlowHead", &["head-timeout"]);
const SLOW_BODY: Shared = shared("SlowHeadOrBody", &["head-timeout", "body-timeout"]);
const LARGE_BODY: Shared = shared("BodyTooLarge", &["body-too-large"]);
const WRONG_TYPE: Shared = shared("UnsupportedMediaType", &["unsupported-media-type"]);
const TOO_MANY: Shared = shared("TooManyRequests", &["too-many-requests"]);
const LARGE_HEAD: Shared = shared("HeadTooLarge", &["head-too-large"]);
const INTERNAL: Shared = shared("InternalError", &["internal-error"]);
const BUSY: Shared = shared("Busy", &["overloaded", "deadline-exceeded"]);
const UNAVAILABLE: Shared =
    shared("Unavailable", &["overloaded", "deadline-exceeded", "database-unavailable", "actor-restarting"]);
const UNVERIFIABLE: Shared = shared(
    "UnavailableOrUnverifiable",
    &["overloaded", "deadline-exceeded", "database-unavailable", "actor-restarting", "keys-unavailable"],
);

const ALL: [&Shared; 17] = [
    &BAD_REQUEST,
    &BAD_JSON,
    &BAD_FORM,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &LACKS_SCOPE,
    &NOT_FOUND,
    &SLOW_HEAD,
    &SLOW_BODY,
    &LARGE_BODY,
    &WRONG_TYPE,
    &TOO_MANY,
    &LARGE_HEAD,
    &INTERNAL,
    &BUSY,
    &UNAVAILABLE,
    &UNVERIFIABLE,
];

/// What can happen to a request before, around and after its handler.
fn of_all_handlers(call: &Call) -> Vec<&'static Shared> {
    let body = call.body.as_deref();
    let mut found = vec![
        match body {
            None => &BAD_REQUEST,
            Some("application/json") => &BAD_JSON,
            Some(_) => &BAD_FORM,
        },
        if body.is_some() { &SLOW_BODY } else { &SLOW_HEAD },
        &LARGE_HEAD,
        &INTERNAL,
    ];
    if body.is_some() {
        found.extend([&LARGE_BODY, &WRONG_TYPE]);
    }
    if call.needs_token {
        found.extend([&UNAUTHORIZED, if call.takes_scopes() { &LACKS_SCOPE } else { &FORBIDDEN }]);
    }
    found.push(match (call.needs_token, body) {
        (true, _) => &UNVERIFIABLE,
        (false, Some(_)) => &UNAVAILABLE,
        (false, None) => &BUSY,
    });
    found
}

/// The error responses, those of the handler included. Its codes are the words of its description that are
/// codes of the status.
pub(super) fn complete(call: &Call, own: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let common = of_all_handlers(call);
    let of_status = |status: &str| common.iter().find(|shared| shared.status() == status).copied();
    let mut responses: BTreeMap<String, Value> =
        common.iter().map(|shared| (shared.status(), shared.reference())).collect();
    for (status, response) in own {
        let other: Vec<&str> = of_status(&status).map(|shared| shared.codes.to_vec()).unwrap_or_default();
        let codes = own_codes(&status, &response).into_iter();
        let codes: Vec<&Code> =
            codes.chain(other.iter().filter_map(|name| Code::find(name))).fold(Vec::new(), with);
        let forms = forms_of_its_own(&response);
        let names: Vec<&str> = codes.iter().map(|code| code.name).collect();
        let known = ALL.iter().find(|shared| forms.is_empty() && shared.codes == names);
        let response =
            known.map_or_else(|| problem(&status, &codes, &response, &forms), |shared| shared.reference());
        responses.insert(status, response);
    }
    responses
}

fn with(mut codes: Vec<&'static Code>, code: &'static Code) -> Vec<&'static Code> {
    if !codes.contains(&code) {
        codes.push(code);
    }
    codes
}

/// A 404 without a code is `not-found`, a 429 `too-many-requests`.
fn own_codes(status: &str, response: &Value) -> Vec<&'static Code> {
    let text = response["description"].as_str().unwrap_or_default();
    let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
    let named: Vec<&Code> =
        words.filter_map(Code::find).filter(|code| code.status.to_string() == status).collect();
    match status {
        "404" | "429" if named.is_empty() => {
            let default = if status == "404" { NOT_FOUND } else { TOO_MANY };
            default.codes.iter().filter_map(|name| Code::find(name)).collect()
        }
        _ => named,
    }
}

/// Bodies that are no plain problems: the errors of OAuth, and problems with further members.
fn forms_of_its_own(response: &Value) -> Vec<(&String, &Value)> {
    let content = response["content"].as_object().into_iter().flatten();
    content.filter(|(_, form)| form["schema"]["$ref"] != "#/components/schemas/Problem").collect()
}

fn problem(status: &str, codes: &[&Code], response: &Value, forms: &[(&String, &Value)]) -> Value {
    let lines: Vec<String> =
        codes.iter().map(|code| format!("* `{}`: {}", code.name, code.meaning)).collect();
    let examples: BTreeMap<&str, Value> =
        codes.iter().map(|code| (code.name, reference("examples", code.name))).collect();
    let members = forms.iter().find(|(kind, _)| *kind == PROBLEM).map(|(_, form)| form["schema"].clone());
    let schema = members.unwrap_or_else(|| reference("schemas", "Problem"));
    let problem = json!({"schema": schema, "examples": examples});
    let mut content: BTreeMap<&str, Value> =
        forms.iter().map(|(kind, form)| (kind.as_str(), (*form).clone())).collect();
    if !codes.is_empty() {
        content.insert(PROBLEM, problem);
    }
    let own_text = if forms.is_empty() { None } else { response["description"].as_str() };
    let text: Vec<&str> = own_text.into_iter().chain(lines.iter().map(String::as_str)).collect();
    let names: &[&str] = match status {
        "401" => &["WWW-Authenticate"],
        "415" => &["Accept", "Accept-Encoding"],
        "429" => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        "503" => &["Retry-After"],
        _ => &[],
    };
    let headers: BTreeMap<&str, Value> = names
        .iter()
        .chain(&["X-Request-Id"])
        .filter_map(|name| Some((*name, headers::known(name)?)))
        .collect();
    json!({"description": text.join("\n"), "headers": headers, "content": content})
}

impl Shared {
    fn status(&self) -> String {
        self.codes.first().and_then(|name| Code::find(name)).map_or(0, |code| code.status).to_string()
    }

    fn reference(&self) -> Value {
        reference("responses", self.name)
    }
}

/// The shared responses, for the parts of a document.
pub(super) fn responses() -> Value {
    let response = |shared: &Shared| {
        let codes: Vec<&Code> = shared.codes.iter().filter_map(|name| Code::find(name)).collect();
        (shared.name.to_owned(), problem(&shared.status(), &codes, &Value::Null, &[]))
    };
    Value::Object(ALL.iter().map(|shared| response(shared)).collect())
}

/// One example a code.
pub(super) fn examples() -> Value {
    let example = |code: &Code| {
        let title = StatusCode::from_u16(code.status).ok().and_then(|status| status.canonical_reason());
        let mut value = json!({
            "type": code.uri(),
            "title": title,
            "status": code.status,
            "detail": code.meaning,
            "code": code.name,
            "request_id": "01930f5c-8b6e-7c2a-9d41-5a3f0e7b2c10",
        });
        if code.name == "invalid-request" {
            value["detail"] = json!("limit: must be a whole number from 1 to 100, got `0`");
            value["errors"] =
                json!([{"pointer": "limit", "reason": "must be a whole number from 1 to 100, got `0`"}]);
        }
        if code.name == "price-changed" {
            let money = |amount: i64| json!({"amount": amount, "currency": "EUR"});
            value["total"] = money(2598);
            value["items"] = json!([{"sku": "DEMO-MUG", "name": "Enamel mug", "unit_price": money(1299),
                "quantity": 2, "line_total": money(2598)}]);
        }
        (code.name.to_owned(), json!({"summary": code.meaning, "value": value}))
    };
    Value::Object(crate::http::CODES.iter().map(example).collect())
}
