use redis::{FromRedisValue, Value};

use super::{
    Broker, BrokerError,
    entry::{entries, milliseconds, parsed},
    partition::partitions,
};

#[derive(Debug, Default)]
pub(super) struct Group {
    pub name: String,
    pub pending: u64,
    pub last_delivered: String,
    /// `None` when Redis has lost count (after a trim or a delete).
    pub lag: Option<u64>,
    pub entries_read: Option<u64>,
}

impl Group {
    /// An estimate when Redis reports no lag.
    pub(super) fn unread(&self, length: u64) -> u64 {
        self.lag.unwrap_or_else(|| length.saturating_sub(self.entries_read.unwrap_or(0)))
    }
}

/// Empty if the stream is missing.
pub(super) async fn groups(broker: &Broker, key: &str) -> Result<Vec<Group>, BrokerError> {
    let mut command = redis::cmd("XINFO");
    command.arg("GROUPS").arg(key);
    match broker.command::<Vec<Vec<Value>>>(command).await {
        Ok(groups) => Ok(groups.into_iter().map(group).collect()),
        Err(BrokerError::Refused(error)) if error.to_string().contains("no such key") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn group(fields: Vec<Value>) -> Group {
    let mut group = Group::default();
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match String::from_redis_value(name).unwrap_or_default().as_str() {
            "name" => group.name = String::from_redis_value(value).unwrap_or_default(),
            "pending" => group.pending = u64::from_redis_value(value).unwrap_or(0),
            "last-delivered-id" => group.last_delivered = String::from_redis_value(value).unwrap_or_default(),
            "lag" => group.lag = u64::from_redis_value(value).ok(),
            "entries-read" => group.entries_read = u64::from_redis_value(value).ok(),
            _ => {}
        }
    }
    group
}

pub(super) async fn oldest_pending(
    broker: &Broker,
    key: &str,
    group: &str,
) -> Result<Option<String>, BrokerError> {
    let mut command = redis::cmd("XPENDING");
    command.arg(key).arg(group).arg("-").arg("+").arg(1);
    let rows: Vec<Vec<Value>> = broker.command(command).await?;
    Ok(rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next())
        .and_then(|id| String::from_redis_value(id).ok()))
}

/// Arrival, in milliseconds of the Redis clock.
pub(super) async fn oldest_unacknowledged(
    broker: &Broker,
    key: &str,
    group: &Group,
) -> Result<Option<u64>, BrokerError> {
    if group.pending > 0
        && let Some(id) = oldest_pending(broker, key, &group.name).await?
    {
        return Ok(Some(milliseconds(&id))); // older than any unread entry
    }
    let mut unread = redis::cmd("XRANGE");
    let after =
        if group.last_delivered.is_empty() { "-".to_owned() } else { format!("({}", group.last_delivered) };
    unread.arg(key).arg(after).arg("+").arg("COUNT").arg(1);
    Ok(entries(broker.command(unread).await?).first().map(|entry| milliseconds(&entry.id)))
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    first: Option<(u64, u64)>,
    last_delivered: (u64, u64),
    /// Possibly an estimate.
    pub unread: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    Unread,
    /// Pending or acknowledged.
    Read,
    /// Lost by Redis, or trimmed.
    Gone,
}

impl Position {
    pub(crate) fn of(&self, entry: &str) -> Whereabouts {
        let id = parsed(entry);
        match self.first {
            Some(first) if id >= first && id > self.last_delivered => Whereabouts::Unread,
            _ if id <= self.last_delivered => Whereabouts::Read,
            _ => Whereabouts::Gone,
        }
    }
}

impl Broker {
    /// A missing group starts at the first entry.
    pub(crate) async fn position(&self, key: &str, group: &str) -> Result<Position, BrokerError> {
        let mut length = redis::cmd("XLEN");
        let mut first = redis::cmd("XRANGE");
        length.arg(key);
        first.arg(key).arg("-").arg("+").arg("COUNT").arg(1);
        let length: u64 = self.command(length).await?;
        let first = entries(self.command(first).await?).first().map(|entry| parsed(&entry.id));
        let group =
            groups(self, key).await?.into_iter().find(|found| found.name == group).unwrap_or_default();
        Ok(Position { first, last_delivered: parsed(&group.last_delivered), unread: group.unread(length) })
    }

    /// One answer per entry.
    pub(crate) async fn pending_among(
        &self,
        key: &str,
        group: &str,
        entries: &[&str],
    ) -> Result<Vec<bool>, BrokerError> {
        let mut pipeline = redis::Pipeline::with_capacity(entries.len());
        for entry in entries {
            pipeline.cmd("XPENDING").arg(key).arg(group).arg(entry).arg(entry).arg(1);
        }
        let answers = self.run(&mut pipeline).await?.into_iter();
        Ok(answers.map(|answer| matches!(answer, Value::Array(rows) if !rows.is_empty())).collect())
    }

    /// [`oldest_unacknowledged`] over all partitions.
    pub(crate) async fn unacknowledged_since(
        &self,
        stream: &str,
        group: &str,
    ) -> Result<Option<u64>, BrokerError> {
        let mut oldest = None;
        for key in partitions(stream, self.partitions()) {
            let named = Group { name: group.to_owned(), ..Group::default() };
            let found =
                groups(self, &key).await?.into_iter().find(|found| found.name == group).unwrap_or(named);
            oldest = [oldest, oldest_unacknowledged(self, &key, &found).await?].into_iter().flatten().min();
        }
        Ok(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_unread_read_or_gone() {
        let position = Position { first: Some((10, 0)), last_delivered: (20, 1), unread: 3 };
        assert_eq!(position.of("20-2"), Whereabouts::Unread);
        assert_eq!(position.of("20-1"), Whereabouts::Read);
        assert_eq!(position.of("5-0"), Whereabouts::Read, "read before it was trimmed");
        let after_a_reset = Position { first: Some((30, 0)), ..Position::default() };
        assert_eq!(after_a_reset.of("20-1"), Whereabouts::Gone);
        assert_eq!(Position::default().of("20-1"), Whereabouts::Gone);
    }
}
