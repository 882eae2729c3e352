//! F11: requests beyond the limits. The refusal must name the limit.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Caller, RequestError};

/// The default `body-limit` of the services, in bytes.
const BODY_LIMIT: usize = 65_536;
/// Lines of an order, characters of a key.
const MOST_ITEMS: usize = 50;
const LONGEST_KEY: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub what: &'static str,
    pub expected: u16,
    /// `None` for a failed connection, with its error in `detail`.
    pub status: Option<u16>,
    pub code: Option<String>,
    pub detail: String,
    pub is_problem: bool,
}

impl Refusal {
    /// The demanded status, and complete problem details.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let said = self.code.as_ref().is_some_and(|code| !code.is_empty()) && !self.detail.is_empty();
        self.status == Some(self.expected) && self.is_problem && said
    }
}

/// `sku` exists, so that the orders are valid otherwise.
pub async fn too_large(caller: &Caller, payment: &str, sku: &str) -> Result<Vec<Refusal>, RequestError> {
    let one = json!([{"sku": sku, "quantity": 1}]);
    let padded = |bytes: usize| json!({"items": one, "padding": "x".repeat(bytes)});
    let lines: Vec<Value> =
        (0..=MOST_ITEMS).map(|number| json!({"sku": format!("{sku}-{number}"), "quantity": 1})).collect();
    let key = || Uuid::now_v7().to_string();
    let attempts = [
        ("a body just over the limit", 413, key(), padded(BODY_LIMIT)),
        ("a body far over the limit", 413, key(), padded(16 * BODY_LIMIT)),
        ("an order of 51 lines", 400, key(), json!({"items": lines})),
        (
            "a key of 256 characters",
            400,
            format!("{:x<width$}", key(), width = LONGEST_KEY + 1),
            json!({"items": one}),
        ),
    ];
    let mut refusals = Vec::new();
    for (what, expected, key, body) in attempts {
        refusals.push(attempt(caller, payment, what, expected, &key, &body).await?);
    }
    Ok(refusals)
}

async fn attempt(
    caller: &Caller,
    payment: &str,
    what: &'static str,
    expected: u16,
    key: &str,
    body: &Value,
) -> Result<Refusal, RequestError> {
    let answer = caller.attempt(payment, key, body).await?;
    let status = answer.status.map(|status| status.as_u16());
    let problem = answer.problem();
    let detail = if status.is_none() { answer.text.clone() } else { problem.detail.unwrap_or_default() };
    let is_problem = answer.content_type.starts_with("application/problem+json");
    Ok(Refusal { what, expected, status, code: problem.code, detail, is_problem })
}
