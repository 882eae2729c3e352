//! Models `actors::round`, `actors::deciding` and `store::reservations`.

use inventory::domain::{Decision, HoldResult, Level, Shelf};

use super::memory::{Case, LateLevel, Round, RoundStage, StockDecision};
use super::reached::Reached;
use super::state::{Event, INVENTORY, LedgerRow, Lingering, PROCESSES, Restock, World, name};
use crate::redis::{COMPLETED, REFUND, RESERVED};
use crate::shop::SKUS;

const BATCH: usize = 3;
/// As in `round.rs`.
const ATTEMPTS: usize = 4;

/// A constraint rolled the transaction back.
pub struct Refused;

impl World<'_> {
    pub(super) fn stock_step(&mut self, process: usize) -> bool {
        let mut round = std::mem::take(&mut self.processes[process].round);
        if round.cases.is_empty() {
            let count = 1 + self.random.below(BATCH);
            let read = self.read(process, COMPLETED, count);
            round.cases = read.into_iter().map(|delivered| Case { delivered, done: false }).collect();
            let found = !round.cases.is_empty();
            self.processes[process].round = round;
            return found || self.progressed();
        }
        if !self.rules.ack_after_commit {
            round.cases.iter().for_each(|case| self.acknowledge(COMPLETED, case.delivered));
        }
        if self.fault(16) {
            self.processes[process].shelves = [None; 2]; // the desk panicked: its holds go with it, the entries stay pending
            return true;
        }
        self.processes[process].round = self.round_step(process, round);
        true
    }

    fn round_step(&mut self, process: usize, mut round: Round) -> Round {
        round.stage = match std::mem::take(&mut round.stage) {
            RoundStage::Duplicates => self.answer_duplicates(process, &mut round.cases, round.attempts),
            RoundStage::Decide { decisions, exact } => {
                self.decide_next(process, &round.cases, decisions, exact)
            }
            RoundStage::Commit(decisions) => self.commit_round(process, &mut round, decisions),
            RoundStage::Ack => {
                if !self.fault(8) {
                    self.note(|| format!("{}: acks its batch", name(process)));
                    round.cases.iter().for_each(|case| self.acknowledge(COMPLETED, case.delivered));
                }
                return Round::default();
            }
        };
        round
    }

    /// The first of two equal events in a batch counts.
    fn answer_duplicates(&mut self, process: usize, cases: &mut [Case], attempts: usize) -> RoundStage {
        // The service skips the inbox at the first attempt of a first delivery. The model does either.
        let looks = attempts > 0 || !self.faulty || self.random.below(2) == 0;
        for index in 0..cases.len() {
            let event = cases[index].delivered.event;
            let reply =
                self.stock_inbox.iter().find(|(known, _)| looks && *known == event).map(|(_, reply)| *reply);
            let twin = cases[..index].iter().any(|case| case.delivered.event == event);
            if let Some(reply) = reply.filter(|_| !cases[index].done && self.rules.inbox_decides) {
                self.reach(Reached::DuplicateAnswered);
                self.note(|| {
                    format!(
                        "{}: event {event} had its effect; answers with event {reply} again",
                        name(process)
                    )
                });
                if self.rules.duplicate_is_answered {
                    self.processes[process].relay.queue.push(reply);
                }
                cases[index].done = true;
            }
            cases[index].done |= twin;
        }
        if cases.iter().all(|case| case.done) {
            return RoundStage::Ack;
        }
        self.load_missing(process, cases);
        RoundStage::Decide { decisions: Vec::with_capacity(cases.len()), exact: [false; 2] }
    }

    fn load_missing(&mut self, process: usize, cases: &[Case]) {
        for case in cases.iter().filter(|case| !case.done) {
            for sku in &self.shop.goods[self.events[case.delivered.event].cart].skus {
                let level = self.level(*sku);
                self.processes[process].shelves[*sku].get_or_insert_with(|| Shelf::new(level));
            }
        }
    }

    fn level(&self, sku: usize) -> Level {
        let as_of = self.ledger.iter().rposition(|row| row.sku == sku).map_or(0, |place| place as i64 + 1);
        Level { on_hand: u32::try_from(self.on_hand[sku]).unwrap_or(0), as_of }
    }

    /// Each order sees the holds of those before.
    fn decide_next(
        &mut self,
        process: usize,
        cases: &[Case],
        mut decisions: Vec<StockDecision>,
        mut exact: [bool; 2],
    ) -> RoundStage {
        let mut open = cases.iter().filter(|case| !case.done);
        let Some(case) = open.nth(decisions.len()) else { return RoundStage::Commit(decisions) };
        let event = case.delivered.event;
        let reserved = self.decide(process, self.events[event].cart, &mut exact);
        let Event { no, cart, .. } = self.events[event];
        let (stream, taken) =
            if reserved { (RESERVED, self.shop.goods[cart].units) } else { (REFUND, [0; 2]) };
        let reply = self.new_event(Event { stream, no, cart, cause: Some(event) });
        self.note(|| {
            format!("{}: decides order {no}: {}", name(process), if reserved { "reserve" } else { "refuse" })
        });
        decisions.push(StockDecision { event, no, taken, reply });
        if open.next().is_some() {
            RoundStage::Decide { decisions, exact }
        } else {
            RoundStage::Commit(decisions)
        }
    }

    fn decide(&mut self, process: usize, cart: usize, exact: &mut [bool; 2]) -> bool {
        let goods = &self.shop.goods[cart];
        let shelves = &mut self.processes[process].shelves;
        let hold = |sku: &usize| match shelves[*sku].as_mut().map(|shelf| shelf.hold(goods.units[*sku])) {
            Some(Ok(())) => HoldResult::Held,
            Some(Err(short)) => HoldResult::Short { available: short.available },
            None => HoldResult::Unknown,
        };
        let answers: Vec<HoldResult> = goods.skus.iter().map(hold).collect();
        if Decision::over(&goods.wanted.lines, &answers) == Decision::Reserve {
            return true;
        }
        let held = goods.skus.iter().zip(&answers).filter(|(_, answer)| **answer == HoldResult::Held);
        for shelf in held.filter(|_| self.rules.refused_holds_are_released).map(|(sku, _)| *sku) {
            shelves[shelf].iter_mut().for_each(|found| found.release(goods.units[shelf]));
        }
        let short =
            goods.skus.iter().zip(&answers).filter(|(_, answer)| matches!(answer, HoldResult::Short { .. }));
        let stale: Vec<usize> = short
            .map(|(sku, _)| *sku)
            .filter(|sku| !exact[*sku] && self.rules.shortage_is_looked_up)
            .collect();
        if stale.is_empty() {
            return false;
        }
        for sku in stale {
            let level = self.level(sku);
            self.processes[process].shelves[sku].iter_mut().for_each(|shelf| shelf.update(level));
            exact[sku] = true;
            self.reach(Reached::LookedUp);
        }
        self.decide(process, cart, exact)
    }

    fn commit_round(
        &mut self,
        process: usize,
        round: &mut Round,
        decisions: Vec<StockDecision>,
    ) -> RoundStage {
        if self.fault(6) {
            self.forget_products(process, round);
            return RoundStage::Duplicates; // PostgreSQL is away: handled again
        }
        if self.fault(8) {
            self.reach(Reached::CommitLingered);
            self.lingering.push(Lingering::Stock(decisions.clone()));
            return RoundStage::Commit(decisions);
        }
        let committed = self.commit_stock(&decisions);
        self.note(|| {
            format!(
                "{}: commits {} decision(s): {}",
                name(process),
                decisions.len(),
                if committed.is_ok() { "ok" } else { "refused" }
            )
        });
        match committed {
            Ok(_) if self.fault(6) => {
                self.reach(Reached::CommitReplyLost);
                RoundStage::Commit(decisions) // tried again, and refused by the inbox
            }
            Ok(levels) => {
                self.update_shelves(process, &decisions, levels);
                self.processes[process].relay.queue.extend(decisions.iter().map(|decision| decision.reply));
                round.cases.iter_mut().for_each(|case| case.done = true);
                RoundStage::Ack
            }
            Err(Refused) => {
                self.forget_products(process, round);
                decide_anew(round)
            }
        }
    }

    fn update_shelves(&mut self, process: usize, decisions: &[StockDecision], levels: [Option<Level>; 2]) {
        for (sku, level) in levels.into_iter().enumerate() {
            let taken = decisions.iter().map(|decision| decision.taken[sku]).sum();
            if let (Some(level), Some(shelf)) = (level, self.processes[process].shelves[sku].as_mut()) {
                shelf.commit_hold(taken, level);
            }
        }
    }

    /// Drops levels in doubt.
    fn forget_products(&mut self, process: usize, round: &Round) {
        for case in round.cases.iter().filter(|case| !case.done) {
            for sku in &self.shop.goods[self.events[case.delivered.event].cart].skus {
                self.processes[process].shelves[*sku] = None;
            }
        }
    }

    /// `WriteStock`: one transaction. Returns the last level of each SKU.
    pub(super) fn commit_stock(
        &mut self,
        decisions: &[StockDecision],
    ) -> Result<[Option<Level>; 2], Refused> {
        let is_known =
            |decision: &StockDecision| self.stock_inbox.iter().any(|(event, _)| *event == decision.event);
        if self.rules.inbox_decides && decisions.iter().any(is_known) {
            self.reach(Reached::InboxRefused);
            return Err(Refused);
        }
        let is_booked = |decision: &StockDecision| {
            let mut taken = self.ledger.iter().filter_map(|row| row.taken_for);
            decision.taken != [0; 2] && taken.any(|(no, event)| no == decision.no || event == decision.event)
        };
        if decisions.iter().any(is_booked) {
            return Err(Refused);
        }
        let wanted =
            |sku: usize| decisions.iter().map(|decision| i64::from(decision.taken[sku])).sum::<i64>();
        if self.rules.stock_guard && (0..2).any(|sku| self.on_hand[sku] < wanted(sku)) {
            self.reach(Reached::GuardRefused);
            return Err(Refused);
        }
        let mut levels = [None; 2];
        for decision in decisions {
            self.book(decision, &mut levels);
        }
        self.changed = true;
        Ok(levels)
    }

    fn book(&mut self, decision: &StockDecision, levels: &mut [Option<Level>; 2]) {
        self.stock_inbox.push((decision.event, decision.reply));
        for sku in (0..2).filter(|sku| decision.taken[*sku] > 0) {
            let delta = -i64::from(decision.taken[sku]);
            self.on_hand[sku] += delta;
            self.ledger.push(LedgerRow { sku, delta, taken_for: Some((decision.no, decision.event)) });
            levels[sku] = Some(self.level(sku));
        }
    }

    /// A lost answer is asked for again, by the same key.
    pub(super) fn restock(&mut self) {
        let Some(which) = self.restocks.iter().position(|restock| !restock.answered) else { return };
        let process = INVENTORY + self.random.below(PROCESSES - INVENTORY);
        if self.processes[process].frozen > 0 {
            return;
        }
        let Restock { sku, quantity, booked, .. } = self.restocks[which];
        if !booked {
            self.on_hand[sku] += i64::from(quantity);
            self.ledger.push(LedgerRow { sku, delta: i64::from(quantity), taken_for: None });
            self.restocks[which].booked = true;
            self.reach(Reached::Restocked);
            self.changed = true;
            let level = self.level(sku);
            self.processes[process].late.push(LateLevel { sku, level });
            self.note(|| format!("{}: restocks {quantity} of {}", name(process), SKUS[sku]));
        }
        self.restocks[which].answered = !self.fault(4);
    }

    pub(super) fn late_step(&mut self, process: usize) -> bool {
        let Some(LateLevel { sku, level }) = self.processes[process].late.pop() else { return false };
        self.processes[process].shelves[sku].iter_mut().for_each(|shelf| shelf.update(level));
        true
    }
}

/// After some attempts only the first order is decided; the others stay pending.
fn decide_anew(round: &mut Round) -> RoundStage {
    round.attempts += 1;
    if round.attempts < ATTEMPTS {
        return RoundStage::Duplicates;
    }
    round.attempts = 0;
    if round.cases.len() == 1 {
        round.cases.clear(); // failed: it stays pending
    } else {
        round.cases.truncate(1);
    }
    RoundStage::Duplicates
}
