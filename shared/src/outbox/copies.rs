//! The copies in Redis: which rows have one that somebody will still handle, and for how many more there is room.

use std::collections::HashMap;

use super::{relay::RelayOptions, store::Row};
use crate::stream::{BrokerError, Position, Whereabouts, partitions};

/// An answer that is missing this long is believed to be lost, even if answers wait to be heard: a minute.
const BELIEVED_MS: u64 = 60_000;

/// Where the consumers of all streams are, at the moment of a sweep.
pub(super) struct Copies<'a> {
    options: &'a RelayOptions,
    /// By the key of a partition.
    positions: HashMap<String, Position>,
    /// Since when an answer waits to be heard here, in milliseconds by the clock of Redis; and what that clock says.
    answers_wait_since: Option<u64>,
    now: u64,
}

impl<'a> Copies<'a> {
    /// Looks at the partitions of every stream this relay publishes to, and at the answers.
    pub(super) async fn look(options: &'a RelayOptions) -> Result<Self, BrokerError> {
        let mut positions = HashMap::new();
        for route in options.routes {
            for key in partitions(route.stream, options.broker.partitions()) {
                match options.broker.position(&key, route.group).await {
                    Ok(position) => _ = positions.insert(key, position),
                    // What cannot be looked at has no room. The other streams go on.
                    Err(error @ BrokerError::Refused(_)) => {
                        tracing::warn!(stream = %key, %error, "cannot look at a stream; nothing is published to it")
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let mut answers_wait_since = None;
        for stream in options.answered_on {
            let since = options.broker.unsettled_since(stream, options.group).await?;
            answers_wait_since = [answers_wait_since, since].into_iter().flatten().min();
        }
        Ok(Self { options, positions, answers_wait_since, now: options.broker.now().await? })
    }

    /// How many more entries may be published to `stream` before its backlog is full.
    pub(super) fn room(&self, stream: &str) -> u64 {
        let keys = partitions(stream, self.options.broker.partitions());
        let unread: Option<u64> = keys.iter().map(|key| self.positions.get(key).map(|position| position.unread)).sum();
        unread.map_or(0, |unread| self.options.settings.backlog.saturating_sub(unread))
    }

    /// The rows that have no copy somebody will handle: they are to be published.
    pub(super) async fn missing(&self, rows: Vec<Row>) -> Result<Vec<Row>, BrokerError> {
        let (mut missing, mut read) = (Vec::new(), HashMap::<(String, &str), Vec<(String, Row)>>::new());
        for row in rows {
            let key = self.options.broker.key_of(&row.event.stream, &row.event.envelope);
            let group = self.options.routes.iter().find(|route| route.stream == row.event.stream).map_or("", |route| route.group);
            let whereabouts = row.entry.as_deref().map(|entry| self.positions.get(&key).copied().unwrap_or_default().of(entry));
            match (whereabouts, row.entry.clone()) {
                (Some(Whereabouts::Unread), _) => {}
                (Some(Whereabouts::Read), Some(entry)) => read.entry((key, group)).or_default().push((entry, row)),
                _ => missing.push(row),
            }
        }
        for ((key, group), rows) in read {
            let entries: Vec<&str> = rows.iter().map(|(entry, _)| entry.as_str()).collect();
            let pending = self.options.broker.pending_among(&key, group, &entries).await?;
            let acknowledged = rows.into_iter().zip(pending).filter(|(_, is_pending)| !is_pending).map(|(row, _)| row);
            missing.extend(acknowledged.filter(|(entry, _)| !self.answer_may_wait(entry)).map(|(_, row)| row));
        }
        Ok(missing)
    }

    /// Whether the answer to an acknowledged entry may be among those that wait to be heard. The oldest of them came after whatever is
    /// older than it by more than `resend-after`.
    fn answer_may_wait(&self, entry: &str) -> bool {
        let published: u64 = entry.split('-').next().and_then(|time| time.parse().ok()).unwrap_or(0);
        let slack = u64::try_from(self.options.settings.resend_after.as_millis()).unwrap_or(u64::MAX);
        let waits = self.answers_wait_since.is_some_and(|since| published >= since.saturating_sub(slack));
        waits && self.now.saturating_sub(published) < BELIEVED_MS
    }
}
