//! The SQL of the outbox: every statement reads at most one batch along an index.
//!
//! A sweep begins where the last one ended: dead rows that a long snapshot keeps are read once.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use events::Envelope;
use uuid::Uuid;

use super::{OutboxEvent, Retention};
use crate::db::{self, Connection, DbError, Parameter};

/// The rows of events, inserted by the statement of their effect.
#[derive(Debug, Default)]
pub struct OutboxRows {
    pub ids: Vec<Uuid>,
    pub streams: Vec<String>,
    /// As JSON.
    pub envelopes: Vec<String>,
    /// `None` until the effect is confirmed.
    pub repeats: Vec<Option<i32>>,
}

impl OutboxRows {
    pub fn push(&mut self, event: &OutboxEvent) {
        self.ids.push(event.envelope.id);
        self.streams.push(event.stream.clone());
        self.envelopes.push(event.envelope.to_json());
        self.repeats.push(event.retention.repeats());
    }

    /// The INSERT for a statement whose parameters from `$first` on are [`OutboxRows::parameters`]. `condition`
    /// follows `FROM … AS o`, which has the columns `event_id`, `stream`, `envelope` and `repeats`.
    pub fn insert(first: usize, condition: &str) -> String {
        let [ids, streams, envelopes, repeats, due_in] = [0, 1, 2, 3, 4].map(|n| first + n);
        // `FROM unnest(…, …)` would store every column first.
        format!(
            "INSERT INTO outbox (event_id, stream, envelope, repeats, due_at)
             SELECT o.event_id, o.stream, o.envelope, o.repeats, now() + make_interval(secs => ${due_in})
             FROM (SELECT unnest(${ids}::uuid[]) AS event_id, unnest(${streams}::text[]) AS stream,
                          unnest(${envelopes}::text[]) AS envelope, unnest(${repeats}::int[]) AS repeats) AS o {condition}"
        )
    }

    /// `due_in`: seconds until the sweep publishes a row that no relay was fed with.
    pub fn parameters<'a>(&'a self, due_in: &'a f64) -> [Parameter<'a>; 5] {
        [&self.ids, &self.streams, &self.envelopes, &self.repeats, due_in]
    }
}

impl<'a> FromIterator<&'a OutboxEvent> for OutboxRows {
    fn from_iter<I: IntoIterator<Item = &'a OutboxEvent>>(events: I) -> Self {
        let mut rows = Self::default();
        events.into_iter().for_each(|event| rows.push(event));
        rows
    }
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub event: OutboxEvent,
    /// This check included.
    pub attempts: i32,
    pub entry: Option<String>,
}

#[derive(Debug)]
pub(super) struct DueRows {
    pub rows: Vec<Row>,
    pub taken: usize,
    pub swept_up_to: SystemTime,
}

/// Leases due rows for `resend_after`, doubled at every check up to eightfold: 40 s by default.
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
        // One row without an envelope carries the time when none is due.
        if row.get::<Option<&str>>(0)?.is_some() {
            taken += 1;
            rows.extend(read(row, stream)?);
        }
    }
    Ok(DueRows { taken, rows, swept_up_to })
}

/// In the order of ids. Rows without an entry and younger than `lease` are left to their relay; the last id
/// includes them.
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

/// Time since each was first seen acknowledged; a clock set back makes it long.
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

/// Redis refused these rows, and may accept them before their lease ends.
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

const COUNTED: i64 = 1000;

/// Counts a bounded number of rows, from the time up to which the sweep has read.
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
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            unsent: self.unsent + other.unsent,
            unconfirmed: self.unconfirmed + other.unconfirmed,
            oldest_seconds: self.oldest_seconds.max(other.oldest_seconds),
        }
    }
}
