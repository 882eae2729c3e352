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

/// Age at which a missing reply counts as lost, even while others wait in its stream.
const REPLY_LOST_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(super) enum SweepError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Group positions at the start of a sweep.
pub(super) struct Copies<'a> {
    options: &'a RelayOptions,
    /// By partition key.
    positions: HashMap<String, Position>,
    read_at: Instant,
}

impl<'a> Copies<'a> {
    pub(super) async fn read(options: &'a RelayOptions) -> Result<Self, BrokerError> {
        let mut positions = HashMap::new();
        let read_at = Instant::now();
        for route in &options.routes {
            for key in partitions(route.stream, options.broker.partitions()) {
                match options.broker.position(&key, route.group).await {
                    Ok(position) => _ = positions.insert(key, position),
                    // An unknown position gives no room; the other streams go on.
                    Err(error @ BrokerError::Refused(_)) => {
                        tracing::warn!(
                            stream = %key,
                            %error,
                            "cannot read the position in a stream; publishing to it pauses"
                        )
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { options, positions, read_at })
    }

    /// Other relays may publish and record entries in half a lease.
    pub(super) fn is_old(&self) -> bool {
        self.read_at.elapsed() > self.options.settings.resend_after / 2
    }

    /// Entries that fit into the backlog of `stream`.
    pub(super) fn room(&self, stream: &str) -> u64 {
        let keys = partitions(stream, self.options.broker.partitions());
        let unread: Option<u64> =
            keys.iter().map(|key| self.positions.get(key).map(|position| position.unread)).sum();
        unread.map_or(0, |unread| self.options.settings.backlog.saturating_sub(unread))
    }

    pub(super) async fn missing(&self, rows: Vec<Row>) -> Result<Vec<Row>, SweepError> {
        let mut missing = Vec::new();
        let mut read = HashMap::<(String, &str), Vec<(String, Row)>>::new();
        for row in rows {
            let key = self.options.broker.key_of(&row.event.stream, &row.event.envelope);
            let group = self.group_of(&row.event.stream);
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
        let mut acknowledged = Vec::new();
        for ((key, group), rows) in read {
            acknowledged.extend(self.acknowledged(&key, group, rows).await?);
        }
        if !acknowledged.is_empty() {
            missing.extend(self.without_reply(acknowledged).await?);
        }
        Ok(missing)
    }

    fn group_of(&self, stream: &str) -> &'a str {
        self.options.routes.iter().find(|route| route.stream == stream).map_or("", |route| route.group)
    }

    async fn acknowledged(
        &self,
        key: &str,
        group: &str,
        rows: Vec<(String, Row)>,
    ) -> Result<Vec<Row>, BrokerError> {
        let entries: Vec<&str> = rows.iter().map(|(entry, _)| entry.as_str()).collect();
        let pending = self.options.broker.pending_among(key, group, &entries).await?;
        let rows = rows.into_iter().zip(pending);
        Ok(rows.filter(|(_, is_pending)| !is_pending).map(|((_, row), _)| row).collect())
    }

    /// A reply is published before its event is acknowledged: it waits in its stream, or was processed, which
    /// deletes the row.
    async fn without_reply(&self, rows: Vec<Row>) -> Result<Vec<Row>, SweepError> {
        let waiting = self.oldest_reply_age().await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.event.envelope.id).collect();
        let connection = self.options.database.connection().await?;
        let seen = store::record_acknowledged(&connection, &ids, self.options.settings.resend_after).await?;
        // Each age is measured by one clock, at different moments.
        let slack = self.options.settings.sweep_interval;
        let may_wait =
            |age: Duration| age < REPLY_LOST_AFTER && waiting.is_some_and(|waiting| waiting + slack >= age);
        Ok(rows
            .into_iter()
            .filter(|row| seen.get(&row.event.envelope.id).is_some_and(|age| !may_wait(*age)))
            .collect())
    }

    /// `None` when all replies are processed.
    async fn oldest_reply_age(&self) -> Result<Option<Duration>, BrokerError> {
        let mut oldest = None;
        for stream in self.options.routes.iter().flat_map(|route| route.answered_on) {
            let since = self.options.broker.unacknowledged_since(stream, self.options.group).await?;
            oldest = [oldest, since].into_iter().flatten().min();
        }
        let Some(oldest) = oldest else { return Ok(None) };
        Ok(Some(Duration::from_millis(self.options.broker.now().await?.saturating_sub(oldest))))
    }
}
