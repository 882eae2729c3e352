//! I1, I2 and I10: the stock ledger against stock and orders.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    VerifyError,
    database::Snapshot,
    facts::{Lines, Name, Names, Orders, Status},
    findings::{Findings, Invariant},
    orders::Later,
};

/// Stock taken, by order.
pub(super) type Taken = HashMap<Uuid, Lines>;

#[derive(Debug, Clone, Copy)]
struct Movement {
    sku: Name,
    id: i64,
    delta: i64,
    balance: i64,
}

/// Last balance, and sum of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Level {
    balance: i64,
    sum: i64,
}

/// Levels up to the rows read.
#[derive(Debug, Default)]
struct Levels(HashMap<Name, Level>);

impl Levels {
    /// Rows come by id.
    fn follow(&mut self, row: Movement) -> Option<String> {
        let level = self.0.entry(row.sku).or_default();
        let expected = level.balance + row.delta;
        level.balance = row.balance;
        level.sum += row.delta;
        (row.balance != expected).then(|| {
            format!(
                "ledger row {}: balance {}, after the row before it would be {expected}",
                row.id, row.balance
            )
        })
    }

    fn of(&self, sku: Name) -> Level {
        self.0.get(&sku).copied().unwrap_or_default()
    }
}

/// Judges I1 and I2.
pub(super) async fn read_and_judge(
    inventory: &Snapshot,
    names: &mut Names,
    findings: &mut Findings,
) -> Result<Taken, VerifyError> {
    let mut levels = Levels::default();
    let mut taken = HashMap::<Uuid, Vec<(Name, i64)>>::new();
    let rows = "SELECT sku, id, delta::bigint, balance::bigint, order_id FROM stock_ledger ORDER BY sku, id";
    let take = |row: &tokio_postgres::Row| {
        let movement = Movement {
            sku: names.number(row.get(0)),
            id: row.get(1),
            delta: row.get(2),
            balance: row.get(3),
        };
        if let Some(order) = row.get::<_, Option<Uuid>>(4) {
            taken.entry(order).or_default().push((movement.sku, -movement.delta));
        }
        findings.of(Invariant::Conservation).looked_at(1);
        findings.of(Invariant::NoOversell).looked_at(1);
        if movement.balance < 0 {
            findings.of(Invariant::NoOversell).broken(format!(
                "{} ledger row {}: balance {}",
                row.get::<_, &str>(0),
                movement.id,
                movement.balance
            ));
        }
        if let Some(why) = levels.follow(movement) {
            findings.of(Invariant::Conservation).broken(format!("{} {why}", row.get::<_, &str>(0)));
        }
    };
    inventory.each(rows, &[], take).await?;
    judge_products(inventory, &levels, names, findings).await?;
    Ok(taken.into_iter().map(|(order, lines)| (order, lines.into_iter().collect())).collect())
}

async fn judge_products(
    inventory: &Snapshot,
    levels: &Levels,
    names: &mut Names,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let take = |row: &tokio_postgres::Row| {
        let sku: &str = row.get(0);
        let on_hand: i64 = row.get(1);
        let level = levels.of(names.number(sku));
        findings.of(Invariant::Conservation).looked_at(1);
        findings.of(Invariant::NoOversell).looked_at(1);
        if on_hand < 0 {
            findings.of(Invariant::NoOversell).broken(format!("{sku}: {on_hand} on hand"));
        }
        if level != (Level { balance: on_hand, sum: on_hand }) {
            let Level { balance, sum } = level;
            findings.of(Invariant::Conservation).broken(format!(
                "{sku}: {on_hand} on hand, last balance of the ledger {balance}, sum of the ledger {sum}"
            ));
        }
    };
    inventory.each("SELECT sku, on_hand::bigint FROM products", &[], take).await
}

/// I1 and I10. `later`: read after the ledger, `orders` before it.
pub(super) fn judge_orders(
    orders: &Orders,
    later: &Later,
    taken: &Taken,
    names: &Names,
    findings: &mut Findings,
) {
    let nothing = Lines::default();
    for (id, order) in orders.iter().filter(|(_, order)| order.status.is_terminal()) {
        judge_order(*id, order.status, &order.lines, taken.get(id).unwrap_or(&nothing), names, findings);
    }
    let ended = |id: &Uuid| orders.get(id).is_some_and(|order| order.status.is_terminal());
    for (id, lines) in taken.iter().filter(|(id, _)| !ended(id)) {
        match later.get(id) {
            None => disagree(
                *id,
                format!("{} taken, payment does not have the order", lines.render(names)),
                findings,
            ),
            Some((Status::Pending, _)) => {
                disagree(*id, format!("{} taken before it was paid", lines.render(names)), findings)
            }
            Some((Status::Completed, _)) => {}
            Some((status, ordered)) => judge_order(*id, *status, ordered, lines, names, findings),
        }
    }
}

