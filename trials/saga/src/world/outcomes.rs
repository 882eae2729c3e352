//! Models `Cashier::refund_all` and `store::outcome::ApplyOutcomes`.

use std::sync::Arc;

use jiff::Timestamp;
use payment::domain::{Applied, OrderStatus, Progress};

use super::memory::{ApplyStage, HeldEvent, Statement};
use super::reached::Reached;
use super::state::{Lingering, World, name};
use super::violation::Violation;
use crate::redis::{Delivered, REFUND, RESERVED, Redelivery};

impl World<'_> {
    /// `which`: 0 for `stock_reserved`, 1 for `refund_order`.
    pub(super) fn outcome_step(&mut self, process: usize, which: usize) -> bool {
        let stream = [RESERVED, REFUND][which];
        let Some(hand) = self.processes[process].hands[which].take() else {
            let read = self.read(process, stream, 1);
            let hand =
                read.first().map(|delivered| HeldEvent { delivered: *delivered, stage: ApplyStage::Fresh });
            let found = hand.is_some();
            self.processes[process].hands[which] = hand;
            return found || self.progressed();
        };
        let HeldEvent { delivered, stage } = hand;
        if !self.rules.ack_after_commit {
            self.acknowledge(stream, delivered);
        }
        if self.fault(12) {
            return true; // the consumer lost its connection: the entry stays pending
        }
        let stage = self.outcome_stage(process, stream, delivered, stage);
        self.processes[process].hands[which] = stage.map(|stage| HeldEvent { delivered, stage });
        true
    }

    fn outcome_stage(
        &mut self,
        process: usize,
        stream: usize,
        delivered: Delivered,
        stage: ApplyStage,
    ) -> Option<ApplyStage> {
        let event = delivered.event;
        let no = self.events[event].no;
        match stage {
            ApplyStage::Fresh => {
                let owed = stream == REFUND
                    && self.find(no).is_some_and(|placed| placed.order.status == OrderStatus::Completed);
                Some(if owed { ApplyStage::AskRefund } else { ApplyStage::Begin })
            }
            ApplyStage::AskRefund => {
                self.refund(no);
                self.note(|| format!("{}: the provider has refunded order {no}", name(process)));
                Some(if self.fault(6) { ApplyStage::Fresh } else { ApplyStage::Begin })
            }
            ApplyStage::Begin => {
                let known = self.payment_inbox.contains(&event);
                let status = self.find(no).map(|placed| placed.order.status);
                self.note(|| format!("{}: the statement for event {event} begins", name(process)));
                Some(ApplyStage::Commit(Statement { event, known, status }))
            }
            ApplyStage::Commit(statement) => self.commit_attempt(process, statement),
            ApplyStage::Ack => {
                self.note(|| format!("{}: acks entry {}", name(process), delivered.entry));
                self.acknowledge(stream, delivered);
                None
            }
        }
    }

    fn refund(&mut self, no: u128) {
        let charge = self.charges.iter().find(|(charged, _)| *charged == no).copied();
        let refunded = self.refunds.iter().any(|(refunded, _)| *refunded == no);
        if let Some(charge) = charge
            && (!refunded || !self.rules.refund_idempotent)
        {
            self.refunds.push(charge);
            self.changed = true;
        }
    }

    fn commit_attempt(&mut self, process: usize, statement: Statement) -> Option<ApplyStage> {
        if self.fault(6) {
            return Some(ApplyStage::Fresh); // PostgreSQL is away
        }
        if self.fault(6) {
            self.reach(Reached::CommitLingered);
            self.lingering.push(Lingering::Outcome(statement));
            return Some(ApplyStage::Begin); // tried again while the server may still be at it
        }
        let applied = self.commit_outcome(&statement);
        self.note(|| format!("{}: event {}: {applied:?}", name(process), statement.event));
        if self.fault(6) {
            self.reach(Reached::CommitReplyLost);
            return Some(ApplyStage::Begin);
        }
        match applied {
            Applied::Moved(_) | Applied::Parked => {}
            Applied::Duplicate => self.reach(Reached::DuplicateApplied),
            Applied::UnknownOrder | Applied::Unexpected(_) => {
                let what = format!("event {} became a dead letter: {applied:?}", statement.event);
                self.violation = Some(Violation::new("I11 dead letters", what));
            }
        }
        Some(ApplyStage::Ack)
    }

    /// `ApplyOutcomes`, at the moment of its locks.
    pub(super) fn commit_outcome(&mut self, statement: &Statement) -> Applied {
        let Statement { event, known, status } = *statement;
        let no = self.events[event].no;
        let cause = self.events[event].cause;
        let stream = self.events[event].stream;
        let to = if stream == REFUND { OrderStatus::Refunded } else { OrderStatus::Confirmed };
        let checked = self.rules.transitions_are_checked;
        let moved = self.find_mut(no).is_some_and(|placed| placed.advance(to, checked));
        if let Some(cause) = cause {
            self.outbox.retain(|row| row.event != cause);
        }
        if moved {
            self.changed = true;
            self.record_end(no);
            if self.rules.inbox_decides {
                self.payment_inbox.push(event);
            }
            return Applied::Moved(Arc::new(Progress {
                status: to,
                charge_id: None,
                refund_id: None,
                reason: None,
                settled_at: Timestamp::UNIX_EPOCH,
                ended_at: Some(Timestamp::UNIX_EPOCH),
                response: None,
            }));
        }
        if status == Some(OrderStatus::Completed) {
            self.reach(Reached::LostRace);
        }
        let now = (self.payment_inbox.contains(&event), self.find_mut(no).map(|placed| placed.order.status));
        match if self.rules.reason_is_looked_up { now } else { (known, status) } {
            (true, _) => Applied::Duplicate,
            (false, Some(status)) => Applied::Unexpected(status),
            (false, None) => Applied::UnknownOrder,
        }
    }

    pub(super) fn acknowledge(&mut self, stream: usize, delivered: Delivered) {
        self.redis.0[stream].ack(delivered.entry);
        self.changed = true;
    }

    /// Creates the group, then reads own pending entries, then new ones.
    pub(super) fn read(&mut self, process: usize, stream: usize, count: usize) -> Vec<Delivered> {
        let mut hand = Vec::new();
        self.changed_position = false;
        let nth = if self.faulty { self.random.below(3) } else { 0 };
        let pending_first = !self.faulty || self.random.one_in(2);
        if pending_first {
            match self.redis.0[stream].redeliver(process, nth) {
                Redelivery::Event(delivered) => hand.push(delivered),
                Redelivery::Nothing => {}
                Redelivery::Gone => {
                    self.changed_position = true;
                    self.reach(Reached::PendingGone);
                    self.note(|| {
                        format!("{}: acks a pending entry that is gone from the stream", name(process))
                    });
                }
                Redelivery::DeadLetter(entry) => {
                    self.dead_letters.push(entry);
                    self.changed_position = true;
                    self.reach(Reached::DeadLetter);
                    self.note(|| {
                        format!(
                            "{}: a pending entry became a dead letter: delivered too often",
                            name(process)
                        )
                    });
                }
            }
        }
        if hand.is_empty()
            && !self.changed_position
            && self.redis.0[stream].read_new(process, count, &mut hand).is_none()
        {
            let has_entries = !self.redis.0[stream].entries.is_empty();
            self.redis.0[stream].create_group(self.rules.group_from_start);
            self.changed_position = has_entries;
            self.changed = true;
            self.reach(Reached::GroupRecreated);
        }
        if !hand.is_empty() {
            self.note(|| format!("{}: reads {}", name(process), describe(&hand)));
        }
        hand
    }

    /// Whether the last read moved the consumer without an event.
    pub(super) fn progressed(&self) -> bool {
        self.changed_position
    }
}

fn describe(hand: &[Delivered]) -> String {
    hand.iter()
        .map(|delivered| format!("entry {} (event {})", delivered.entry, delivered.event))
        .collect::<Vec<_>>()
        .join(", ")
}
