//! A random phase with faults, then a fair phase until nothing moves.

use super::state::{INVENTORY, Lingering, PROCESSES, World};
use super::violation::Violation;

/// Enough for everything that can move.
const FAIR_ROUNDS: usize = 30;
/// More steps mean that a process goes in circles.
const FAIR_STEPS: usize = 500;

impl World<'_> {
    pub fn run(&mut self, steps: usize) -> Result<(), Violation> {
        for _ in 0..steps {
            self.random_step();
            self.check_safety()?;
        }
        self.faulty = false;
        self.fault_odds = 0;
        self.note(|| "-- faults end, all processes run --".to_owned());
        self.fair_phase()?;
        self.check_quiet()
    }

    fn random_step(&mut self) {
        if self.fault(12) {
            self.inject_fault();
        }
        match self.random.below(12) {
            0 => self.clients_step(),
            1 => self.world_step(),
            _ => {
                let process = self.random.below(PROCESSES);
                let thread = self.random.below(8);
                let held = std::mem::replace(&mut self.processes[process].frozen, 0);
                self.processes[process].frozen = held.saturating_sub(1);
                // Takes the first activity with work, from a random one on.
                let _ = held > 0 || (0..8).any(|next| self.thread_step(process, (thread + next) % 8));
            }
        }
    }

    /// False for an idle activity.
    fn thread_step(&mut self, process: usize, thread: usize) -> bool {
        match (process < INVENTORY, thread) {
            (_, 0) => self.publish(process),
            (_, 1) => self.sweep(process),
            (true, 2) => self.request_step(process),
            (true, 3 | 4) => self.cashier_step(process),
            (true, 5 | 6) => self.outcome_step(process, thread - 5),
            (false, 2) => self.late_step(process),
            (false, 3..=6) => self.stock_step(process),
            _ => false,
        }
    }

    fn world_step(&mut self) {
        match self.random.below(5) {
            0 => self.time_passes(false),
            1 => self.statement_ends(),
            2 => self.restock(),
            3 => self.claim(),
            _ => self.reconcile(),
        }
    }

    fn fair_phase(&mut self) -> Result<(), Violation> {
        self.processes.iter_mut().for_each(|process| process.frozen = 0);
        while !self.lingering.is_empty() {
            self.statement_ends();
            self.check_safety()?;
        }
        for _ in 0..FAIR_ROUNDS {
            self.time_passes(true);
            self.restock();
            self.clients_ask_again();
            (0..INVENTORY).for_each(|process| self.reconcile_in(process));
            for process in 0..PROCESSES {
                self.run_dry(process)?;
            }
            if self.is_quiet() {
                return Ok(());
            }
        }
        Err(Violation::new(
            "I4 one end: stuck",
            format!("still moving after {FAIR_ROUNDS} fair rounds: {}", self.open_work()),
        ))
    }

    fn run_dry(&mut self, process: usize) -> Result<(), Violation> {
        for _ in 0..FAIR_STEPS {
            if !(0..8).any(|thread| self.thread_step(process, thread)) {
                return Ok(());
            }
            self.check_safety()?;
        }
        Err(Violation::new("I4 one end: stuck", format!("process {process} goes in circles")))
    }

    /// Rows fall due: one at random, or all.
    fn time_passes(&mut self, all: bool) {
        let rows = self.outbox.len();
        if all {
            self.outbox.iter_mut().for_each(|row| row.due = true);
        } else if rows > 0 {
            let row = self.random.below(rows);
            self.outbox[row].due = true;
        }
    }

    fn statement_ends(&mut self) {
        if self.lingering.is_empty() {
            return;
        }
        let which = self.random.below(self.lingering.len());
        let statement = self.lingering.swap_remove(which);
        if self.fault(2) {
            return; // rolled back
        }
        self.note(|| "a statement without a client is committed".to_owned());
        match statement {
            Lingering::Settlement(settlement) => _ = self.commit_settlement(&settlement),
            Lingering::Outcome(statement) => _ = self.commit_outcome(&statement),
            Lingering::Stock(decisions) => _ = self.commit_stock(&decisions),
        }
    }
}
