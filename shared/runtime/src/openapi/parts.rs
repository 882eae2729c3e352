//! `components`: what operations refer to.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{
    document::{members, reference},
    errors, headers,
};
use crate::http::Problem;

const BEARER: &str = "An access token, which lives for ten minutes. `POST /auth/login` of `user` (port 8002) \
                      answers one to an e-mail and its password; on a local stack `shopctl token --as admin` \
                      prints one.";

/// Adds the common parts to those of the annotations.
pub(super) fn add(document: &mut Value) {
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    let bearer = json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": BEARER});
    for (part, own) in [
        ("schemas", schemas.into_iter().map(|(name, schema)| (name, json!(schema))).collect()),
        ("headers", headers::all()),
        ("responses", errors::responses()),
        ("examples", errors::examples()),
        ("securitySchemes", json!({"bearer": bearer})),
    ] {
        let found = members(document, &format!("/components/{part}"));
        if let (Some(found), Value::Object(own)) = (found, own) {
            found.extend(own);
        }
    }
}

/// utoipa calls a page of products `Page_Product` and writes the product into it. Here it is `ProductPage`,
/// and refers to `Product`.
pub(super) fn name_pages(document: &mut Value) {
    let Some(schemas) = members(document, "/components/schemas") else { return };
    let pages: Vec<String> = schemas.keys().filter(|name| name.starts_with("Page_")).cloned().collect();
    for page in &pages {
        let Some(mut schema) = schemas.remove(page) else { continue };
        let row = page.trim_start_matches("Page_").to_owned();
        let items = &mut schema["properties"]["data"]["items"];
        let inline = std::mem::replace(items, reference("schemas", &row));
        if inline.get("$ref").is_none() {
            schemas.entry(row.clone()).or_insert(inline);
        }
        schemas.insert(format!("{row}Page"), schema);
    }
    replace_references(document, &|reference| {
        let row = reference.strip_prefix("#/components/schemas/Page_")?;
        Some(format!("#/components/schemas/{row}Page"))
    });
}

fn replace_references(value: &mut Value, replacement: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(replaced) = replacement(reference)
            {
                *reference = replaced;
            }
            members.values_mut().for_each(|member| replace_references(member, replacement));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_references(item, replacement)),
        _ => {}
    }
}

/// Drops parts that nothing refers to, and then those that only they referred to.
pub(super) fn keep_used(document: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        collect_references(document, &mut used);
        let mut dropped = false;
        for part in ["schemas", "headers", "responses", "examples"] {
            let Some(found) = members(document, &format!("/components/{part}")) else { continue };
            let before = found.len();
            found.retain(|name, _| used.contains(&format!("#/components/{part}/{name}")));
            dropped |= found.len() < before;
        }
        if !dropped {
            return;
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
