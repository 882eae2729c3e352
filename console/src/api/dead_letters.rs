use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Page, Service};

/// The largest page.
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

/// The letters of one stream with one reason and one event type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Group {
    pub stream: String,
    pub reason: String,
    /// Empty for events that name no type.
    #[serde(rename = "type", default)]
    pub kind: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Counted {
    pub matched: u64,
}

impl Group {
    pub fn of(letter: &DeadLetter) -> Self {
        let kind = letter.event_type().to_owned();
        Self { stream: letter.stream.clone(), reason: letter.reason.clone(), kind }
    }

    /// As a query of the pages about it.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("stream", &self.stream).append_pair("reason", &self.reason);
        query.append_pair("type", &self.kind).finish()
    }

    /// The reason in plain words, with the way out.
    pub fn explanation(&self) -> &'static str {
        match self.reason.as_str() {
            "unreadable" => {
                "No version of the consumer reads it. Redrive after an upgrade that does, or discard."
            }
            "rejected" => "The consumer refused it for good. Remove the cause, then redrive.",
            "delivery-limit" => "It failed again and again. Look at its last error, then redrive.",
            _ => "Look at its last error.",
        }
    }
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

/// Oldest first.
pub fn list(service: Service, stream: &str, cursor: &str) -> Call<Page<DeadLetter>> {
    let call = Call::get(service, ["ops", "dead-letters"]).query("stream", stream);
    call.query("limit", READ).query("cursor", cursor)
}

pub fn show(service: Service, id: &str) -> Call<DeadLetter> {
    Call::get(service, ["ops", "dead-letters", id])
}

pub fn redrive(service: Service, id: &str) -> Call<()> {
    Call::post(service, ["ops", "dead-letters", id, "redrive"], json!({}))
}

/// Counts and changes nothing.
pub fn count(service: Service, group: &Group) -> Call<Counted> {
    let mut filter = json!({"reason": group.reason});
    if !group.kind.is_empty() {
        filter["type"] = group.kind.as_str().into();
    }
    let body = json!({"stream": group.stream, "filter": filter, "dry_run": true});
    Call::post(service, ["ops", "dead-letters", "redrive"], body)
}

/// The service that reads the stream in an id such as `order_completed.dead~1700000000000-0`.
pub fn reader(id: &str) -> Option<Service> {
    id.split_once('~').and_then(|(stream, _)| Service::reading(stream))
}

pub fn discard(service: Service, id: &str, reason: &str) -> Call<()> {
    let call = Call::new(Method::DELETE, service, ["ops", "dead-letters", id]);
    call.json(json!({"reason": reason}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_service_that_keeps_the_letter() {
        assert_eq!(reader("order_completed.dead~1700000000000-0"), Some(Service::Inventory));
        assert_eq!(reader("refund_order.dead~1700000000000-0"), Some(Service::Payment));
        assert_eq!([reader("nonsense~1"), reader("order_completed")], [None, None]);
    }
}
