use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Page, Service};

/// The largest page: groups are made of the letters that were read.
const READ: &str = "100";

/// An event that could not be processed.
#[derive(Debug, Clone, Deserialize)]
pub struct DeadLetter {
    pub id: String,
    pub stream: String,
    pub group: String,
    pub consumer: String,
    pub deliveries: u32,
    pub event: Value,
    /// `unreadable`, `rejected` or `delivery-limit`.
    pub reason: String,
    pub first_error: String,
    pub last_error: String,
    pub first_failed_at: String,
    pub dead_lettered_at: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Redriven {
    pub matched: u64,
    pub redriven: u64,
    pub refused: u64,
}

impl DeadLetter {
    pub fn event_type(&self) -> &str {
        self.event["type"].as_str().unwrap_or_default()
    }

    /// The id of the order that the event is about, if it names one.
    pub fn order(&self) -> Option<&str> {
        self.event["data"]["order_id"].as_str()
    }
}

pub fn list(service: Service, cursor: &str) -> Call<Page<DeadLetter>> {
    let call = Call::get(service, ["ops", "dead-letters"]);
    call.query("limit", READ).query("cursor", cursor)
}

pub fn show(service: Service, id: &str) -> Call<DeadLetter> {
    Call::get(service, ["ops", "dead-letters", id])
}

pub fn redrive(service: Service, id: &str) -> Call<()> {
    Call::post(service, ["ops", "dead-letters", id, "redrive"], json!({}))
}

/// Redrives, or counts with `dry_run`, the letters of a stream with this reason and event type.
pub fn redrive_group(
    service: Service,
    stream: &str,
    reason: &str,
    kind: &str,
    dry_run: bool,
) -> Call<Redriven> {
    let mut filter = json!({"reason": reason});
    if !kind.is_empty() {
        filter["type"] = kind.into();
    }
    let body = json!({"stream": stream, "filter": filter, "dry_run": dry_run});
    Call::post(service, ["ops", "dead-letters", "redrive"], body)
}

pub fn discard(service: Service, id: &str, reason: &str) -> Call<()> {
    let call = Call::new(Method::DELETE, service, ["ops", "dead-letters", id]);
    call.json(json!({"reason": reason}))
}
