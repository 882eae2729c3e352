//! Events that could not be processed, grouped by what ails them.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{
        Service,
        dead_letters::{self, DeadLetter, Group},
        operations::{self, Streams},
    },
    failure::Failure,
    frame::{Frame, Place},
    session::CallError,
    viewer::{Admin, Change, Nothing},
};

/// Letters of a stream that are read for its groups.
const SAMPLE: usize = 500;
/// Letters of a group in the list of all groups.
const SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct DeadLettersPage {
    frame: Frame,
    groups: Vec<Sampled>,
    /// The services that do not answer.
    silent: Vec<Service>,
    has_job: bool,
}

/// A group, out of the oldest letters of its stream.
struct Sampled {
    group: Group,
    /// The first of them.
    letters: Vec<DeadLetter>,
    found: usize,
    /// The letters of the stream that were read, and all of them.
    read: usize,
    total: u64,
}

#[derive(Template)]
#[template(path = "dead_letter.html")]
struct DeadLetterPage {
    frame: Frame,
    letter: DeadLetter,
    json: String,
}

#[derive(Deserialize)]
pub struct DiscardForm {
    reason: String,
}

pub async fn list(admin: Admin) -> Result<HttpResponse, Failure> {
    let mut groups = Vec::new();
    let mut silent = Vec::new();
    for service in [Service::Inventory, Service::Payment] {
        match sample(&admin, service).await {
            Ok(found) => groups.extend(found),
            Err(CallError::SessionEnded) => return Err(Failure::LoginNeeded),
            Err(CallError::Api(_)) => silent.push(service),
        }
    }
    let has_job = admin.site.jobs.of(&admin.cookie).is_some();
    let frame = admin.frame(Place::DeadLetters, "Dead letters");
    page(DeadLettersPage { frame, groups, silent, has_job }.render())
}

/// The groups of each stream that a service reads.
async fn sample(admin: &Admin, service: Service) -> Result<Vec<Sampled>, CallError> {
    let mut groups = Vec::new();
    for (stream, total) in totals(admin, service).await? {
        let letters = if total == 0 { Vec::new() } else { oldest(admin, service, stream).await? };
        let read = letters.len();
        let mut by_group: BTreeMap<Group, Vec<DeadLetter>> = BTreeMap::new();
        letters.into_iter().for_each(|letter| by_group.entry(Group::of(&letter)).or_default().push(letter));
        groups.extend(by_group.into_iter().map(|(group, mut letters)| {
            let found = letters.len();
            letters.truncate(SHOWN);
            Sampled { group, letters, found, read, total }
        }));
    }
    Ok(groups)
}

/// The streams that `service` reads, with the number of their dead letters.
pub async fn totals(admin: &Admin, service: Service) -> Result<BTreeMap<&'static str, u64>, CallError> {
    let Streams { streams } = admin.read(operations::streams(service)).await?;
    let mut totals = BTreeMap::new();
    for part in &streams {
        if let Some(route) = events::route_of(&part.stream) {
            totals.insert(route.stream, part.dead_letters);
        }
    }
    Ok(totals)
}

async fn oldest(admin: &Admin, service: Service, stream: &str) -> Result<Vec<DeadLetter>, CallError> {
    let mut letters = Vec::new();
    let mut cursor = String::new();
    loop {
        let found = admin.read(dead_letters::list(service, stream, &cursor)).await?;
        letters.extend(found.data);
        match found.next_cursor {
            Some(next) if letters.len() < SAMPLE => cursor = next,
            _ => return Ok(letters),
        }
    }
}

impl Sampled {
    /// An estimate says so.
    fn count(&self) -> String {
        if self.read as u64 >= self.total {
            self.found.to_string()
        } else {
            format!("about {:.0}", self.found as f64 / self.read as f64 * self.total as f64)
        }
    }

    /// Where the number comes from; empty for a count.
    fn estimate(&self) -> String {
        if self.read as u64 >= self.total {
            String::new()
        } else {
            format!(
                "The number is an estimate: {} of the oldest {} of {}.",
                self.found, self.read, self.total
            )
        }
    }
}

pub async fn show(admin: Admin, id: Path<String>) -> Result<HttpResponse, Failure> {
    let letter = admin.read(dead_letters::show(reader(&id)?, &id)).await?;
    let json = serde_json::to_string_pretty(&letter.event).unwrap_or_default();
    let frame = admin.frame(Place::DeadLetters, "Dead letter");
    page(DeadLetterPage { frame, letter, json }.render())
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

fn reader(id: &str) -> Result<Service, Failure> {
    dead_letters::reader(id).ok_or(Failure::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_group_is_exact_or_says_that_it_is_not() {
        let group =
            Group { stream: "refund_order".to_owned(), reason: "rejected".to_owned(), kind: String::new() };
        let sampled =
            |found, read, total| Sampled { group: group.clone(), letters: Vec::new(), found, read, total };
        assert_eq!(sampled(3, 5, 5).count(), "3");
        assert_eq!(sampled(250, 500, 100_000).count(), "about 50000");
        assert!(sampled(250, 500, 100_000).estimate().ends_with("250 of the oldest 500 of 100000."));
    }
}
