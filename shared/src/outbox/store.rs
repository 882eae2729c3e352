//! The SQL of the outbox, apart from the insert: that is part of each effect's own statement.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::{OutboxEvent, Retention};
use crate::db::{Connection, DbError};

/// Events as the columns of `INSERT INTO outbox (event_id, stream, envelope, repeats, due_at) SELECT … FROM unnest(…)`.
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

/// A row that fell due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub event: OutboxEvent,
    /// Publications by the sweep, this one included.
    pub attempts: i32,
}

/// A minute, with the default lease of 5 s: what Redis has lost is published again within that time, whatever it says.
const BELIEVED: f64 = 12.0;

/// The streams of rows that are due.
pub(super) async fn due_streams(connection: &Connection) -> Result<Vec<String>, DbError> {
    let statement = connection.prepare_cached("SELECT DISTINCT stream FROM outbox WHERE due_at <= now()").await?;
    Ok(connection.query(&statement, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// Takes up to `limit` rows that are due, and leases each to this relay: `resend_after`, doubled at every attempt, at most 64 times.
/// Rows of a stream in `unsettled` are left alone if they were published since: their last copy still waits for its effect, and
/// another one would only make the backlog longer. A row was published when its lease began; one that is due for another reason
/// (`-infinity`) was not. After [`BELIEVED`] leases that is believed no longer: a group that somebody has left behind reads
/// nothing ever again.
pub(super) async fn take_due(
    connection: &Connection,
    resend_after: Duration,
    limit: i64,
    unsettled: &[(String, SystemTime)],
) -> Result<Vec<Due>, DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE outbox SET attempts = attempts + 1, due_at = now() + make_interval(secs => $1 * least(power(2, attempts), 64))
             WHERE event_id = ANY(ARRAY(
                 SELECT event_id FROM outbox o WHERE due_at <= now() AND NOT EXISTS (
                     SELECT FROM unnest($3::text[], $4::timestamptz[]) AS u (stream, since)
                     WHERE u.stream = o.stream AND
                           o.due_at - make_interval(secs => $1 * least(power(2, greatest(o.attempts - 1, 0)), 64))
                               >= greatest(u.since, now() - make_interval(secs => $1 * $5)))
                 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING stream, envelope, repeats, attempts",
        )
        .await?;
    let (streams, since): (Vec<&str>, Vec<SystemTime>) = unsettled.iter().map(|(stream, since)| (stream.as_str(), *since)).unzip();
    let rows = connection.query(&statement, &[&resend_after.as_secs_f64(), &limit, &streams, &since, &BELIEVED]).await?;
    Ok(rows.iter().filter_map(read_due).collect())
}

fn read_due(row: &tokio_postgres::Row) -> Option<Due> {
    let envelope = serde_json::from_str(row.get(1)).map_err(|error| tracing::error!(%error, "an outbox row holds no envelope")).ok()?;
    let event = OutboxEvent { stream: row.get(0), envelope, retention: Retention::from_repeats(row.get(2)) };
    Some(Due { event, attempts: row.get(3) })
}

/// Makes rows due at once: they could not be published after all. The attempt does not count.
pub(super) async fn give_back(connection: &Connection, ids: &[Uuid]) -> Result<(), DbError> {
    connection
        .execute("UPDATE outbox SET attempts = greatest(attempts - 1, 0), due_at = '-infinity' WHERE event_id = ANY($1)", &[&ids])
        .await?;
    Ok(())
}

/// Makes every row due at once: Redis has forgotten them.
pub(super) async fn make_all_due(connection: &Connection) -> Result<u64, DbError> {
    connection.execute("UPDATE outbox SET due_at = '-infinity'", &[]).await
}

pub(super) async fn forget(connection: &Connection, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = connection.prepare_cached("DELETE FROM outbox WHERE event_id = ANY($1)").await?;
    connection.execute(&statement, &[&ids]).await?;
    Ok(())
}

/// What `GET /ops/outbox` shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutboxDepth {
    /// Due: not published yet, or published and not confirmed in time.
    pub unsent: i64,
    /// Every event whose effect is not known yet.
    pub unconfirmed: i64,
    /// Age of the oldest row in seconds; 0 when there is none.
    pub oldest_seconds: f64,
}

/// How much is in the outbox.
///
/// # Errors
/// The database did not answer.
pub async fn depth(connection: &Connection) -> Result<OutboxDepth, DbError> {
    // The condition holds for all of them. With it they are read along the index, which remembers what it has found dead.
    let query = "SELECT count(*) FILTER (WHERE due_at <= now()), count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8
                 FROM outbox WHERE due_at <= 'infinity'";
    let row = connection.query_one(query, &[]).await?;
    Ok(OutboxDepth { unsent: row.get(0), unconfirmed: row.get(1), oldest_seconds: row.get(2) })
}
