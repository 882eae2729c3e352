//! The verdict of each invariant. A finding counts once a second look has it too.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use uuid::Uuid;

use super::part::{Part, Report};
use super::state::{Change, State};
use crate::verify::findings::{About, Invariant};
use crate::verify::ledger_sample::RowKey;

/// Changes of verdict that are kept.
const HISTORY: usize = 100;

/// What was found, to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Again {
    pub orders: Vec<Uuid>,
    pub skus: Vec<String>,
    pub rows: Vec<RowKey>,
}

pub(super) struct Board {
    states: BTreeMap<Invariant, State>,
    /// Newest first.
    history: VecDeque<Change>,
}

impl Board {
    /// `parts`: those that looks have.
    pub(super) fn new(at: Timestamp, parts: &[Part]) -> Self {
        let state = |invariant| {
            let judging = parts.iter().copied().filter(move |part| part.judges().contains(&invariant));
            (invariant, State::new(at, judging))
        };
        Self { states: Invariant::all().map(state).collect(), history: VecDeque::new() }
    }

    pub(super) fn states(&self) -> impl Iterator<Item = (Invariant, &State)> {
        self.states.iter().map(|(invariant, state)| (*invariant, state))
    }

    pub(super) fn history(&self) -> impl Iterator<Item = &Change> {
        self.history.iter()
    }

    /// Returns the verdicts that changed. An error: in words.
    pub(super) fn take(&mut self, part: Part, report: Result<&Report, &str>, at: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        for invariant in part.judges() {
            let state = self.states.get_mut(invariant).filter(|state| state.has(part));
            let Some(state) = state else { continue };
            match report {
                Ok(report) => state.judge(*invariant, part, report, at),
                Err(why) => state.fail(part, why),
            }
            changes.extend(state.settle(*invariant, at));
        }
        for change in &changes {
            self.history.push_front(change.clone());
        }
        self.history.truncate(HISTORY);
        changes
    }

    /// A first look may have met a race.
    pub(super) fn has_suspicions(&self) -> bool {
        let mut findings = self.states.values().flat_map(State::all_findings);
        findings.any(|(_, finding)| !finding.is_certain())
    }

    pub(super) fn again(&self) -> Again {
        let mut again = Again::default();
        for (about, _) in self.states.values().flat_map(State::all_findings) {
            match about {
                About::Order(id) => again.orders.push(*id),
                About::Sku(sku) => again.skus.push(sku.clone()),
                About::Row(sku, id) => again.rows.push((sku.clone(), *id)),
                About::Event(_) | About::Whole => {}
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::findings::Offender;
    use crate::verify::watch::part::Checked;
    use crate::verify::watch::state::Verdict;

    const ORDER: Uuid = Uuid::from_u128(7);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// A look at the order, and what it found.
    fn looked(found: Option<&str>) -> Report {
        let about = About::Order(ORDER);
        let offender =
            |text: &str| (Invariant::Money, Offender { about: about.clone(), text: text.to_owned() });
        let checked = Checked { orders: [ORDER].into(), ..Checked::default() };
        Report { checked, offenders: found.map(offender).into_iter().collect() }
    }

    fn verdict(board: &Board, invariant: Invariant) -> Verdict {
        board.states[&invariant].verdict
    }

    #[test]
    fn a_finding_counts_when_a_second_look_has_it_too() {
        let mut board = Board::new(at(0), &Part::ALL);
        board.take(Part::Books, Ok(&looked(None)), at(1));
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Ok);
        assert!(board.take(Part::Books, Ok(&looked(Some("odd"))), at(2)).is_empty());
        assert!(board.has_suspicions() && board.again().orders == [ORDER]);
        let changes = board.take(Part::Books, Ok(&looked(Some("odd still"))), at(3));
        assert_eq!((changes.len(), changes[0].why.as_deref()), (1, Some("odd still")));
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Broken);
        let state = &board.states[&Invariant::Money];
        assert_eq!((state.findings()[0].since, state.since), (at(2), at(3)));
        board.take(Part::Books, Ok(&looked(None)), at(4));
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Ok);
        assert_eq!(board.history().map(|change| change.at).take(2).collect::<Vec<_>>(), [at(4), at(3)]);
    }

    #[test]
    fn a_race_that_a_second_look_does_not_see_changes_nothing() {
        let mut board = Board::new(at(0), &Part::ALL);
        board.take(Part::Books, Ok(&looked(Some("odd"))), at(1));
        board.take(Part::Books, Ok(&looked(None)), at(2));
        assert!(!board.has_suspicions());
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Ok);
    }

    #[test]
    fn a_look_at_other_orders_says_nothing_about_a_finding() {
        let mut board = Board::new(at(0), &Part::ALL);
        for second in 1..3 {
            board.take(Part::Books, Ok(&looked(Some("odd"))), at(second));
        }
        board.take(Part::Books, Ok(&Report::default()), at(3));
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Broken);
    }

    #[test]
    fn a_part_without_an_answer_makes_its_invariants_unknown_and_leaves_what_is_broken() {
        let mut board = Board::new(at(0), &Part::ALL);
        for part in Part::ALL {
            board.take(part, Ok(&looked(None)), at(1));
        }
        for second in 2..4 {
            board.take(Part::Books, Ok(&looked(Some("odd"))), at(second));
        }
        let changes = board.take(Part::Books, Err("away"), at(4));
        assert!(changes.iter().all(|change| change.verdict == Verdict::Unknown));
        assert_eq!(changes.len(), Part::Books.judges().len() - 1);
        assert_eq!(verdict(&board, Invariant::Money), Verdict::Broken);
        assert_eq!(verdict(&board, Invariant::NoGhosts), Verdict::Ok);
        assert_eq!(board.states[&Invariant::Once].failure(), Some("away"));
    }

    #[test]
    fn an_invariant_of_two_parts_is_known_when_both_were_looked_at() {
        let mut board = Board::new(at(0), &Part::ALL);
        board.take(Part::Books, Ok(&looked(None)), at(2));
        assert_eq!(verdict(&board, Invariant::Once), Verdict::Unknown);
        board.take(Part::LostEvents, Ok(&Report::default()), at(1));
        assert_eq!(verdict(&board, Invariant::Once), Verdict::Ok);
        assert_eq!(board.states[&Invariant::Once].checked_at(), Some(at(1)));
        assert_eq!(verdict(&board, Invariant::Durable), Verdict::NotWatched);
    }

    #[test]
    fn an_invariant_without_its_part_is_not_watched() {
        let mut board = Board::new(at(0), &[Part::Books]);
        assert!(board.take(Part::Owners, Err("away"), at(1)).is_empty());
        assert_eq!(verdict(&board, Invariant::NoGhosts), Verdict::NotWatched);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut board = Board::new(at(0), &Part::ALL);
        for second in 0..200 {
            let looked = looked(None);
            let report = if second % 2 == 0 { Ok(&looked) } else { Err("away") };
            board.take(Part::Owners, report, at(second));
        }
        assert_eq!(board.history().count(), HISTORY);
    }
}
