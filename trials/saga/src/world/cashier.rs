//! Models `payment::actors::cashier` and `reconciler`.

use payment::domain::{OrderStatus, PaymentMethod};

use super::memory::{Charge, OrderNo, Settlement};
use super::reached::Reached;
use super::state::{Event, INVENTORY, Lingering, Placed, World, name};
use crate::redis::COMPLETED;

/// Attempts before the reconciler.
const ATTEMPTS: usize = 5;

impl World<'_> {
    pub(super) fn cashier_step(&mut self, process: usize) -> bool {
        let cashier = &mut self.processes[process].cashier;
        let charge = match cashier.charge.take() {
            Some(charge) => charge,
            None if cashier.queue.is_empty() => return false,
            None => Charge::Ask { no: cashier.queue.remove(0), attempt: 1 },
        };
        let next = match charge {
            Charge::Ask { no, attempt } => self.ask_provider(process, no, attempt),
            Charge::Settle(settlement) => self.settle(process, settlement),
        };
        self.processes[process].cashier.charge = next;
        true
    }

    fn ask_provider(&mut self, process: usize, no: OrderNo, attempt: usize) -> Option<Charge> {
        let placed = self.find(no)?;
        let method = self.method(placed.client);
        let cart = placed.cart;
        let amount = placed.order.total.amount;
        if matches!(method, PaymentMethod::Declined | PaymentMethod::InsufficientFunds) {
            return Some(Charge::Settle(Settlement { no, event: None }));
        }
        let again = (attempt < ATTEMPTS).then_some(Charge::Ask { no, attempt: attempt + 1 });
        if method == PaymentMethod::Flaky && self.faulty && self.random.one_in(2) {
            return again;
        }
        let fresh = !self.charges.iter().any(|(charged, _)| *charged == no);
        if fresh || !self.rules.charge_idempotent {
            self.charges.push((no, amount));
            self.changed = true;
        }
        self.note(|| format!("{}: the provider has charged order {no}", name(process)));
        if (method == PaymentMethod::Timeout && fresh) || self.fault(6) {
            self.reach(Reached::ProviderReplyLost);
            return again;
        }
        let event = self.new_event(Event { stream: COMPLETED, no, cart, cause: None });
        Some(Charge::Settle(Settlement { no, event: Some(event) }))
    }

    fn settle(&mut self, process: usize, settlement: Settlement) -> Option<Charge> {
        if self.fault(6) {
            return None; // PostgreSQL is away: the order is still pending
        }
        if self.fault(8) {
            self.reach(Reached::CommitLingered);
            self.lingering.push(Lingering::Settlement(settlement.clone()));
            return Some(Charge::Settle(settlement));
        }
        let moved = self.commit_settlement(&settlement);
        self.note(|| format!("{}: settles order {}: moved {moved}", name(process), settlement.no));
        if self.fault(6) {
            self.reach(Reached::CommitReplyLost);
            return Some(Charge::Settle(settlement)); // the second attempt moves nothing and feeds no relay
        }
        if moved {
            self.processes[process].relay.queue.extend(settlement.event);
        }
        None
    }

    /// `SettleCharges`: whether the order moved.
    pub(super) fn commit_settlement(&mut self, settlement: &Settlement) -> bool {
        let status = if settlement.event.is_some() { OrderStatus::Completed } else { OrderStatus::Declined };
        let checked = self.rules.transitions_are_checked;
        let moved = self.find_mut(settlement.no).is_some_and(|placed| placed.advance(status, checked));
        if moved {
            match settlement.event {
                Some(event) => self.write_outbox(event),
                None => self.record_end(settlement.no),
            }
            let supply = [0, 1].map(|sku| self.supply(sku));
            self.find_mut(settlement.no).into_iter().for_each(|placed| placed.supply = supply);
            self.changed = true;
        }
        moved
    }

    pub(super) fn reconcile(&mut self) {
        let process = self.random.below(INVENTORY);
        if self.processes[process].frozen == 0 {
            self.reconcile_in(process);
        }
    }

    pub(super) fn reconcile_in(&mut self, process: usize) {
        if !self.rules.reconciler_runs {
            return;
        }
        let pending = self
            .orders
            .iter()
            .filter(|placed| placed.order.status == OrderStatus::Pending)
            .map(|placed| placed.no);
        let before = self.processes[process].cashier.queue.len();
        self.processes[process].cashier.queue.extend(pending);
        if self.processes[process].cashier.queue.len() > before {
            self.reach(Reached::Recharged);
            self.note(|| format!("{}: the reconciler queues what is pending", name(process)));
        }
    }
}

impl Placed {
    /// `UPDATE orders SET status … WHERE status = (its predecessor)`
    pub fn advance(&mut self, status: OrderStatus, checked: bool) -> bool {
        if checked && status.predecessor() != Some(self.order.status) {
            return false;
        }
        self.order.status = status;
        self.history.push(status);
        true
    }
}
