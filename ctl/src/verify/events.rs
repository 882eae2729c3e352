//! I7 and I11: orders are followed from inbox to inbox, by the reply in inventory's inbox, because stream
//! entries are trimmed. Rows of `product_changed` are compared with existing entries only.

use std::collections::{HashMap, HashSet};

use events::{Event, INVENTORY_GROUP, OrderCompleted, PAYMENT_GROUP, RefundOrder, StockReserved};
use uuid::Uuid;

use super::{
    VerifyError,
    client_history::ClientHistory,
    database::{Reader, Snapshot},
    facts::{Orders, Status},
    findings::{About, Findings, Invariant, InvariantFindings},
    orders::Later,
    scope::Scope,
    streams::{DeadLetter, StreamsState},
};

/// Event ids, and times of effect in microseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Inbox(HashMap<Uuid, i64>);

impl Inbox {
    pub(super) fn has(&self, event: &str) -> bool {
        event.parse().is_ok_and(|event: Uuid| self.0.contains_key(&event))
    }

    fn add(&mut self, group: &str, event: Uuid, at: i64, found: &mut InvariantFindings) {
        found.looked_at(1);
        if self.0.insert(event, at).is_some() {
            found.broken(format!("event {event}: two inbox rows of {group}"));
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct InboxReply {
    rows: u32,
    id: Option<Uuid>,
    /// Final state that the reply demands.
    means: Option<Status>,
}

/// Inbox rows, and replies by order.
#[derive(Debug, Default)]
pub(super) struct InventoryInbox {
    inbox: Inbox,
    replies: HashMap<Uuid, InboxReply>,
}

impl InventoryInbox {
    pub(super) fn orders(&self) -> impl Iterator<Item = &Uuid> {
        self.replies.keys()
    }

    pub(super) fn reply_ids(&self) -> Vec<Uuid> {
        self.replies.values().filter_map(|reply| reply.id).collect()
    }

    fn add(&mut self, order: Uuid, id: Option<Uuid>, kind: &str) {
        let means = match kind {
            StockReserved::TYPE => Some(Status::Confirmed),
            RefundOrder::TYPE => Some(Status::Refunded),
            _ => None,
        };
        self.replies.entry(order).and_modify(|reply| reply.rows += 1).or_insert(InboxReply {
            rows: 1,
            id,
            means,
        });
    }
}

const AT: &str = "(extract(epoch FROM i.processed_at) * 1000000)::bigint";

/// `events`: event ids.
pub(super) async fn payment_inbox(
    payment: &Reader,
    events: &Scope,
    findings: &mut Findings,
) -> Result<Inbox, VerifyError> {
    let mut inbox = Inbox::default();
    let found = findings.of(Invariant::Once);
    let filter = events.filter("i.event_id");
    let sql =
        format!("SELECT i.event_id, {AT} FROM inbox i WHERE i.consumer = '{PAYMENT_GROUP}' AND {filter}");
    payment
        .each(&sql, &events.arguments(), |row| inbox.add(PAYMENT_GROUP, row.get(0), row.get(1), found))
        .await?;
    Ok(inbox)
}

/// Checks the inbox against the stock ledger. `scope`: orders.
pub(super) async fn inventory_inbox(
    inventory: &Snapshot<'_>,
    scope: &Scope,
    findings: &mut Findings,
) -> Result<InventoryInbox, VerifyError> {
    let mut inventory_inbox = InventoryInbox::default();
    let found = findings.of(Invariant::Once);
    let events = scope.map(OrderCompleted::event_id);
    let filter = events.filter("i.event_id");
    let sql = format!(
        "SELECT i.event_id, {AT}, r.id, coalesce(r.type, ''), r.correlationid
         FROM inbox i LEFT JOIN LATERAL json_to_record(i.reply::json) AS r (id text, type text, correlationid text) ON true
         WHERE i.consumer = '{INVENTORY_GROUP}' AND {filter}"
    );
    let uuid = |text: Option<&str>| text.and_then(|text| text.parse::<Uuid>().ok());
    let take = |row: &tokio_postgres::Row| {
        let event: Uuid = row.get(0);
        inventory_inbox.inbox.add(INVENTORY_GROUP, event, row.get(1), found);
        // Some events have no reply; `judge_orders` finds missing ones.
        if let Some(order) = uuid(row.get(4)) {
            inventory_inbox.add(order, uuid(row.get(2)), row.get(3));
        }
    };
    inventory.each(&sql, &events.arguments(), take).await?;
    judge_ledger(inventory, scope, found).await?;
    Ok(inventory_inbox)
}

async fn judge_ledger(
    inventory: &Reader,
    scope: &Scope,
    found: &mut InvariantFindings,
) -> Result<(), VerifyError> {
    let filter = scope.filter("l.order_id");
    let effects = format!(
        "SELECT DISTINCT l.event_id::text, 'changed the stock and has no inbox row', l.order_id FROM stock_ledger l
             LEFT JOIN inbox i ON i.consumer = '{INVENTORY_GROUP}' AND i.event_id = l.event_id
             WHERE l.event_id IS NOT NULL AND i.event_id IS NULL AND {filter}
         UNION ALL SELECT l.event_id::text, count(*) || ' ledger rows of ' || l.sku, (min(l.order_id::text))::uuid FROM stock_ledger l
             WHERE l.event_id IS NOT NULL AND {filter} GROUP BY l.event_id, l.sku HAVING count(*) > 1
         UNION ALL SELECT min(l.event_id::text), count(*) || ' ledger rows of ' || l.sku || ' for order ' || l.order_id, l.order_id
             FROM stock_ledger l
             WHERE l.order_id IS NOT NULL AND {filter} GROUP BY l.order_id, l.sku HAVING count(*) > 1"
    );
    let take = |row: &tokio_postgres::Row| {
        let about = row.get::<_, Option<Uuid>>(2).map_or(About::Whole, About::Order);
        let event = row.get::<_, Option<&str>>(0).unwrap_or("?");
        found.broken_at(about, format!("event {event}: {}", row.get::<_, &str>(1)));
    };
    inventory.each(&effects, &scope.arguments(), take).await
}

/// I7 and I10: inbox row of the event, its reply, inbox row of the reply.
pub(super) fn judge_orders(
    orders: &Orders,
    later: &Later,
    inventory_inbox: &InventoryInbox,
    payment_inbox: &Inbox,
    findings: &mut Findings,
) {
    for (id, order) in orders.iter().filter(|(_, order)| order.status.is_decided()) {
        findings.of(Invariant::Once).looked_at(1);
        let reply = inventory_inbox.replies.get(id);
        if let Some(why) = broken_way(order.status, reply, payment_inbox) {
            findings.of(Invariant::Once).broken_order(*id, why);
        }
        if let Some(means) = reply.and_then(|reply| reply.means).filter(|means| *means != order.status) {
            findings
                .of(Invariant::Agreement)
                .broken_order(*id, format_args!("{}, the reply of inventory demands {means}", order.status));
        }
    }
    for id in inventory_inbox.orders().filter(|id| !orders.contains_key(id) && !later.contains_key(id)) {
        findings
            .of(Invariant::Once)
            .broken_order(*id, "inventory has its event, payment does not have the order");
    }
}

fn broken_way(status: Status, reply: Option<&InboxReply>, payment_inbox: &Inbox) -> Option<String> {
    let Some(reply) = reply else {
        return Some(format!("{status}, {INVENTORY_GROUP} has no inbox row with a reply to its event"));
    };
    if reply.rows > 1 {
        return Some(format!("{} inbox rows of {INVENTORY_GROUP}", reply.rows));
    }
    match reply.id {
        None => Some("the reply to its event has no id".to_owned()),
        Some(id) if !payment_inbox.0.contains_key(&id) => {
            Some(format!("{status}, {PAYMENT_GROUP} has no inbox row for the reply {id}"))
        }
        Some(_) => None,
    }
}

/// I7: acknowledged events had their effect, or are dead letters.
pub(super) fn judge_streams(
    state: &StreamsState,
    inventory_inbox: &InventoryInbox,
    payment_inbox: &Inbox,
    findings: &mut Findings,
) {
    let found = findings.of(Invariant::Once);
    let inbox = |group: &str| if group == INVENTORY_GROUP { &inventory_inbox.inbox } else { payment_inbox };
    found.looked_at(state.entries());
    for (partition, entry) in state.must_have_had_effect() {
        if !inbox(partition.group()).has(&entry.event) {
            found.broken(format!(
                "event {}: entry {} of {} was acknowledged by {} \
                 without inbox row or dead letter (unless discarded)",
                entry.event,
                entry.id,
                partition.key,
                partition.group()
            ));
        }
    }
    judge_effects_of_dead_letters(&state.dead, inbox, found);
}

fn judge_effects_of_dead_letters<'a>(
    letters: &[DeadLetter],
    inbox: impl Fn(&str) -> &'a Inbox,
    found: &mut InvariantFindings,
) {
    let mut known = HashSet::new();
    for DeadLetter { id, group, event, at, .. } in letters {
        let effect = event.parse().ok().and_then(|event: Uuid| inbox(group).0.get(&event));
        // A republished event may take effect after its dead letter; only an earlier effect is a breach.
        if effect.is_some_and(|effect| effect < at) {
            found.broken(format!(
                "event {event}: dead letter of {group} although it had its effect before ({id})"
            ));
        }
        if !known.insert((group, event)) {
            found.broken(format!("event {event}: two dead letters of {group} ({id})"));
        }
    }
}

/// I11. `quiet`: missing dead letters are broken, because no event is in flight.
pub(super) fn judge_dead_letters(
    state: &StreamsState,
    inventory_inbox: &InventoryInbox,
    payment_inbox: &Inbox,
    log: Option<&ClientHistory>,
    quiet: bool,
    findings: &mut Findings,
) {
    let found = findings.of(Invariant::DeadLetters);
    found.looked_at(state.dead.len());
    let Some(log) = log else {
        if !state.dead.is_empty() {
            found.not_judged(format!(
                "{} dead letters; see `shopctl dead-letters list`, and compare them with --client-log",
                state.dead.len()
            ));
        }
        return;
    };
    for letter in state
        .dead
        .iter()
        .filter(|letter| !log.began_after(letter.at) && !log.poison().contains(&letter.event))
    {
        found.broken(format!(
            "event {}: dead letter {} is no poison message of the client log ({})",
            letter.event, letter.id, letter.reason
        ));
    }
    let dead: HashSet<&String> = state.dead.iter().map(|letter| &letter.event).collect();
    // A redriven dead letter is gone and had its effect.
    let gone = |event: &&String| {
        !dead.contains(event) && !inventory_inbox.inbox.has(event) && !payment_inbox.has(event)
    };
    let missing: Vec<&String> = log.poison().iter().filter(gone).collect();
    if quiet {
        missing.iter().for_each(|event| {
            found.broken(format!("event {event}: poison message of the client log without dead letter"))
        });
    } else if !missing.is_empty() {
        found.not_judged(format!("{} poison messages are not dead letters yet", missing.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orders_way_is_followed_from_inbox_to_inbox() {
        let order = Uuid::from_u128(1);
        let reply = Uuid::from_u128(2);
        let mut inventory_inbox = InventoryInbox::default();
        inventory_inbox.add(order, Some(reply), StockReserved::TYPE);
        let payment_inbox = Inbox([(reply, 0)].into());
        let way = |inventory_inbox: &InventoryInbox, payment_inbox: &Inbox| {
            broken_way(Status::Confirmed, inventory_inbox.replies.get(&order), payment_inbox)
        };
        assert_eq!(way(&inventory_inbox, &payment_inbox), None);
        assert!(way(&inventory_inbox, &Inbox::default()).is_some_and(|why| why.contains(&reply.to_string())));
        assert!(way(&InventoryInbox::default(), &payment_inbox).is_some());
        inventory_inbox.add(order, Some(reply), StockReserved::TYPE);
        assert!(way(&inventory_inbox, &payment_inbox).is_some_and(|why| why.starts_with("2 inbox rows")));
    }
}
