//! The last step of an order: confirmed or refunded, with the inbox row of the event that said so, in one transaction.
//! The same transaction forgets the outbox row of the event that was thereby confirmed.

use shared::db::{Connection, DbError, Write};
use uuid::Uuid;

use super::count_orders;
use crate::domain::{Applied, OrderStatus};

/// What inventory decided about an order.
#[derive(Debug, Clone)]
pub struct OrderOutcome {
    pub event_id: Uuid,
    /// The `order_completed` it answers: confirmed by this, so it need not be published again.
    pub answers: Option<Uuid>,
    pub order_id: Uuid,
    /// `Confirmed` or `Refunded`.
    pub status: OrderStatus,
    pub refund_id: Option<String>,
    pub reason: Option<String>,
    /// The event's type, for the timeline.
    pub cause: &'static str,
}

/// Applies outcomes. The inbox makes a batch that is run twice apply once.
#[derive(Debug, Clone, Copy)]
pub struct ApplyOutcomes {
    /// The consumer group, as the inbox knows it.
    pub consumer: &'static str,
}

impl Write for ApplyOutcomes {
    type Item = OrderOutcome;
    type Outcome = Applied;
    const NAME: &'static str = "apply-outcomes";

    async fn commit(&self, connection: &Connection, items: &[OrderOutcome]) -> Result<Vec<Applied>, DbError> {
        // Only an order that is `completed` lets the inbox row in: an event that cannot be applied is not "processed".
        let statement = connection
            .prepare_cached(
                "WITH input AS MATERIALIZED (
                     SELECT i.*, o.status AS was, b.event_id IS NOT NULL AS known
                     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
                         WITH ORDINALITY AS i (event_id, order_id, status, refund_id, reason, cause, place)
                     LEFT JOIN LATERAL (SELECT status FROM orders WHERE id = i.order_id OFFSET 0) AS o ON true
                     LEFT JOIN LATERAL (SELECT event_id FROM inbox WHERE event_id = i.event_id AND consumer = $7 OFFSET 0) AS b ON true
                 ), fresh AS (
                     INSERT INTO inbox (consumer, event_id) SELECT $7, event_id FROM input WHERE was = 'completed' ORDER BY event_id
                     ON CONFLICT ON CONSTRAINT inbox_once DO NOTHING RETURNING event_id
                 ), moved AS (
                     UPDATE orders o SET status = i.status, refund_id = i.refund_id, reason = i.reason, version = o.version + 1, updated_at = now(),
                         timeline = o.timeline || jsonb_build_object('version', o.version + 1, 'status', i.status, 'at', now(), 'cause', i.cause)
                     FROM input i JOIN fresh f ON f.event_id = i.event_id
                     WHERE o.id = i.order_id AND o.id = ANY($2) AND o.status = 'completed'
                 ), confirmed AS (
                     DELETE FROM outbox WHERE event_id = ANY($8)
                 )
                 SELECT f.event_id IS NOT NULL, i.known, i.was FROM input i LEFT JOIN fresh f ON f.event_id = i.event_id ORDER BY i.place",
            )
            .await?;
        let events: Vec<Uuid> = items.iter().map(|item| item.event_id).collect();
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let statuses: Vec<&str> = items.iter().map(|item| item.status.as_str()).collect();
        let refunds: Vec<Option<&str>> = items.iter().map(|item| item.refund_id.as_deref()).collect();
        let reasons: Vec<Option<&str>> = items.iter().map(|item| item.reason.as_deref()).collect();
        let causes: Vec<&str> = items.iter().map(|item| item.cause).collect();
        let answered: Vec<Uuid> = items.iter().filter_map(|item| item.answers).collect();
        let rows =
            connection.query(&statement, &[&events, &orders, &statuses, &refunds, &reasons, &causes, &self.consumer, &answered]).await?;
        Ok(rows.iter().map(|row| applied(row.get(0), row.get(1), row.get(2))).collect())
    }

    fn committed(&self, items: &[OrderOutcome], outcomes: &[Applied]) {
        let moved = items.iter().zip(outcomes).filter(|(_, applied)| **applied == Applied::Moved);
        count_orders(moved.map(|(item, _)| item.status.as_str()));
    }
}

/// `status` is the order's before this statement.
fn applied(fresh: bool, known: bool, status: Option<&str>) -> Applied {
    match status.and_then(OrderStatus::parse) {
        _ if known => Applied::Duplicate,
        Some(_) if fresh => Applied::Moved,
        // The event's row was not let in, and yet is not to be seen: a statement of another process or of an earlier attempt
        // let it in after this one had begun, and has committed, because this one waited for it.
        Some(OrderStatus::Completed) => Applied::Duplicate,
        Some(status) => Applied::Unexpected(status),
        None => Applied::UnknownOrder,
    }
}
