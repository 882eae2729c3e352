//! Invariants after every step, and of a quiet system, named as in the fault specification.

use payment::domain::OrderStatus;

use super::memory::{Client, OrderNo};
use super::reached::Reached;
use super::state::{INVENTORY, Placed, World};
use super::violation::Violation;
use crate::redis::{COMPLETED, Stream};

fn hold(holds: bool, invariant: &'static str, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(invariant, what())) }
}

impl World<'_> {
    pub(super) fn check_safety(&mut self) -> Result<(), Violation> {
        if let Some(violation) = self.violation.take() {
            return Err(violation);
        }
        if !std::mem::replace(&mut self.changed, false) {
            return Ok(());
        }
        self.check_stock()?;
        self.check_acknowledged()?;
        for index in 0..self.orders.len() {
            self.check_order(&self.orders[index])?;
            let order = &self.orders[index].order;
            self.orders[index].seen = (self.orders[index].history.len(), order.status);
        }
        self.check_answers()
    }

    /// I2, and the part of I1 that holds at any moment.
    fn check_stock(&self) -> Result<(), Violation> {
        for sku in 0..2 {
            let on_hand = self.on_hand[sku];
            hold(on_hand >= 0, "I2 no oversell", || format!("{on_hand} on hand of SKU {sku}"))?;
            let booked: i64 = self.ledger.iter().filter(|row| row.sku == sku).map(|row| row.delta).sum();
            hold(on_hand == i64::from(self.started_with[sku]) + booked, "I1 conservation", || {
                format!("ledger of SKU {sku}")
            })?;
        }
        Ok(())
    }

    /// Every entry that a group passed and released has had its effect: early acknowledgements show before
    /// they heal.
    fn check_acknowledged(&self) -> Result<(), Violation> {
        for (number, stream) in self.redis.0.iter().enumerate() {
            let Some(group) = &stream.group else { continue };
            for (entry, event) in stream.entries.iter().filter(|(entry, _)| *entry <= group.last) {
                let had_effect = match number {
                    COMPLETED => self.stock_inbox.iter().any(|(known, _)| known == event),
                    _ => self.payment_inbox.contains(event),
                };
                let excused = || {
                    group.pending.iter().any(|pending| pending.entry == *entry)
                        || self.dead_letters.contains(entry)
                };
                hold(had_effect || excused(), "I7 once", || {
                    format!("entry {entry} (event {event}) is done with, without its effect")
                })?;
            }
        }
        Ok(())
    }

    /// I5, I6, I8 and I10 of an order on its way.
    fn check_order(&self, placed: &Placed) -> Result<(), Violation> {
        let no = placed.no;
        let order = &placed.order;
        let charges = count(&self.charges, no);
        let refunds = count(&self.refunds, no);
        hold(charges <= 1 && refunds <= charges, "I5 money", || {
            format!("order {no}: {charges} charges, {refunds} refunds")
        })?;
        let paid =
            matches!(order.status, OrderStatus::Completed | OrderStatus::Confirmed | OrderStatus::Refunded);
        hold(charges == 1 || !paid, "I5 money", || {
            format!("order {no} is {} without a charge", order.status)
        })?;
        hold(refunds == 1 || order.status != OrderStatus::Refunded, "I5 money", || {
            format!("order {no} has no refund")
        })?;
        check_history(placed)?;
        let twins = self.orders.iter().filter(|other| other.client == placed.client).count();
        hold(twins == 1, "I8 idempotency", || format!("client {} has {twins} orders", placed.client))?;
        let rows = self.taken_for(no);
        let wanted = self.shop.goods[placed.cart].skus.len();
        hold(rows == 0 || rows == wanted, "I7 once", || {
            format!("order {no} of {wanted} SKUs has {rows} ledger rows")
        })?;
        let agrees = match order.status {
            OrderStatus::Confirmed => rows == wanted,
            OrderStatus::Completed => true,
            _ => rows == 0,
        };
        hold(agrees, "I10 agreement", || format!("order {no} is {} with {rows} ledger rows", order.status))
    }

    /// I3: a 2xx names a stored order with the sent body.
    fn check_answers(&self) -> Result<(), Violation> {
        for (number, client) in self.clients.iter().enumerate() {
            let Some((body, _, shown)) = &client.answered else { continue };
            let is_there = self.find(shown.id.as_u128()).is_some_and(|placed| placed.client == number);
            hold(is_there, "I3 2xx means durable", || {
                format!("client {number} was shown an order that is not there")
            })?;
            let key = self.keys.iter().find(|key| key.client == number);
            hold(key.is_some_and(|key| key.body == *body), "I3 2xx means durable", || {
                format!("client {number}: another body")
            })?;
        }
        Ok(())
    }

    fn taken_for(&self, no: OrderNo) -> usize {
        self.ledger.iter().filter(|row| row.taken_for.is_some_and(|(taken, _)| taken == no)).count()
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.outbox.is_empty()
            && self.orders.iter().all(|placed| placed.order.status.is_terminal())
            && self.redis.0.iter().all(Stream::is_drained)
            && self.clients.iter().all(Client::is_content)
            && self.processes[..INVENTORY].iter().all(|process| process.requests.is_empty())
    }

    pub(super) fn open_work(&self) -> String {
        let rows = self.outbox.len();
        let open: Vec<_> = self.orders.iter().filter(|placed| !placed.order.status.is_terminal()).collect();
        let open: Vec<_> =
            open.iter().map(|placed| format!("order {} is {}", placed.no, placed.order.status)).collect();
        format!(
            "{rows} outbox rows, {}",
            if open.is_empty() { "no open order".to_owned() } else { open.join(", ") }
        )
    }

    pub(super) fn check_quiet(&mut self) -> Result<(), Violation> {
        for sku in 0..2 {
            let came = i64::from(self.supply(sku));
            let went = self
                .confirmed()
                .map(|placed| i64::from(self.shop.goods[placed.cart].units[sku]))
                .sum::<i64>();
            hold(came == self.on_hand[sku] + went, "I1 conservation", || {
                format!("SKU {sku}: {came} came, {went} went")
            })?;
        }
        for index in 0..self.orders.len() {
            self.check_end(&self.orders[index])?;
            match self.orders[index].order.status {
                OrderStatus::Confirmed => self.reach(Reached::Confirmed),
                OrderStatus::Refunded => self.reach(Reached::Refunded),
                _ => self.reach(Reached::Declined),
            }
        }
        let sum = |books: &[(OrderNo, i64)]| books.iter().map(|(_, amount)| amount).sum::<i64>();
        let sold: i64 = self.confirmed().map(|placed| placed.order.total.amount).sum();
        hold(sum(&self.charges) - sum(&self.refunds) == sold, "I5 money", || {
            "charges - refunds are not what was sold".to_owned()
        })?;
        let asked = self.clients.iter().filter(|client| client.asked).count();
        hold(self.orders.len() == asked, "I9 no ghosts", || {
            format!("{} orders of {asked} customers", self.orders.len())
        })
    }

    /// All stock that was ever on hand.
    pub(super) fn supply(&self, sku: usize) -> u32 {
        let booked = self.restocks.iter().filter(|restock| restock.booked && restock.sku == sku);
        self.started_with[sku] + booked.map(|restock| restock.quantity).sum::<u32>()
    }

    fn confirmed(&self) -> impl Iterator<Item = &Placed> {
        self.orders.iter().filter(|placed| placed.order.status == OrderStatus::Confirmed)
    }

    /// I5, I7 and I10: a paid order is confirmed if there was stock for all.
    fn check_end(&self, placed: &Placed) -> Result<(), Violation> {
        let no = placed.no;
        let status = placed.order.status;
        let charges = count(&self.charges, no);
        let refunds = count(&self.refunds, no);
        let paid = status != OrderStatus::Declined;
        hold(charges == usize::from(paid), "I5 money", || {
            format!("order {no} is {status} with {charges} charges")
        })?;
        hold(refunds == usize::from(status == OrderStatus::Refunded), "I5 money", || {
            format!("order {no}: {refunds} refunds")
        })?;
        let decided: Vec<_> =
            self.stock_inbox.iter().filter(|(event, _)| self.events[*event].no == no).collect();
        hold(decided.len() == usize::from(paid), "I7 once", || {
            format!("order {no}: {} rows in inventory's inbox", decided.len())
        })?;
        let applied = self.payment_inbox.iter().filter(|event| self.events[**event].no == no).count();
        hold(applied == usize::from(paid), "I7 once", || {
            format!("order {no}: {applied} rows in payment's inbox")
        })?;
        let plenty = |sku: &usize| {
            self.clients.iter().map(|c| self.shop.goods[c.cart].units[*sku]).sum::<u32>()
                <= placed.supply[*sku]
        };
        let deserved = self.shop.goods[placed.cart].skus.iter().all(plenty);
        let refused = status == OrderStatus::Refunded && deserved;
        hold(!refused, "I10 agreement", || {
            format!("order {no} was refused although there was enough for everybody")
        })
    }
}

fn count(books: &[(OrderNo, i64)], no: OrderNo) -> usize {
    books.iter().filter(|(booked, _)| *booked == no).count()
}

/// I6, and the monotony that polling clients see.
fn check_history(placed: &Placed) -> Result<(), Violation> {
    let no = placed.no;
    let history = &placed.history;
    hold(is_legal(placed), "I6 history", || format!("order {no}: {history:?}"))?;
    let (version, status) = placed.seen;
    hold(history.len() >= version, "I6 history", || format!("order {no} went back from version {version}"))?;
    hold(!status.is_terminal() || history.len() == version, "I4 one end", || {
        format!("order {no} went on after {status}")
    })
}

fn is_legal(placed: &Placed) -> bool {
    let edges = placed.history.windows(2).all(|pair| pair[1].predecessor() == Some(pair[0]));
    edges
        && placed.history.first() == Some(&OrderStatus::Pending)
        && placed.history.last() == Some(&placed.order.status)
}
