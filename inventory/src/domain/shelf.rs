//! The stock of one product as seen by one process.
//!
//! ```text
//!   available = on_hand (last known commit) - held (decided here, uncommitted)
//! ```

/// The stock on hand after one ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub on_hand: u32,
    /// The id of the ledger entry. The larger id wins, because responses may arrive out of order.
    pub as_of: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    level: Level,
    held: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only {available} available")]
pub struct Short {
    pub available: u32,
}

impl Shelf {
    pub fn new(level: Level) -> Self {
        Self { level, held: 0 }
    }

    pub fn available(&self) -> u32 {
        self.level.on_hand.saturating_sub(self.held)
    }

    pub fn hold(&mut self, quantity: u32) -> Result<(), Short> {
        let available = self.available();
        if quantity > available {
            return Err(Short { available });
        }
        self.held += quantity;
        Ok(())
    }

    pub fn release(&mut self, quantity: u32) {
        debug_assert!(self.held >= quantity, "{quantity} released of {} held", self.held);
        self.held = self.held.saturating_sub(quantity);
    }

    pub fn commit_hold(&mut self, quantity: u32, level: Level) {
        self.release(quantity);
        self.update(level);
    }

    /// Ignores a level older than the known one.
    pub fn update(&mut self, level: Level) {
        if level.as_of >= self.level.as_of {
            self.level = level;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(on_hand: u32, as_of: i64) -> Level {
        Level { on_hand, as_of }
    }

    #[test]
    fn what_is_held_is_not_available() {
        let mut shelf = Shelf::new(level(5, 1));
        shelf.hold(3).unwrap();
        assert_eq!(shelf.hold(3), Err(Short { available: 2 }));
        shelf.release(3);
        assert_eq!(shelf.available(), 5);
    }

    #[test]
    fn a_committed_hold_is_counted_once() {
        let mut shelf = Shelf::new(level(5, 1));
        shelf.hold(3).unwrap();
        shelf.commit_hold(3, level(2, 2));
        assert_eq!(shelf.available(), 2);
    }

    #[test]
    fn an_answer_that_was_overtaken_changes_nothing() {
        let mut shelf = Shelf::new(level(5, 1));
        shelf.hold(3).unwrap();
        shelf.update(level(12, 3)); // a reload after our commit and a later restock
        shelf.commit_hold(3, level(2, 2)); // the late response to our commit
        assert_eq!(shelf.available(), 12);
    }

    #[test]
    fn a_view_that_turns_out_too_high_has_nothing_left_but_never_less() {
        let mut shelf = Shelf::new(level(5, 1));
        shelf.hold(5).unwrap();
        shelf.update(level(2, 2)); // another instance sold three
        assert_eq!(shelf.available(), 0);
    }
}
