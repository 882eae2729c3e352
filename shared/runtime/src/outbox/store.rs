//! The SQL of the outbox, apart from the insert: that is part of the statement of each effect.
//!
//! Every statement reads at most one batch along an index, whatever the table holds. A sweep begins where the
//! last one ended ([`take_due`]), so dead rows that a long snapshot keeps are read once.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use events::Envelope;
use uuid::Uuid;

use super::{OutboxEvent, Retention};
use crate::db::{self, Connection, DbError};

/// Events as the columns of `INSERT INTO outbox (event_id, stream, envelope, repeats, due_at) SELECT … FROM
/// unnest(…)`.
#[derive(Debug, Default)]
pub struct OutboxRows {
    /// Event ids.
    pub ids: Vec<Uuid>,
    /// Streams.
    pub streams: Vec<String>,
    /// Envelopes, as JSON.
    pub envelopes: Vec<String>,
    /// Repetitions wanted; `None` until the effect is confirmed.
    pub repeats: Vec<Option<i32>>,
}

impl OutboxRows {
    /// Adds one event.
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

/// A row that the sweep checks.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub event: OutboxEvent,
    /// Checks by the sweep so far, this one included.
    pub attempts: i32,
    /// The entry id of its last copy in Redis, if recorded.
    pub entry: Option<String>,
}

/// Rows that were due, and the time up to which the sweep has read.
#[derive(Debug)]
pub(super) struct DueRows {
    pub rows: Vec<Row>,
    pub taken: usize,
    pub swept_up_to: SystemTime,
}

/// Takes up to `limit` due rows of `stream`, starting at the time `after`, and leases each to this relay. The
/// lease is `resend_after`, doubled at every check up to eightfold: 40 s with the default of 5 s. A lost
/// event is thus published again within a minute, whatever Redis reports.
pub(super) async fn take_due(
    connection: &Connection,
    (stream, after): (&str, Option<SystemTime>),
    resend_after: Duration,
    limit: i64,
) -> Result<DueRows, DbError> {
    let statement = connection
        .prepare_cached(
            "WITH due AS MATERIALIZED (
                 SELECT event_id, due_at FROM outbox
                 WHERE stream = $1 AND due_at >= coalesce($2::timestamptz, '-infinity') AND due_at <= now()
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
             ), taken AS (
                 UPDATE outbox SET attempts = least(attempts, 1000000) + 1,
                     due_at = now() + make_interval(secs => $4::float8 * power(2, least(attempts, 3)))
                 WHERE event_id = ANY(ARRAY(SELECT event_id FROM due))
                 RETURNING event_id, envelope, repeats, attempts, entry_id
             )
             SELECT t.envelope, t.repeats, t.attempts, t.entry_id,
                    CASE WHEN (SELECT count(*) FROM due) < $3 THEN now()
                         ELSE (SELECT max(due_at) FROM due) END
             FROM (SELECT 1) AS one LEFT JOIN taken t ON true",
        )
        .await?;
    let found = connection.query(&statement, &[&stream, &after, &limit, &resend_after.as_secs_f64()]).await?;
    let swept_up_to = found.first().map_or_else(|| Ok(SystemTime::now()), |row| row.get(4))?;
    let mut taken = 0;
    let mut rows = Vec::with_capacity(found.len());
    for row in &found {
        // The statement returns one row without an envelope when none is due, for the time.
        if row.get::<Option<&str>>(0)?.is_some() {
            taken += 1;
            rows.extend(read(row, stream)?);
        }
    }
    Ok(DueRows { taken, rows, swept_up_to })
}

/// One page of the whole outbox, in the order of ids after `after`. Rows without a recorded entry that are
/// younger than `lease` are left to the relay that has them in memory. The last id is returned in any case.
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
    let envelope = match Envelope::from_json(row.get(0)?) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(%error, "the envelope of an outbox row is malformed");
            return Ok(None);
        }
    };
    let event =
        OutboxEvent { stream: stream.to_owned(), envelope, retention: Retention::from_repeats(row.get(1)?) };
    Ok(Some(Row { event, attempts: row.get(2)?, entry: row.get(3)? }))
}

