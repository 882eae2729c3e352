//! Refunds to be retried, each with its own backoff.
//!
//! A row is written with the inbox row of its event, and deleted when its order becomes `refunded` or its
//! event a dead letter.

use std::{collections::HashMap, sync::Arc, time::Duration};

use events::Envelope;
use runtime::{
    db::{Connection, DbError, Row, Write},
    outbox::{OutboxEvent, OutboxRows},
};
use uuid::Uuid;

use super::{
    count_orders,
    orders::{PROGRESS_COLUMNS, read_progress},
};
use crate::domain::Progress;

/// The refund of a paid and undecided order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    Unparked,
    /// Parked for this event.
    Parked(Uuid),
}

pub async fn refund_states(
    connection: &Connection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, RefundState>, DbError> {
    let statement = connection
        .prepare_cached(
            "SELECT o.id, (SELECT r.event_id FROM refunds_due r WHERE r.order_id = o.id)
             FROM orders o WHERE o.id = ANY($1) AND o.status = 'completed'",
        )
        .await?;
    let rows = connection.query(&statement, &[&ids]).await?;
    rows.iter()
        .map(|row| {
            Ok((row.get(0)?, row.get::<Option<Uuid>>(1)?.map_or(RefundState::Unparked, RefundState::Parked)))
        })
        .collect()
}

#[derive(Debug, Clone)]
pub struct ParkedRefund {
    pub order_id: Uuid,
    /// The `refund_order` event.
    pub envelope: Arc<Envelope>,
    pub reason: &'static str,
    pub error: String,
}

/// A parked refund is durable, so the outbox row it answers is deleted. A repeated batch parks once.
#[derive(Debug, Clone, Copy)]
pub struct ParkRefunds {
    /// The consumer group of the inbox rows.
    pub consumer: &'static str,
}

impl Write for ParkRefunds {
    type Item = ParkedRefund;
    type Output = ();
    const NAME: &'static str = "park-refunds";
    const MAX_WAIT_INTERVALS: u32 = 12;

    async fn commit(&self, connection: &Connection, items: &[ParkedRefund]) -> Result<Vec<()>, DbError> {
        let statement = connection
            .prepare_cached(
                "WITH parked AS (
                     INSERT INTO refunds_due (order_id, event_id, answers, reason, envelope, attempts, due_at, last_error)
                     SELECT unnest($1::uuid[]) AS order_id, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[]),
                            1, now() + interval '1 s', unnest($6::text[])
                     ORDER BY order_id ON CONFLICT (order_id) DO NOTHING
                 ), processed AS (
                     INSERT INTO inbox (consumer, event_id) SELECT $7, unnest($2::uuid[]) ON CONFLICT ON CONSTRAINT inbox_once DO NOTHING
                 )
                 DELETE FROM outbox WHERE event_id = ANY($3)",
            )
            .await?;
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let events: Vec<Uuid> = items.iter().map(|item| item.envelope.id).collect();
        let answers: Vec<Option<Uuid>> = items.iter().map(|item| item.envelope.causation_id).collect();
        let reasons: Vec<&str> = items.iter().map(|item| item.reason).collect();
        let envelopes: Vec<String> = items.iter().map(|item| item.envelope.to_json()).collect();
        let errors: Vec<&str> = items.iter().map(|item| item.error.as_str()).collect();
        connection
            .execute(&statement, &[&orders, &events, &answers, &reasons, &envelopes, &errors, &self.consumer])
            .await?;
        Ok(vec![(); items.len()])
    }
}

/// `order_id`: a declined order that was charged.
pub async fn park_orphan_refund(connection: &Connection, order_id: Uuid) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "INSERT INTO refunds_due (order_id, reason, attempts, due_at, last_error)
             VALUES ($1, 'charged after it was declined', 0, now(), 'not asked for yet') ON CONFLICT (order_id) DO NOTHING",
        )
        .await?;
    connection.execute(&statement, &[&order_id]).await?;
    Ok(())
}

