//! Faults between steps.

use super::reached::Reached;
use super::state::{INVENTORY, PROCESSES, Process, World, name};
use crate::redis::{COMPLETED, REFUND, RESERVED, STREAMS, Stream};

/// Steps of a stopped process: others can claim and finish its entries.
const NAP: usize = 12;

impl World<'_> {
    pub(super) fn inject_fault(&mut self) {
        match self.random.below(10) {
            0..=3 => self.crash(),
            4 | 5 => self.freeze(),
            6 => self.reset_redis(),
            7 => self.redis_goes_back(),
            8 => self.drop_entry(),
            _ => self.claim(),
        }
    }

    /// A statement already sent may still be committed (see `Lingering`).
    fn crash(&mut self) {
        let process = self.random.below(PROCESSES);
        self.processes[process] = Process { frozen: self.random.below(2 * NAP), ..Process::default() };
        self.reach(Reached::Crashed);
        self.note(|| format!("!! {} crashes", name(process)));
    }

    /// SIGSTOP: the process goes on later as a zombie.
    fn freeze(&mut self) {
        let process = self.random.below(PROCESSES);
        self.processes[process].frozen = NAP;
        self.reach(Reached::Frozen);
        self.note(|| format!("!! {} is stopped for a while", name(process)));
    }

    fn reset_redis(&mut self) {
        self.reach(Reached::RedisReset);
        let stream = self.random.below(3);
        let what = self.random.below(3);
        match what {
            0 => self.redis.0 = Default::default(),
            1 => self.redis.0[stream] = Stream::default(),
            _ => self.redis.0[stream].group = None,
        }
        self.note(|| format!("!! {} {}", ["FLUSHALL", "DEL", "XGROUP DESTROY"][what], STREAMS[stream]));
    }

    /// The tail of the AOF is lost.
    fn redis_goes_back(&mut self) {
        if self.random.one_in(2) {
            self.redis_saved = self.redis.clone();
            return;
        }
        self.redis = self.redis_saved.clone();
        self.reach(Reached::RedisWentBack);
        self.note(|| "!! Redis comes back as it was a while ago".to_owned());
    }

    /// Trims one entry, or all of a stream.
    fn drop_entry(&mut self) {
        let which = self.random.below(3);
        let count = self.redis.0[which].entries.len();
        if count == 0 {
            return;
        }
        if self.random.one_in(3) {
            self.redis.0[which].entries.clear();
        } else {
            let entry = self.random.below(count);
            self.redis.0[which].entries.remove(entry);
        }
        self.reach(Reached::EntryDropped);
        self.note(|| format!("!! {} is trimmed", STREAMS[which]));
    }

    pub(super) fn claim(&mut self) {
        let process = self.random.below(PROCESSES);
        let stream = if process >= INVENTORY { COMPLETED } else { [RESERVED, REFUND][self.random.below(2)] };
        if self.processes[process].frozen == 0 && self.redis.0[stream].claim(process) {
            self.reach(Reached::Claimed);
            self.note(|| format!("{}: claims what others hold of {}", name(process), STREAMS[stream]));
        }
    }
}
