//! The SQL of the outbox, apart from the insert: that is part of each effect's own statement.
//!
//! Every statement reads at most one batch along an index, whatever the table holds. What a long snapshot
//! keeps from being vacuumed is not read again and again: a sweep begins where the last one ended
//! ([`take_due`]).

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::{OutboxEvent, Retention};
use crate::db::{self, Connection, DbError};

/// Events as the columns of `INSERT INTO outbox (event_id, stream, envelope, repeats, due_at) SELECT … FROM
/// unnest(…)`.
#[derive(Debug, Default)]
pub struct OutboxRows {
    pub ids: Vec<Uuid>,
    pub streams: Vec<String>,
    pub envelopes: Vec<String>,
    pub repeats: Vec<Option<i32>>,
}

impl OutboxRows {
    pub fn push(&mut self, event: &OutboxEvent) {
        self.ids.push(event.envelope.id);
        self.streams.push(event.stream.clone());
        self.envelopes.push(event.envelope.to_json());
        self.repeats.push(event.retention.repeats());
    }
}

impl<'a> FromIterator<&'a OutboxEvent> for OutboxRows {
    fn from_iter<I: IntoIterator<Item = &'a OutboxEvent>>(events: I) -> Self {
        let mut rows = Self::default();
        events.into_iter().for_each(|event| rows.push(event));
        rows
    }
}

/// A row that is looked at.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub event: OutboxEvent,
    /// How often the sweep has looked at it, this time included.
    pub attempts: i32,
    /// Its last copy in Redis, if that is known.
    pub entry: Option<String>,
}

/// Rows that were due, and the moment up to which the sweep has looked.
#[derive(Debug)]
pub(super) struct DueRows {
    pub rows: Vec<Row>,
    pub taken: usize,
    pub swept_up_to: SystemTime,
}

/// Takes up to `limit` rows of `stream` that are due, from the moment `after` on, and leases each to this
/// relay: `resend_after`, doubled at every look, at most 8 times. With the default lease of 5 s that is 40 s:
/// what Redis lost is published again within a minute, whatever it says.
pub(super) async fn take_due(
    connection: &Connection,
    (stream, after): (&str, Option<SystemTime>),
    resend_after: Duration,
    limit: i64,
) -> Result<DueRows, DbError> {
    let statement = connection
        .prepare_cached(
            "WITH due AS MATERIALIZED (
                 SELECT event_id, due_at FROM outbox WHERE stream = $1 AND due_at >= coalesce($2::timestamptz, '-infinity') AND due_at <= now()
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
             ), taken AS (
                 UPDATE outbox SET attempts = least(attempts, 1000000) + 1, due_at = now() + make_interval(secs => $4::float8 * power(2, least(attempts, 3)))
                 WHERE event_id = ANY(ARRAY(SELECT event_id FROM due))
                 RETURNING event_id, envelope, repeats, attempts, entry_id
             )
             SELECT t.envelope, t.repeats, t.attempts, t.entry_id,
                    CASE WHEN (SELECT count(*) FROM due) < $3 THEN now() ELSE (SELECT max(due_at) FROM due) END
             FROM (SELECT 1) AS one LEFT JOIN taken t ON true",
        )
        .await?;
    let found = connection.query(&statement, &[&stream, &after, &limit, &resend_after.as_secs_f64()]).await?;
    let swept_up_to = found.first().map_or_else(|| Ok(SystemTime::now()), |row| row.get(4))?;
    let (mut taken, mut rows) = (0, Vec::with_capacity(found.len()));
    for row in &found {
        // Without a row that is due there is one without an envelope, for the moment.
        if row.get::<Option<&str>>(0)?.is_some() {
            taken += 1;
            rows.extend(read(row, stream)?);
        }
    }
    Ok(DueRows { taken, rows, swept_up_to })
}

/// Rows in the order of their ids after `after`, for a look at the whole outbox batch by batch. Rows that no
/// relay knows an entry of and that are younger than `lease` are left to the relay that has them; the last id
/// is there all the same.
pub(super) async fn page(
    connection: &Connection,
    after: Uuid,
    lease: Duration,
    limit: i64,
) -> Result<(Vec<Row>, Option<Uuid>), DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT envelope, repeats, attempts, entry_id, stream, event_id,
                    entry_id IS NOT NULL OR created_at < now() - make_interval(secs => $2)
             FROM outbox WHERE event_id > $1 ORDER BY event_id LIMIT $3",
        )
        .await?;
    let found = connection.query(&statement, &[&after, &lease.as_secs_f64(), &limit]).await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in &found {
        if row.get(6)? {
            rows.extend(read(row, row.get(4)?)?);
        }
    }
    Ok((rows, found.last().map(|row| row.get(5)).transpose()?))
}

