//! The last step of an order. One transaction also inserts the inbox row of its event and deletes the outbox
//! row that the event confirms.

use std::{collections::HashMap, sync::Arc};

use runtime::{
    db::{Connection, DbError, Fault, Write},
    outbox::RelayHandle,
};
use uuid::Uuid;

use super::{
    count_orders,
    orders::{PROGRESS_COLUMNS, read_progress},
};
use crate::domain::{Applied, OrderStatus, Progress};

#[derive(Debug, Clone)]
pub struct OrderOutcome {
    pub event_id: Uuid,
    /// The `order_completed` that the event confirms.
    pub answers: Option<Uuid>,
    pub order_id: Uuid,
    /// `Confirmed` or `Refunded`.
    pub status: OrderStatus,
    pub refund_id: Option<String>,
    pub reason: Option<String>,
    /// See [`Envelope::awaited`](events::Envelope::awaited).
    pub awaited: bool,
}

/// The inbox makes a repeated batch apply once.
#[derive(Clone)]
pub struct ApplyOutcomes {
    /// The consumer group of the inbox rows.
    pub consumer: &'static str,
    /// `None` in tests and benches.
    pub relay: Option<RelayHandle>,
}

impl Write for ApplyOutcomes {
    type Item = OrderOutcome;
    type Output = Applied;
    const NAME: &'static str = "apply-outcomes";
    const MAX_WAIT_INTERVALS: u32 = 12;

    fn is_awaited(outcome: &OrderOutcome) -> bool {
        outcome.awaited
    }

    async fn commit(&self, connection: &Connection, items: &[OrderOutcome]) -> Result<Vec<Applied>, DbError> {
        let mut moved = self.apply(connection, items).await?;
        // Removed when found: the same event twice in a batch moves the order once.
        let applied = items
            .iter()
            .map(|item| moved.remove(&item.event_id).map(|progress| Applied::Moved(Arc::new(progress))));
        let applied: Vec<Option<Applied>> = applied.collect();
        let rest: Vec<&OrderOutcome> = items
            .iter()
            .zip(&applied)
            .filter(|(_, applied)| applied.is_none())
            .map(|(item, _)| item)
            .collect();
        let mut explained = self.explain(connection, &rest).await?.into_iter();
        Ok(applied.into_iter().filter_map(|applied| applied.or_else(|| explained.next())).collect())
    }

    fn committed(&self, items: &[OrderOutcome], outcomes: &[Applied]) {
        let moved = items.iter().zip(outcomes).filter(|(_, applied)| matches!(applied, Applied::Moved(_)));
        count_orders(moved.clone().map(|(item, _)| item.status.as_str()));
        if let Some(relay) = &self.relay {
            relay.confirmed(moved.filter_map(|(item, _)| item.answers).collect());
        }
    }
}

impl ApplyOutcomes {
    /// Moves the orders that are `completed`, and records the final state as the response to a request that
    /// still waits for it. Returns the events that moved one, and the progress of each order. Only these events go into the inbox. A concurrent second event waits for the row of the
    /// order, then finds the final state.
    async fn apply(
        &self,
        connection: &Connection,
        items: &[OrderOutcome],
    ) -> Result<HashMap<Uuid, Progress>, DbError> {
        let query = format!(
            "WITH moved AS (
                 UPDATE orders o SET status = i.status, refund_id = i.refund_id, reason = i.reason, version = o.version + 1, ended_at = now(),
                        answer = coalesce(o.answer, 'terminal')
                 FROM (SELECT unnest($1::uuid[]) AS event_id, unnest($2::uuid[]) AS order_id, unnest($3::text[]) AS status,
                              unnest($4::text[]) AS refund_id, unnest($5::text[]) AS reason) AS i
                 WHERE o.id = i.order_id AND o.id = ANY($2) AND o.status = 'completed'
                 RETURNING i.event_id, {PROGRESS_COLUMNS}
             ), processed AS (
                 INSERT INTO inbox (consumer, event_id) SELECT $6, event_id FROM moved
             ), confirmed AS (
                 DELETE FROM outbox WHERE event_id = ANY($7)
             )
             SELECT * FROM moved"
        );
        let statement = connection.prepare_cached(&query).await?;
        let events: Vec<Uuid> = items.iter().map(|item| item.event_id).collect();
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let statuses: Vec<&str> = items.iter().map(|item| item.status.as_str()).collect();
        let refunds: Vec<Option<&str>> = items.iter().map(|item| item.refund_id.as_deref()).collect();
        let reasons: Vec<Option<&str>> = items.iter().map(|item| item.reason.as_deref()).collect();
        let answered: Vec<Uuid> = items.iter().filter_map(|item| item.answers).collect();
        let moved = connection
            .query(&statement, &[&events, &orders, &statuses, &refunds, &reasons, &self.consumer, &answered])
            .await?;
        moved.iter().map(|row| Ok((row.get(0)?, read_progress(row)?))).collect()
    }

    /// One reason per item, in order.
    async fn explain(
        &self,
        connection: &Connection,
        items: &[&OrderOutcome],
    ) -> Result<Vec<Applied>, DbError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let statement = connection
            .prepare_cached(
                "SELECT i.event_id, b.event_id IS NOT NULL, o.status FROM unnest($1::uuid[], $2::uuid[]) AS i (event_id, order_id)
                 LEFT JOIN LATERAL (SELECT status FROM orders WHERE id = i.order_id OFFSET 0) AS o ON true
                 LEFT JOIN LATERAL (SELECT event_id FROM inbox WHERE event_id = i.event_id AND consumer = $3 OFFSET 0) AS b ON true",
            )
            .await?;
        let events: Vec<Uuid> = items.iter().map(|item| item.event_id).collect();
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let rows = connection.query(&statement, &[&events, &orders, &self.consumer]).await?;
        let known = rows.iter().map(|row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        let known: HashMap<Uuid, (bool, Option<&str>)> = known.collect::<Result<_, DbError>>()?;
        items.iter().map(|item| unmoved(known.get(&item.event_id).copied().unwrap_or_default())).collect()
    }
}

/// `processed`: the event is in the inbox.
fn unmoved((processed, status): (bool, Option<&str>)) -> Result<Applied, DbError> {
    match status.and_then(OrderStatus::parse) {
        _ if processed => Ok(Applied::Duplicate),
        Some(OrderStatus::Completed) => Err(DbError {
            fault: Fault::Contention,
            message: "an order became completed during the statement".to_owned(),
        }),
        Some(status) => Ok(Applied::Unexpected(status)),
        None => Ok(Applied::UnknownOrder),
    }
}
