//! The copies in Redis: which rows have one that somebody will still handle, and for how many more there is
//! room.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    RelayOptions,
    store::{self, Row},
};
use crate::db::DbError;
use crate::stream::{BrokerError, Position, Whereabouts, partitions};

/// An answer that is missing this long is believed to be lost, even if answers wait to be heard.
const REPLY_LOST_AFTER: Duration = Duration::from_secs(60);

/// The reason why a sweep did not get through.
#[derive(Debug, thiserror::Error)]
pub(super) enum SweepError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Where the consumers of all streams are, at the moment of a sweep.
pub(super) struct Copies<'a> {
    options: &'a RelayOptions,
    /// By the key of a partition.
    positions: HashMap<String, Position>,
    read_at: Instant,
}

impl<'a> Copies<'a> {
    /// Looks at the partitions of every stream this relay publishes to.
    pub(super) async fn read(options: &'a RelayOptions) -> Result<Self, BrokerError> {
        let (mut positions, read_at) = (HashMap::new(), Instant::now());
        for route in &options.routes {
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
        Ok(Self { options, positions, read_at })
    }

    /// Half a lease is over: what others have published and noted since was not looked at.
    pub(super) fn is_old(&self) -> bool {
        self.read_at.elapsed() > self.options.settings.resend_after / 2
    }

    /// How many more entries may be published to `stream` before its backlog is full.
    pub(super) fn room(&self, stream: &str) -> u64 {
        let keys = partitions(stream, self.options.broker.partitions());
        let unread: Option<u64> =
            keys.iter().map(|key| self.positions.get(key).map(|position| position.unread)).sum();
        unread.map_or(0, |unread| self.options.settings.backlog.saturating_sub(unread))
    }

    /// The rows that have no copy somebody will handle: they are to be published.
    pub(super) async fn missing(&self, rows: Vec<Row>) -> Result<Vec<Row>, SweepError> {
        let (mut missing, mut acknowledged, mut read) =
            (Vec::new(), Vec::new(), HashMap::<(String, &str), Vec<(String, Row)>>::new());
        for row in rows {
            let key = self.options.broker.key_of(&row.event.stream, &row.event.envelope);
            let group = self
                .options
                .routes
                .iter()
                .find(|route| route.stream == row.event.stream)
                .map_or("", |route| route.group);
            let whereabouts = row
                .entry
                .as_deref()
                .map(|entry| self.positions.get(&key).copied().unwrap_or_default().of(entry));
            match (whereabouts, row.entry.clone()) {
                (Some(Whereabouts::Unread), _) => {}
                (Some(Whereabouts::Read), Some(entry)) => {
                    read.entry((key, group)).or_default().push((entry, row))
                }
                _ => missing.push(row),
            }
        }
        for ((key, group), rows) in read {
            let entries: Vec<&str> = rows.iter().map(|(entry, _)| entry.as_str()).collect();
            let pending = self.options.broker.pending_among(&key, group, &entries).await?;
            acknowledged.extend(
                rows.into_iter().zip(pending).filter(|(_, is_pending)| !is_pending).map(|((_, row), _)| row),
            );
        }
        if !acknowledged.is_empty() {
            missing.extend(self.without_reply(acknowledged).await?);
        }
        Ok(missing)
    }

    /// Acknowledged rows whose answer is lost. An answer is in its stream before its question is
    /// acknowledged: it waits there, or it was heard and the row is gone. The times are of one clock each:
    /// how long an answer has waited is Redis', how long ago a question was seen acknowledged is
    /// PostgreSQL's.
    async fn without_reply(&self, rows: Vec<Row>) -> Result<Vec<Row>, SweepError> {
        let waiting = self.oldest_reply_age().await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.event.envelope.id).collect();
        let connection = self.options.database.connection().await?;
        let seen = store::record_acknowledged(&connection, &ids, self.options.settings.resend_after).await?;
        // The two are not measured at the same moment.
        let slack = self.options.settings.sweep_interval;
        let may_wait =
            |age: Duration| age < REPLY_LOST_AFTER && waiting.is_some_and(|waiting| waiting + slack >= age);
        Ok(rows
            .into_iter()
            .filter(|row| seen.get(&row.event.envelope.id).is_some_and(|age| !may_wait(*age)))
            .collect())
    }

    /// How long the oldest answer has waited to be heard here; `None` when all are heard.
    async fn oldest_reply_age(&self) -> Result<Option<Duration>, BrokerError> {
        let mut oldest = None;
        for stream in self.options.routes.iter().flat_map(|route| route.answered_on) {
            let since = self.options.broker.unsettled_since(stream, self.options.group).await?;
            oldest = [oldest, since].into_iter().flatten().min();
        }
        let Some(oldest) = oldest else { return Ok(None) };
        Ok(Some(Duration::from_millis(self.options.broker.now().await?.saturating_sub(oldest))))
    }
}
