use std::collections::{HashMap, HashSet};

use events::Envelope;
use uuid::Uuid;

use super::{OutboxEvent, RelayOptions, Retention, store};
use crate::{
    db::{Database, DbError},
    stream::BrokerError,
};

pub(super) fn take_one(room: &mut u64) -> bool {
    let is_there = *room > 0;
    *room = room.saturating_sub(1);
    is_there
}

#[derive(Debug, Default)]
pub(super) struct Published {
    /// Events that stay in the outbox.
    pub entries: Vec<(Uuid, String)>,
    pub done: usize,
    /// Redis is unavailable.
    pub unsent: HashSet<Uuid>,
    /// Redis may accept them later.
    pub refused: Vec<Uuid>,
}

impl Published {
    /// Deducts the `events` sent to Redis.
    pub(super) fn used<'e>(
        &self,
        room: &mut HashMap<&'static str, u64>,
        events: impl Iterator<Item = &'e OutboxEvent>,
    ) {
        for event in events.filter(|event| !self.unsent.contains(&event.envelope.id)) {
            room.get_mut(event.stream.as_str()).map(take_one);
        }
    }
}

/// Each event comes with its number of sweeps.
pub(super) async fn publish(options: &RelayOptions, events: Vec<(&OutboxEvent, i32)>) -> Published {
    let envelopes: Vec<(&str, &Envelope)> =
        events.iter().map(|(event, _)| (event.stream.as_str(), &event.envelope)).collect();
    let results = match options.broker.publish(&envelopes).await {
        Ok(results) => results,
        Err(error) => {
            tracing::warn!(%error, events = events.len(), "cannot publish; the outbox keeps them");
            return Published {
                unsent: events.iter().map(|(event, _)| event.envelope.id).collect(),
                ..Published::default()
            };
        }
    };
    let mut published = Published::default();
    let mut done = Vec::new();
    let mut refused = None;
    for ((event, attempts), result) in events.iter().zip(results) {
        match result {
            // The row keeps its lease: the sweep retries.
            Err(error) => {
                published.refused.extend((!error.is_final()).then_some(event.envelope.id));
                refused = refused.or(Some((event, error)));
            }
            Ok(_) if is_done(event.retention, *attempts) => done.push(event.envelope.id),
            Ok(entry) => published.entries.push((event.envelope.id, entry)),
        }
    }
    if let Some((event, error)) = refused {
        let events = events.len() - done.len() - published.entries.len();
        log_refusal(event, events, &error);
    }
    published.done = done.len();
    if let Err(error) = forget(&options.database, &done).await {
        tracing::warn!(%error, "published rows stay in the outbox and will be published again");
    }
    published
}

fn is_done(retention: Retention, attempts: i32) -> bool {
    match retention {
        Retention::Repeated(times) => attempts >= times,
        Retention::UntilConfirmed => false,
    }
}

fn log_refusal(event: &OutboxEvent, events: usize, error: &BrokerError) {
    tracing::warn!(stream = %event.stream, events, first = %event.envelope.id, %error, "Redis refused events; the outbox keeps them");
}

async fn forget(database: &Database, ids: &[Uuid]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    store::forget(&database.connection().await?, ids).await
}
