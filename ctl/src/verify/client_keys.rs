//! I3, I8 and I9: keys of a client log against stored orders.

use super::client_history::ClientHistory;
use super::facts::{Names, Orders};
use super::findings::{Findings, Invariant};
use super::keys::Keys;

pub(super) fn judge(
    log: &ClientHistory,
    orders: &Orders,
    keys: &Keys,
    names: &Names,
    findings: &mut Findings,
) {
    for (user, histories) in &log.keys {
        for (key, history) in histories {
            let stored = keys.order(*user, key);
            if history.ok.is_some() {
                findings.of(Invariant::Durable).looked_at(1);
                findings.of(Invariant::Idempotency).looked_at(1);
            }
            if let Some(why) = history.lost(*user, stored, orders, names) {
                findings.of(Invariant::Durable).broken(format!("key {key} of user {user}: {why}"));
            }
            if history.differs {
                findings
                    .of(Invariant::Idempotency)
                    .broken(format!("key {key} of user {user}: its 2xx bodies differ"));
            }
            if let (true, Some(order)) = (history.has_failed(), stored) {
                findings
                    .of(Invariant::NoGhosts)
                    .broken(format!("order {order}: every request with its key {key} of user {user} failed"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::client_log::{Completion, Record};
    use crate::verify::facts::{Lines, Order, Status};
    use crate::verify::{Check, Judgement};

    const USER: Uuid = Uuid::from_u128(1);
    const ORDER: Uuid = Uuid::from_u128(2);
    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn send() -> Record {
        Record::Send {
            at: AT,
            user: USER,
            key: "k".to_owned(),
            body: json!({"items": [{"sku": "MUG", "quantity": 2}]}),
        }
    }

    fn answer(outcome: Completion, body: &str) -> Record {
        let body = (outcome == Completion::Ok).then(|| body.to_owned());
        Record::Answer { at: AT, user: USER, key: "k".to_owned(), outcome, status: None, body, why: None }
    }

    fn accepted_body() -> String {
        json!({"id": ORDER}).to_string()
    }

    /// `order`: the key of a stored order of two mugs.
    fn broken(records: Vec<Record>, order: Option<&str>) -> Vec<&'static str> {
        let mut log = ClientHistory::default();
        let mut names = Names::default();
        let mut findings = Findings::default();
        records.into_iter().for_each(|record| log.add(record, &mut names));
        let mut orders = Orders::new();
        let mut keys = Keys::default();
        if let Some(lines) = order {
            let lines = Lines::parse(lines, &mut names);
            let method = names.number("tok_ok");
            orders.insert(ORDER, Order { user: USER, status: Status::Confirmed, method, lines });
            keys.add(USER, "k", ORDER);
        }
        judge(&log, &orders, &keys, &names, &mut findings);
        let broken = |check: &Check| matches!(check.judgement, Judgement::Broken { .. });
        findings.checks().iter().filter(|check| broken(check)).map(|check| check.id).collect()
    }

    #[test]
    fn an_ok_key_has_its_order_as_it_was_sent() {
        let none: [&str; 0] = [];
        let ok = || vec![send(), answer(Completion::Ok, &accepted_body())];
        assert_eq!(broken(ok(), Some("MUG 2")), none);
        assert_eq!(broken(ok(), Some("MUG 1")), ["I3"]);
        assert_eq!(broken(ok(), None), ["I3"]);
        let other = json!({"id": Uuid::nil()}).to_string();
        assert_eq!(broken(vec![send(), answer(Completion::Ok, &other)], Some("MUG 2")), ["I3"]);
    }

    #[test]
    fn what_is_unknown_may_have_happened_or_not() {
        let none: [&str; 0] = [];
        for order in [None, Some("MUG 2")] {
            assert_eq!(broken(vec![send(), answer(Completion::Info, "")], order), none);
            assert_eq!(broken(vec![send(), send(), answer(Completion::Fail, "")], order), none);
        }
    }

    #[test]
    fn a_failed_key_has_no_order_and_replays_are_the_same_bytes() {
        let none: [&str; 0] = [];
        let fail = || vec![send(), answer(Completion::Fail, "")];
        assert_eq!(broken(fail(), None), none);
        assert_eq!(broken(fail(), Some("MUG 2")), ["I9"]);
        let replay = |body: &str| {
            vec![send(), answer(Completion::Ok, &accepted_body()), send(), answer(Completion::Ok, body)]
        };
        assert_eq!(broken(replay(&accepted_body()), Some("MUG 2")), none);
        assert_eq!(broken(replay(&format!("{} ", accepted_body())), Some("MUG 2")), ["I8"]);
    }
}
