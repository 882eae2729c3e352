//! One transaction moves the order and inserts its `order_completed` into the outbox.

use std::{collections::HashMap, sync::Arc, time::Duration};

use runtime::{
    db::{Connection, DbError, Write},
    outbox::{OutboxEvent, OutboxRows, RelayHandle},
};
use uuid::Uuid;

use super::{
    count_orders,
    orders::{PROGRESS_COLUMNS, read_progress},
};
use crate::domain::Progress;

#[derive(Debug, Clone)]
pub struct Settlement {
    pub order_id: Uuid,
    pub result: ChargeResult,
    /// The order has a row in `charges_retried`.
    pub retried: bool,
    /// See [`Order::is_awaited`](crate::domain::Order::is_awaited).
    pub awaited: bool,
}

#[derive(Debug, Clone)]
pub enum ChargeResult {
    Charged { charge_id: String, event: Arc<OutboxEvent> },
    Declined { reason: String },
}

/// Only pending orders move, so a repeated batch settles once.
#[derive(Clone)]
pub struct SettleCharges {
    pub relay: RelayHandle,
    pub resend_after: Duration,
}

impl Write for SettleCharges {
    type Item = Settlement;
    /// The progress of the order, if it moved.
    type Output = Option<Arc<Progress>>;
    const NAME: &'static str = "settle-charges";
    /// Few, because an unsettled charge keeps its slot of `provider-in-flight`.
    const MAX_WAIT_INTERVALS: u32 = 6;

    fn is_awaited(settlement: &Settlement) -> bool {
        settlement.awaited
    }

    async fn commit(
        &self,
        connection: &Connection,
        items: &[Settlement],
    ) -> Result<Vec<Self::Output>, DbError> {
        let insert = OutboxRows::insert(6, "JOIN moved ON moved.event_id = o.event_id");
        let query = format!(
            "WITH moved AS (
                 UPDATE orders o SET status = i.status, charge_id = i.charge_id, reason = i.reason, version = o.version + 1, settled_at = now(),
                        answer = CASE i.status WHEN 'declined' THEN coalesce(o.answer, 'terminal') ELSE o.answer END
                 FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS status, unnest($3::text[]) AS charge_id, unnest($4::text[]) AS reason,
                              unnest($5::uuid[]) AS event_id) AS i
                 WHERE o.id = i.id AND o.id = ANY($1) AND o.status = 'pending'
                 RETURNING o.id, {PROGRESS_COLUMNS}, i.event_id
             ), published AS (
                 {insert}
             ), retried AS (
                 DELETE FROM charges_retried WHERE order_id = ANY($11)
             )
             SELECT * FROM moved"
        );
        let statement = connection.prepare_cached(&query).await?;
        let ids: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let statuses: Vec<&str> = items.iter().map(|item| item.result.status()).collect();
        let charges: Vec<Option<&str>> = items.iter().map(|item| item.result.charge_id()).collect();
        let reasons: Vec<Option<&str>> = items.iter().map(|item| item.result.reason()).collect();
        let event = |item: &Settlement| item.result.event().map(|event| event.envelope.id);
        let events: Vec<Option<Uuid>> = items.iter().map(event).collect();
        let rows: OutboxRows =
            items.iter().filter_map(|item| item.result.event().map(AsRef::as_ref)).collect();
        let retried: Vec<Uuid> = items.iter().filter(|item| item.retried).map(|item| item.order_id).collect();
        let resend_after = self.resend_after.as_secs_f64();
        let [event_ids, streams, envelopes, repeats, due_in] = rows.parameters(&resend_after);
        let moved = connection
            .query(
                &statement,
                &[
                    &ids, &statuses, &charges, &reasons, &events, event_ids, streams, envelopes, repeats,
                    due_in, &retried,
                ],
            )
            .await?;
        let progress = moved.iter().map(|row| Ok((row.get(0)?, Arc::new(read_progress(row)?))));
        let progress = progress.collect::<Result<HashMap<Uuid, _>, DbError>>()?;
        Ok(ids.iter().map(|id| progress.get(id).cloned()).collect())
    }

    fn committed(&self, items: &[Settlement], progress: &[Self::Output]) {
        let moved = items.iter().zip(progress).filter(|(_, moved)| moved.is_some()).map(|(item, _)| item);
        count_orders(moved.clone().map(|item| item.result.status()));
        self.relay.publish(moved.filter_map(|item| item.result.event().cloned()));
    }
}

impl ChargeResult {
    fn status(&self) -> &'static str {
        match self {
            Self::Charged { .. } => "completed",
            Self::Declined { .. } => "declined",
        }
    }

    fn charge_id(&self) -> Option<&str> {
        match self {
            Self::Charged { charge_id, .. } => Some(charge_id),
            Self::Declined { .. } => None,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Charged { .. } => None,
            Self::Declined { reason } => Some(reason),
        }
    }

    fn event(&self) -> Option<&Arc<OutboxEvent>> {
        match self {
            Self::Charged { event, .. } => Some(event),
            Self::Declined { .. } => None,
        }
    }
}