fn judge_order(
    id: Uuid,
    status: Status,
    ordered: &Lines,
    taken: &Lines,
    names: &Names,
    findings: &mut Findings,
) {
    findings.of(Invariant::Conservation).looked_at(1);
    findings.of(Invariant::Agreement).looked_at(1);
    let sold = if status == Status::Confirmed { ordered.clone() } else { Lines::default() };
    if sold != *taken {
        let sold = sold.render(names);
        let taken = taken.render(names);
        findings
            .of(Invariant::Conservation)
            .broken(format!("order {id}: {status}, expected {sold} taken, the ledger has {taken}"));
    }
    if sold.is_empty() != taken.is_empty() {
        disagree(id, format!("{status}, inventory took {}", taken.render(names)), findings);
    }
}

fn disagree(id: Uuid, why: String, findings: &mut Findings) {
    findings.of(Invariant::Agreement).broken(format!("order {id}: {why}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Judgement, facts::Order};

    fn movement(id: i64, delta: i64, balance: i64) -> Movement {
        Movement { sku: 0, id, delta, balance }
    }

    #[test]
    fn a_balance_is_the_one_before_it_and_the_change() {
        let mut levels = Levels::default();
        assert_eq!(levels.follow(movement(1, 10, 10)), None);
        assert_eq!(levels.follow(movement(2, -3, 7)), None);
        assert!(
            levels
                .follow(movement(3, -3, 5))
                .is_some_and(|why| why.contains("row 3") && why.contains("would be 4"))
        );
        assert_eq!(levels.of(0), Level { balance: 5, sum: 4 });
    }

    /// Invariants broken by one order of two mugs.
    fn broken(first: Option<Status>, later: Option<Status>, taken: &str) -> Vec<&'static str> {
        let mut names = Names::default();
        let mut findings = Findings::default();
        let id = Uuid::nil();
        let lines = Lines::parse("MUG 2", &mut names);
        let order = |status| (id, Order { user: id, status, method: 0, lines: lines.clone() });
        let orders: Orders = first.map(order).into_iter().collect();
        let later: Later = later.map(|status| (id, (status, lines.clone()))).into_iter().collect();
        let taken = Lines::parse(taken, &mut names);
        let taken: Taken = (!taken.is_empty()).then_some((id, taken)).into_iter().collect();
        judge_orders(&orders, &later, &taken, &names, &mut findings);
        findings
            .checks()
            .into_iter()
            .filter(|check| matches!(check.judgement, Judgement::Broken { .. }))
            .map(|check| check.id)
            .collect()
    }

    #[test]
    fn confirmed_took_its_lines_and_nothing_else_took_any() {
        let none: [&str; 0] = [];
        assert_eq!(broken(Some(Status::Confirmed), None, "MUG 2"), none);
        assert_eq!(broken(Some(Status::Refunded), None, ""), none);
        assert_eq!(broken(Some(Status::Confirmed), None, "MUG 1"), ["I1"]);
        assert_eq!(broken(Some(Status::Confirmed), None, ""), ["I1", "I10"]);
        assert_eq!(broken(Some(Status::Refunded), None, "MUG 2"), ["I1", "I10"]);
        assert_eq!(broken(Some(Status::Declined), None, "MUG 2"), ["I1", "I10"]);
    }

    #[test]
    fn an_order_on_its_way_is_judged_by_what_it_became() {
        let none: [&str; 0] = [];
        for first in [None, Some(Status::Pending), Some(Status::Completed)] {
            assert_eq!(broken(first, Some(Status::Completed), "MUG 2"), none);
            assert_eq!(broken(first, Some(Status::Confirmed), "MUG 2"), none);
            assert_eq!(broken(first, Some(Status::Refunded), "MUG 2"), ["I1", "I10"]);
            assert_eq!(broken(first, Some(Status::Pending), "MUG 2"), ["I10"]);
            assert_eq!(broken(first, None, "MUG 2"), ["I10"]);
            assert_eq!(broken(first, None, ""), none);
        }
    }
}