fn read(row: &db::Row, stream: &str) -> Result<Option<Row>, DbError> {
    let envelope = match serde_json::from_str(row.get(0)?) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(%error, "an outbox row holds no envelope");
            return Ok(None);
        }
    };
    let event =
        OutboxEvent { stream: stream.to_owned(), envelope, retention: Retention::from_repeats(row.get(1)?) };
    Ok(Some(Row { event, attempts: row.get(2)?, entry: row.get(3)? }))
}

/// Notes the entries of events that were published, where their rows are still there.
pub(super) async fn record_entries(
    connection: &Connection,
    published: &[(Uuid, String)],
) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox o SET entry_id = p.entry_id, acknowledged_at = NULL FROM (SELECT unnest($1::uuid[]) AS event_id, unnest($2::text[]) AS entry_id) AS p
             WHERE o.event_id = ANY($1) AND o.event_id = p.event_id",
        )
        .await?;
    let (ids, entries): (Vec<Uuid>, Vec<&str>) =
        published.iter().map(|(id, entry)| (*id, entry.as_str())).unzip();
    connection.execute(&statement, &[&ids, &entries]).await?;
    Ok(())
}

/// Notes that the copies of these rows were seen acknowledged, and looks at them again after `wait`. Returns
/// how long ago each was seen so first; without those that are confirmed meanwhile. A clock that was set back
/// makes it long ago.
pub(super) async fn record_acknowledged(
    connection: &Connection,
    ids: &[Uuid],
    wait: Duration,
) -> Result<HashMap<Uuid, Duration>, DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox SET acknowledged_at = coalesce(acknowledged_at, now()), due_at = now() + make_interval(secs => $2)
             WHERE event_id = ANY($1)
             RETURNING event_id, abs(extract(epoch FROM now() - acknowledged_at))::float8",
        )
        .await?;
    let rows = connection.query(&statement, &[&ids, &wait.as_secs_f64()]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, Duration::try_from_secs_f64(row.get(1)?).unwrap_or(Duration::MAX))))
        .collect()
}

/// Makes rows due after `wait`, whatever their lease was: Redis refused them, and may take them any moment.
pub(super) async fn defer(connection: &Connection, ids: &[Uuid], wait: Duration) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox SET due_at = now() + make_interval(secs => $2) WHERE event_id = ANY($1)",
        )
        .await?;
    connection.execute(&statement, &[&ids, &wait.as_secs_f64()]).await?;
    Ok(())
}

pub(super) async fn forget(connection: &Connection, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = connection.prepare_cached("DELETE FROM outbox WHERE event_id = ANY($1)").await?;
    connection.execute(&statement, &[&ids]).await?;
    Ok(())
}

/// What `GET /ops/outbox` shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutboxDepth {
    /// Due: not published yet, or published and not confirmed in time. Counted up to 1000 a stream.
    pub unsent: i64,
    /// Events whose effect is not known yet. Exact up to 1000 a stream; beyond, PostgreSQL's own estimate.
    pub unconfirmed: i64,
    /// Age in seconds of the oldest row among those counted; 0 when there is none.
    pub oldest_seconds: f64,
}

/// Rows of a stream that are counted one by one.
const COUNTED: i64 = 1000;

/// How much of `stream` is in the outbox, from the moment on up to which the sweep has looked. The look has a
/// bound, so it costs the same whatever the outbox holds.
pub(super) async fn depth(
    connection: &Connection,
    (stream, after): (&str, Option<SystemTime>),
) -> Result<OutboxDepth, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE due_at <= now()), count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8,
                    (SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'outbox'::regclass)
             FROM (SELECT due_at, created_at FROM outbox WHERE stream = $1 AND due_at >= coalesce($2::timestamptz, '-infinity')
                   ORDER BY due_at LIMIT $3) AS o",
        )
        .await?;
    let row = connection.query_one(&statement, &[&stream, &after, &COUNTED]).await?;
    let (counted, estimate): (i64, Option<i64>) = (row.get(1)?, row.get(3)?);
    let unconfirmed = if counted < COUNTED { counted } else { counted.max(estimate.unwrap_or_default()) };
    Ok(OutboxDepth { unsent: row.get(0)?, unconfirmed, oldest_seconds: row.get(2)? })
}

impl OutboxDepth {
    /// Of two streams together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            unsent: self.unsent + other.unsent,
            unconfirmed: self.unconfirmed + other.unconfirmed,
            oldest_seconds: self.oldest_seconds.max(other.oldest_seconds),
        }
    }
}
