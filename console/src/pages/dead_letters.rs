//! Events that could not be processed, grouped by what ails them.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{
        Service,
        dead_letters::{self, DeadLetter},
    },
    failure::Failure,
    frame::{Frame, Place},
    session::CallError,
    viewer::{Admin, Change, Nothing},
};

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct DeadLettersPage {
    frame: Frame,
    groups: Vec<Group>,
    /// The services with more letters than were read.
    unread: Vec<Service>,
    /// The services that do not answer.
    silent: Vec<Service>,
}

/// The letters of one stream with one reason and one event type.
struct Group {
    key: Key,
    letters: Vec<DeadLetter>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Key {
    stream: String,
    reason: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Template)]
#[template(path = "dead_letter.html")]
struct DeadLetterPage {
    frame: Frame,
    letter: DeadLetter,
    json: String,
}

#[derive(Template)]
#[template(path = "redrive.html")]
struct RedrivePage {
    frame: Frame,
    key: Key,
    matched: u64,
}

#[derive(Deserialize)]
pub struct RedriveForm {
    #[serde(flatten)]
    key: Key,
    /// `yes`: after the dry run.
    #[serde(default)]
    confirmed: String,
}

#[derive(Deserialize)]
pub struct DiscardForm {
    reason: String,
}

pub async fn list(admin: Admin) -> Result<HttpResponse, Failure> {
    let mut groups: BTreeMap<Key, Vec<DeadLetter>> = BTreeMap::new();
    let mut unread = Vec::new();
    let mut silent = Vec::new();
    for service in [Service::Inventory, Service::Payment] {
        match admin.read(dead_letters::list(service, "")).await {
            Ok(found) => {
                unread.extend(found.next_cursor.map(|_| service));
                found
                    .data
                    .into_iter()
                    .for_each(|letter| groups.entry(Key::of(&letter)).or_default().push(letter));
            }
            Err(CallError::SessionEnded) => return Err(Failure::LoginNeeded),
            Err(CallError::Api(_)) => silent.push(service),
        }
    }
    let groups = groups.into_iter().map(|(key, letters)| Group { key, letters }).collect();
    let frame = admin.frame(Place::DeadLetters, "Dead letters");
    page(DeadLettersPage { frame, groups, unread, silent }.render())
}

pub async fn show(admin: Admin, id: Path<String>) -> Result<HttpResponse, Failure> {
    let letter = admin.read(dead_letters::show(reader(&id)?, &id)).await?;
    let json = serde_json::to_string_pretty(&letter.event).unwrap_or_default();
    let frame = admin.frame(Place::DeadLetters, "Dead letter");
    page(DeadLetterPage { frame, letter, json }.render())
}

/// First counts what would go out again, then asks.
pub async fn redrive_group(change: Change<RedriveForm>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form: RedriveForm { key, confirmed } } = change;
    let admin = viewer.into_admin()?;
    let service = Service::reading(&key.stream).ok_or(Failure::NotFound)?;
    let is_dry = confirmed != "yes";
    let call = dead_letters::redrive_group(service, &key.stream, &key.reason, &key.kind, is_dry);
    let done = admin.read(call).await?;
    if is_dry {
        let frame = admin.frame(Place::DeadLetters, "Redrive dead letters");
        return page(RedrivePage { frame, key, matched: done.matched }.render());
    }
    let refused = match done.refused {
        0 => String::new(),
        refused => format!("; Redis refused {refused}, which stay"),
    };
    admin.session.tell(format!("{} of {} went out again{refused}.", done.redriven, done.matched));
    Ok(see(&admin.site.base, Place::DeadLetters.path()))
}

pub async fn redrive(change: Change<Nothing>, id: Path<String>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    admin.act(dead_letters::redrive(reader(&id)?, &id)).await?;
    admin.session.tell("The event went out again, with the same id.");
    Ok(see(&admin.site.base, Place::DeadLetters.path()))
}

pub async fn discard(change: Change<DiscardForm>, id: Path<String>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form } = change;
    let admin = viewer.into_admin()?;
    admin.act(dead_letters::discard(reader(&id)?, &id, &form.reason)).await?;
    admin.session.tell("The dead letter is gone for good. The audit trail has your reason.");
    Ok(see(&admin.site.base, Place::DeadLetters.path()))
}

impl Key {
    fn of(letter: &DeadLetter) -> Self {
        let kind = letter.event_type().to_owned();
        Self { stream: letter.stream.clone(), reason: letter.reason.clone(), kind }
    }

    /// What the reason means.
    fn explanation(&self) -> &'static str {
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

/// The service that reads the stream in an id such as `order_completed.dead~1700000000000-0`.
fn reader(id: &str) -> Result<Service, Failure> {
    id.split_once('~').and_then(|(stream, _)| Service::reading(stream)).ok_or(Failure::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_service_that_keeps_the_letter() {
        assert_eq!(reader("order_completed.dead~1700000000000-0").ok(), Some(Service::Inventory));
        assert_eq!(reader("refund_order.dead~1700000000000-0").ok(), Some(Service::Payment));
        assert!(reader("nonsense~1").is_err() && reader("order_completed").is_err());
    }
}