/// Records the entries of published events in the rows that still exist.
pub(super) async fn record_entries(
    connection: &Connection,
    published: &[(Uuid, String)],
) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox o SET entry_id = p.entry_id, acknowledged_at = NULL
             FROM (SELECT unnest($1::uuid[]) AS event_id, unnest($2::text[]) AS entry_id) AS p
             WHERE o.event_id = ANY($1) AND o.event_id = p.event_id",
        )
        .await?;
    let ids: Vec<Uuid> = published.iter().map(|(id, _)| *id).collect();
    let entries: Vec<&str> = published.iter().map(|(_, entry)| entry.as_str()).collect();
    connection.execute(&statement, &[&ids, &entries]).await?;
    Ok(())
}

/// Records that the copies of these rows were seen acknowledged, and makes them due after `wait`. Returns the
/// time since each was first seen so, for the rows that still exist. A clock that was set back makes it a
/// long time.
pub(super) async fn record_acknowledged(
    connection: &Connection,
    ids: &[Uuid],
    wait: Duration,
) -> Result<HashMap<Uuid, Duration>, DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox SET acknowledged_at = coalesce(acknowledged_at, now()),
                 due_at = now() + make_interval(secs => $2)
             WHERE event_id = ANY($1)
             RETURNING event_id, abs(extract(epoch FROM now() - acknowledged_at))::float8",
        )
        .await?;
    let rows = connection.query(&statement, &[&ids, &wait.as_secs_f64()]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, Duration::try_from_secs_f64(row.get(1)?).unwrap_or(Duration::MAX))))
        .collect()
}

/// Makes rows due after `wait` instead of their lease: Redis refused them, and may accept them at any moment.
pub(super) async fn defer(connection: &Connection, ids: &[Uuid], wait: Duration) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox SET due_at = now() + make_interval(secs => $2) WHERE event_id = ANY($1)",
        )
        .await?;
    connection.execute(&statement, &[&ids, &wait.as_secs_f64()]).await?;
    Ok(())
}

/// Deletes the rows of events that need no further publication.
pub(super) async fn forget(connection: &Connection, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = connection.prepare_cached("DELETE FROM outbox WHERE event_id = ANY($1)").await?;
    connection.execute(&statement, &[&ids]).await?;
    Ok(())
}

/// The depth of the outbox, as `GET /ops/outbox` shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutboxDepth {
    /// Rows that are due: unpublished, or published and unconfirmed for too long. Counted up to 1000 a
    /// stream.
    pub unsent: i64,
    /// Events whose effect is still unknown. Exact up to 1000 a stream; beyond, PostgreSQL's own estimate.
    pub unconfirmed: i64,
    /// Age in seconds of the oldest row among those counted; 0 when there is none.
    pub oldest_seconds: f64,
}

/// Rows of a stream that are counted one by one.
const COUNTED: i64 = 1000;

/// The depth of `stream`, from the time up to which the sweep has read. It counts a bounded number of rows,
/// so its cost is independent of the size of the outbox.
pub(super) async fn depth(
    connection: &Connection,
    (stream, after): (&str, Option<SystemTime>),
) -> Result<OutboxDepth, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE due_at <= now()), count(*),
                    coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8,
                    (SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'outbox'::regclass)
             FROM (SELECT due_at, created_at FROM outbox
                   WHERE stream = $1 AND due_at >= coalesce($2::timestamptz, '-infinity')
                   ORDER BY due_at LIMIT $3) AS o",
        )
        .await?;
    let row = connection.query_one(&statement, &[&stream, &after, &COUNTED]).await?;
    let counted: i64 = row.get(1)?;
    let estimate: Option<i64> = row.get(3)?;
    let unconfirmed = if counted < COUNTED { counted } else { counted.max(estimate.unwrap_or_default()) };
    Ok(OutboxDepth { unsent: row.get(0)?, unconfirmed, oldest_seconds: row.get(2)? })
}

impl OutboxDepth {
    /// The depth of two streams together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            unsent: self.unsent + other.unsent,
            unconfirmed: self.unconfirmed + other.unconfirmed,
            oldest_seconds: self.oldest_seconds.max(other.oldest_seconds),
        }
    }
}
