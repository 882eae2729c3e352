//! I4 and I6: the timeline of an order, and the states that a client saw.

use super::{
    facts::Status,
    order_row::OrderRow,
    timeline::{Seen, Step},
};

/// Age of a stuck order in seconds: a lost event is published again within 60 s.
pub(super) const STUCK_AFTER: u32 = 60;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Good,
    /// The order may still end in time.
    Open,
    /// The time is over.
    Late(String),
    Broken(String),
}

/// I4: one final state, in time, as the last step.
pub(super) fn end(row: &OrderRow) -> End {
    let is_end = |step: &&Step| step.status.is_some_and(Status::is_terminal);
    let ends = row.timeline.iter().filter(is_end).count();
    match (row.status.is_terminal(), ends) {
        (true, 1) if row.timeline.last().as_ref().is_some_and(is_end) => End::Good,
        (false, 0) if row.age <= f64::from(STUCK_AFTER) => End::Open,
        (false, 0) => End::Late(format!("{} for {:.0} s", row.status, row.age)),
        (true, 1) => End::Broken("its timeline continues after the final state".to_owned()),
        _ => End::Broken(format!("{}, its timeline has {ends} final states", row.status)),
    }
}

/// I6: versions 1..n, legal transitions, times in order, row equal to the last entry.
pub(super) fn contradiction(row: &OrderRow) -> Option<String> {
    let mut before: Option<Step> = None;
    for (place, step) in (1..).zip(&row.timeline) {
        let Some(status) = step.status else {
            return Some(format!("step {place} has a status that does not exist"));
        };
        if step.version != place {
            return Some(format!("step {place} is numbered {}", step.version));
        }
        if status.predecessor() != before.and_then(|before| before.status) {
            let from = before.and_then(|before| before.status).map_or("nothing", Status::as_str);
            return Some(format!("step {place} goes from {from} to {status}"));
        }
        if before.is_some_and(|before| before.at > step.at) {
            return Some(format!("step {place} is earlier than the one before it"));
        }
        before = Some(*step);
    }
    let last = before.and_then(|step| step.status).map_or("nothing", Status::as_str);
    if last != row.status.as_str() {
        return Some(format!("status {}, its timeline ends with {last}", row.status));
    }
    (row.timeline.len() != usize::try_from(row.version).unwrap_or(0))
        .then(|| format!("version {}, its timeline has {} steps", row.version, row.timeline.len()))
}

/// I6: a state that a client saw and the timeline lacks.
pub(super) fn unknown_state(row: &OrderRow, seen: &[Seen]) -> Option<String> {
    let was = |seen: &Seen| {
        row.timeline
            .iter()
            .any(|step| step.status == seen.status && u64::try_from(step.version) == Ok(seen.version))
    };
    let odd = seen.iter().find(|seen| !was(seen))?;
    let status = odd.status.map_or("with an unknown status", Status::as_str);
    Some(format!("a client saw version {} {status}, which its timeline does not have", odd.version))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::verify::{facts::Lines, money::Booked, timeline::steps};

    fn row(status: Status, age: f64, timeline: &str) -> OrderRow {
        let timeline = steps(timeline);
        let version = i32::try_from(timeline.len()).expect("few");
        let user = Uuid::nil();
        let lines = Lines::default();
        let booked = Booked::default();
        OrderRow { id: Uuid::nil(), user, status, method: 0, lines, age, version, timeline, booked }
    }

    #[test]
    fn a_journey_to_one_end_is_good_and_a_young_one_open() {
        for (status, timeline) in [
            (Status::Confirmed, "1 pending 1 2 completed 2 3 confirmed 2"),
            (Status::Refunded, "1 pending 1 2 completed 2 3 refunded 3"),
            (Status::Declined, "1 pending 1 2 declined 2"),
        ] {
            let row = row(status, 1000.0, timeline);
            assert_eq!((end(&row), contradiction(&row)), (End::Good, None), "{timeline}");
        }
        assert_eq!(end(&row(Status::Completed, 5.0, "1 pending 1 2 completed 2")), End::Open);
    }

    #[test]
    fn an_old_open_order_is_stuck_and_two_ends_are_one_too_many() {
        assert_eq!(end(&row(Status::Pending, 61.0, "1 pending 1")), End::Late("pending for 61 s".to_owned()));
        let twice = row(Status::Refunded, 1.0, "1 pending 1 2 completed 2 3 confirmed 3 4 refunded 4");
        assert!(matches!(end(&twice), End::Broken(_)));
        assert!(contradiction(&twice).is_some_and(|why| why.contains("from confirmed to refunded")));
    }

    #[test]
    fn every_flaw_of_a_timeline_is_named() {
        for (status, timeline, flaw) in [
            (Status::Confirmed, "1 pending 1 3 completed 2 3 confirmed 3", "numbered 3"),
            (Status::Confirmed, "1 pending 1 2 confirmed 2", "from pending to confirmed"),
            (Status::Declined, "1 pending 5 2 declined 4", "earlier"),
            (Status::Confirmed, "1 pending 1 2 completed 2 3 refunded 3", "ends with refunded"),
            (Status::Pending, "", "ends with nothing"),
            (Status::Declined, "1 pending 1 2 lost 2", "does not exist"),
        ] {
            let why = contradiction(&row(status, 1.0, timeline));
            assert!(why.as_ref().is_some_and(|why| why.contains(flaw)), "{timeline}: {why:?}");
        }
    }

    #[test]
    fn what_a_client_saw_must_have_been() {
        let row = row(Status::Declined, 1.0, "1 pending 1 2 declined 2");
        let seen = |version, status| Seen { version, status: Some(status) };
        assert_eq!(unknown_state(&row, &[seen(1, Status::Pending), seen(2, Status::Declined)]), None);
        assert!(
            unknown_state(&row, &[seen(2, Status::Completed)])
                .is_some_and(|why| why.contains("version 2 completed"))
        );
    }
}
