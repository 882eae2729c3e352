//! Models `runtime::outbox`, with streams that duplicate and reorder.

use super::reached::Reached;
use super::state::{INVENTORY, OutboxRow, World, name};
use crate::redis::{EventNo, STREAMS};

impl World<'_> {
    /// Part of the caller's transaction.
    pub(super) fn write_outbox(&mut self, event: EventNo) {
        if self.rules.outbox_in_transaction {
            self.outbox.push(OutboxRow { event, due: false });
        }
    }

    /// Publishes and forgets in two steps, with room for a crash in between.
    pub(super) fn publish(&mut self, process: usize) -> bool {
        if let Some(event) = self.processes[process].relay.forget.pop() {
            self.outbox.retain(|row| row.event != event);
            self.note(|| format!("{}: forgets the row of event {event}", name(process)));
            return true;
        }
        let queued = self.processes[process].relay.queue.len();
        if queued == 0 {
            return false;
        }
        // Any event: the sweep and the feed publish side by side.
        let which = if self.faulty { self.random.below(queued) } else { 0 };
        let event = self.processes[process].relay.queue[which];
        if self.fault(6) {
            return true; // Redis is away
        }
        self.append(event, process);
        if self.fault(6) {
            self.reach(Reached::PublishedTwice);
            return true; // it happened, but the answer was lost: it stays in the queue
        }
        self.processes[process].relay.queue.swap_remove(which);
        if !self.rules.resend_until_confirmed {
            self.processes[process].relay.forget.push(event);
        }
        true
    }

    fn append(&mut self, event: EventNo, process: usize) {
        let entry = self.next_entry;
        self.next_entry += 1;
        let stream = self.events[event].stream;
        let no = self.events[event].no;
        self.redis.0[stream].entries.push((entry, event));
        self.note(|| {
            format!("{}: XADD {} entry {entry}: event {event} of order {no}", name(process), STREAMS[stream])
        });
    }

    /// Leases and queues due rows. A crash leaves them to the next sweep.
    pub(super) fn sweep(&mut self, process: usize) -> bool {
        if process >= INVENTORY {
            return false;
        }
        let relay = &mut self.processes[process].relay;
        let before = relay.queue.len();
        for row in self.outbox.iter_mut().filter(|row| row.due) {
            row.due = false;
            relay.queue.push(row.event);
        }
        let taken = relay.queue.len() - before;
        if taken > 0 {
            self.reach(Reached::Resent);
            self.note(|| format!("{}: sweeps {taken} due row(s)", name(process)));
        }
        taken > 0
    }
}
