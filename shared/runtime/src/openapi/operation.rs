use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::{call::Call, errors, headers};

/// Adds the errors and headers of all calls, and says who may call.
pub(super) fn complete(operation: &mut Value) {
    let read = Call::read(operation);
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    shorten_summary(operation);
    if let Some(who) = read.who() {
        let text = operation["description"].as_str().map(|text| format!("{text}\n\n{who}"));
        operation["description"] = text.unwrap_or(who).into();
    }
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        complete_parameters(parameters);
    }
    let own: BTreeMap<String, Value> =
        serde_json::from_value(operation["responses"].take()).unwrap_or_default();
    let (errors, mut successes): (BTreeMap<_, _>, BTreeMap<_, _>) =
        own.into_iter().partition(|(status, _)| status.as_str() >= "400");
    successes.iter_mut().for_each(|(status, response)| complete_success(status, response));
    successes.extend(errors::complete(&read, errors));
    operation["responses"] = json!(successes);
}

/// One sentence, as lists of operations show it; the others belong to the description.
fn shorten_summary(operation: &mut Value) {
    let Some(summary) = operation["summary"].as_str().map(|text| text.replace('\n', " ")) else { return };
    let (first, rest) = summary.split_once(". ").unwrap_or((&summary, ""));
    let description = operation["description"].as_str().into_iter();
    let rest: Vec<&str> = [rest].into_iter().chain(description).filter(|text| !text.is_empty()).collect();
    if !rest.is_empty() {
        operation["description"] = rest.join("\n\n").into();
    }
    operation["summary"] = first.trim_end_matches('.').into();
}

/// utoipa adds each argument of a path again.
fn complete_parameters(parameters: &mut Vec<Value>) {
    let mut names = BTreeSet::new();
    parameters.retain(|parameter| names.insert(parameter["name"].to_string()));
    for schema in parameters.iter_mut().filter_map(|parameter| parameter.get_mut("schema")) {
        without_null(schema);
    }
}

/// utoipa gives an optional parameter the type of an optional field. A parameter is absent, and never `null`.
fn without_null(schema: &mut Value) {
    let is_null = |schema: &Value| *schema == "null" || schema["type"] == "null";
    for alternatives in ["type", "oneOf"] {
        let Some(kinds) = schema.get_mut(alternatives).and_then(Value::as_array_mut) else { continue };
        kinds.retain(|kind| !is_null(kind));
        if let [one] = kinds.as_mut_slice() {
            let one = one.take();
            if alternatives == "type" {
                schema["type"] = one;
            } else {
                *schema = one;
            }
        }
    }
}

fn complete_success(status: &str, response: &mut Value) {
    if response["description"].as_str().unwrap_or_default().is_empty() {
        let reason = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
        response["description"] = reason.and_then(|status| status.canonical_reason()).into();
    }
    let mut headers: BTreeMap<String, Value> =
        serde_json::from_value(response["headers"].take()).unwrap_or_default();
    headers.insert("X-Request-Id".to_owned(), Value::Null);
    for (name, header) in &mut headers {
        if let Some(known) = headers::known(name) {
            *header = known;
        }
    }
    response["headers"] = json!(headers);
}

/// `listDeadLetters` of `user` becomes `listUserDeadLetters`: three services have the operation.
pub(super) fn name_after(service: &str, operation: &mut Value) {
    let Some(name) = operation["operationId"].as_str() else { return };
    let verb = name.find(|letter: char| letter.is_ascii_uppercase()).unwrap_or(name.len());
    let (verb, rest) = name.split_at(verb);
    let (first, others) = service.split_at(1);
    operation["operationId"] = format!("{verb}{}{others}{rest}", first.to_ascii_uppercase()).into();
}
