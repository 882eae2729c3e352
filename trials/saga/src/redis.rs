//! Three streams with one consumer group each. All data may be lost or set back.

/// Ids rise over a reset, because Redis takes them from the clock.
pub type EntryNo = u32;
/// The index in `World::events`.
pub type EventNo = usize;

pub const COMPLETED: usize = 0;
pub const RESERVED: usize = 1;
pub const REFUND: usize = 2;
pub const STREAMS: [&str; 3] = ["order_completed", "stock_reserved", "refund_order"];

/// The default of `delivery-limit`.
const DELIVERY_LIMIT: u32 = 5;

#[derive(Debug, Clone, Default)]
pub struct Redis(pub [Stream; 3]);

#[derive(Debug, Clone, Default)]
pub struct Stream {
    pub entries: Vec<(EntryNo, EventNo)>,
    pub group: Option<Group>,
}

#[derive(Debug, Clone, Default)]
pub struct Group {
    pub last: EntryNo,
    pub pending: Vec<Pending>,
}

/// The owner is an instance, because consumer names survive a restart.
#[derive(Debug, Clone, Copy)]
pub struct Pending {
    pub entry: EntryNo,
    pub owner: usize,
    pub deliveries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    pub entry: EntryNo,
    pub event: EventNo,
}

pub enum Redelivery {
    Nothing,
    Event(Delivered),
    /// Acknowledged without the handler.
    Gone,
    DeadLetter(EntryNo),
}

impl Stream {
    /// XREADGROUP `>`: false without new entries, `None` without a group.
    pub fn read_new(&mut self, owner: usize, count: usize, hand: &mut Vec<Delivered>) -> Option<bool> {
        let group = self.group.as_mut()?;
        for (entry, event) in self.entries.iter().copied() {
            if entry > group.last && hand.len() < count {
                group.last = entry;
                group.pending.push(Pending { entry, owner, deliveries: 1 });
                hand.push(Delivered { entry, event });
            }
        }
        Some(!hand.is_empty())
    }

    /// `Session::redeliver` of the `nth` pending entry: the model reads in any order.
    pub fn redeliver(&mut self, owner: usize, nth: usize) -> Redelivery {
        let Some(group) = self.group.as_mut() else { return Redelivery::Nothing };
        let owned = group.pending.iter().filter(|pending| pending.owner == owner).count();
        if owned == 0 {
            return Redelivery::Nothing;
        }
        let Some(pending) =
            group.pending.iter_mut().filter(|pending| pending.owner == owner).nth(nth % owned)
        else {
            return Redelivery::Nothing;
        };
        let Pending { entry, deliveries, .. } = *pending;
        pending.deliveries += 1;
        let found = self.entries.iter().find(|(id, _)| *id == entry).copied();
        let Some((_, event)) = found else {
            self.ack(entry);
            return Redelivery::Gone;
        };
        if deliveries >= DELIVERY_LIMIT {
            self.ack(entry);
            return Redelivery::DeadLetter(entry);
        }
        Redelivery::Event(Delivered { entry, event })
    }

    /// XAUTOCLAIM JUSTID without an idle time, so that owners become zombies.
    pub fn claim(&mut self, owner: usize) -> bool {
        let Some(group) = self.group.as_mut() else { return false };
        let before = group.pending.len();
        let entries = &self.entries;
        group
            .pending
            .retain(|pending| pending.owner == owner || entries.iter().any(|(id, _)| *id == pending.entry));
        let mut found = group.pending.len() < before;
        for pending in group.pending.iter_mut().filter(|pending| pending.owner != owner) {
            pending.owner = owner;
            found = true;
        }
        found
    }

    pub fn ack(&mut self, entry: EntryNo) {
        if let Some(group) = self.group.as_mut() {
            group.pending.retain(|pending| pending.entry != entry);
        }
    }

    /// XGROUP CREATE at `0`, or at `$` by mistake.
    pub fn create_group(&mut self, from_start: bool) {
        let newest = self.entries.last().map_or(0, |(id, _)| *id);
        self.group = Some(Group { last: if from_start { 0 } else { newest }, pending: Vec::new() });
    }

    pub fn is_drained(&self) -> bool {
        let newest = self.entries.last().map_or(0, |(id, _)| *id);
        self.group
            .as_ref()
            .map_or(self.entries.is_empty(), |group| group.pending.is_empty() && group.last >= newest)
    }
}
