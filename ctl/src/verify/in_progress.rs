//! I4 for open orders: each is on a list of work, whatever its age. A state and its list change in one
//! transaction, so that one snapshot decides.
//!
//! | open order | is on one of these lists |
//! | --- | --- |
//! | `pending` | `charges_due`, `charges_retried` |
//! | `completed` | `outbox`, until its effect is known; `refunds_due` |

use std::collections::HashSet;

use events::OrderCompleted;
use uuid::Uuid;

use super::VerifyError;
use super::database::Snapshot;
use super::facts::{Orders, Status};
use super::findings::{Findings, Invariant};

/// Judges the open ones of `orders`, which `payment` read.
pub(super) async fn judge(
    payment: &Snapshot<'_>,
    orders: &Orders,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::OneEnd);
    for id in forgotten(payment, ids(orders, Status::Pending), &PENDING).await? {
        found.broken_order(id, "pending, and neither charges_due nor charges_retried has it");
    }
    for id in forgotten(payment, ids(orders, Status::Completed), &COMPLETED).await? {
        found.broken_order(id, "completed, and neither outbox nor refunds_due has it");
    }
    Ok(())
}

pub(super) fn ids(orders: &Orders, status: Status) -> Vec<Uuid> {
    orders.iter().filter(|(_, order)| order.status == status).map(|(id, _)| *id).collect()
}

/// A query, and whether its ids are those of events.
type List = (&'static str, bool);

const PENDING: [List; 2] = [
    ("SELECT order_id FROM charges_retried WHERE order_id = ANY($1)", false),
    ("SELECT id FROM (SELECT unnest(orders) AS id FROM charges_due) due WHERE id = ANY($1)", false),
];
const COMPLETED: [List; 2] = [
    ("SELECT event_id FROM outbox WHERE event_id = ANY($1)", true),
    ("SELECT order_id FROM refunds_due WHERE order_id = ANY($1)", false),
];

/// Asks the next list for what the one before lacks only.
async fn forgotten(
    payment: &Snapshot<'_>,
    mut ids: Vec<Uuid>,
    lists: &[List],
) -> Result<Vec<Uuid>, VerifyError> {
    for (sql, of_events) in lists {
        if ids.is_empty() {
            break;
        }
        let listed = |id: &Uuid| if *of_events { OrderCompleted::event_id(*id) } else { *id };
        let wanted: Vec<Uuid> = ids.iter().map(listed).collect();
        let mut known = HashSet::new();
        payment.each(sql, &[&wanted], |row| _ = known.insert(row.get::<_, Uuid>(0))).await?;
        ids.retain(|id| !known.contains(&listed(id)));
    }
    Ok(ids)
}