#[derive(Debug, Clone)]
pub struct DueRefund {
    pub order_id: Uuid,
    pub reason: String,
    /// Includes this attempt.
    pub attempts: i32,
    /// `None` for the charge of a declined order.
    pub envelope: Option<Envelope>,
    /// Whether the order is paid and undecided.
    pub is_open: bool,
}

impl DueRefund {
    pub fn is_due(&self) -> bool {
        self.is_open || self.envelope.is_none()
    }
}

/// Taken refunds are due again after `lease`.
pub async fn take_due_refunds(
    connection: &Connection,
    limit: i64,
    lease: Duration,
) -> Result<Vec<DueRefund>, DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE refunds_due r SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2)
             WHERE order_id = ANY(ARRAY(
                 SELECT order_id FROM refunds_due WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED))
             RETURNING order_id, reason, attempts, envelope, EXISTS (SELECT FROM orders o WHERE o.id = r.order_id AND o.status = 'completed')",
        )
        .await?;
    connection.query(&statement, &[&limit, &lease.as_secs_f64()]).await?.iter().map(read_due).collect()
}

fn read_due(row: &Row) -> Result<DueRefund, DbError> {
    let envelope = row.get::<Option<&str>>(3)?.and_then(|json| Envelope::from_json(json).ok());
    Ok(DueRefund {
        order_id: row.get(0)?,
        reason: row.get(1)?,
        attempts: row.get(2)?,
        envelope,
        is_open: row.get(4)?,
    })
}

/// Deletes the row of a refund that was made or is no longer due. An order that is paid and undecided becomes
/// `refunded`. Returns its progress then.
///
/// # Errors
/// The database did not answer.
pub async fn settle_refund(
    connection: &Connection,
    due: &DueRefund,
    refund_id: Option<&str>,
) -> Result<Option<Progress>, DbError> {
    let query = format!(
        "WITH moved AS (
             UPDATE orders o SET status = 'refunded', refund_id = $2, reason = $3, version = version + 1, ended_at = now(),
                    answer = coalesce(answer, 'terminal')
             WHERE id = $1 AND status = 'completed' AND $2::text IS NOT NULL RETURNING o.id, {PROGRESS_COLUMNS}
         ), made AS (
             DELETE FROM refunds_due WHERE order_id = $1
         )
         SELECT * FROM moved"
    );
    let statement = connection.prepare_cached(&query).await?;
    let moved = connection.query_opt(&statement, &[&due.order_id, &refund_id, &due.reason]).await?;
    count_orders(moved.iter().map(|_| "refunded"));
    moved.map(|row| read_progress(&row)).transpose()
}

/// A second after the first attempt, doubling up to five minutes.
pub async fn postpone_refund(connection: &Connection, order_id: Uuid, error: &str) -> Result<(), DbError> {
    let statement = connection
        .prepare_cached(
            "UPDATE refunds_due SET last_error = $2, due_at = now() + make_interval(secs => least(power(2, least(attempts - 1, 10)), 300))
             WHERE order_id = $1",
        )
        .await?;
    connection.execute(&statement, &[&order_id, &error]).await?;
    Ok(())
}

/// The event leaves the inbox, so that a redrive is processed. `question` enters the outbox again, because
/// Redis may lose its dead letters.
pub async fn give_up_refund(
    connection: &Connection,
    consumer: &str,
    (order_id, event_id): (Uuid, Uuid),
    question: Option<&OutboxEvent>,
    resend_after: Duration,
) -> Result<(), DbError> {
    let insert = OutboxRows::insert(4, "ON CONFLICT (event_id) DO NOTHING");
    let sql = format!(
        "WITH due AS (
             DELETE FROM refunds_due WHERE order_id = $1
         ), processed AS (
             DELETE FROM inbox WHERE consumer = $2 AND event_id = $3
         )
         {insert}"
    );
    let statement = connection.prepare_cached(&sql).await?;
    let rows = OutboxRows::from_iter(question);
    let resend_after = resend_after.as_secs_f64();
    let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&resend_after);
    connection
        .execute(&statement, &[&order_id, &consumer, &event_id, ids, streams, envelopes, repeats, due_in])
        .await?;
    Ok(())
}
