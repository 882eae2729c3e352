//! I1, I2 and I10: the stock ledger against stock and orders.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    VerifyError,
    database::Snapshot,
    facts::{Lines, Name, Names, Orders, Status},
    findings::{Findings, Invariant},
    levels::{Levels, Movement},
    orders::Later,
};

/// Stock taken, by order.
pub(super) type Taken = HashMap<Uuid, Lines>;

/// Judges I1 and I2 over the whole ledger.
pub(super) async fn read_and_judge(
    inventory: &Snapshot<'_>,
    names: &mut Names,
    findings: &mut Findings,
) -> Result<Taken, VerifyError> {
    let mut levels = Levels::default();
    let mut taken = HashMap::<Uuid, Vec<(Name, i64)>>::new();
    let rows = "SELECT sku, id, delta::bigint, balance::bigint, order_id FROM stock_ledger ORDER BY sku, id";
    let take = |row: &tokio_postgres::Row| {
        let sku: &str = row.get(0);
        let movement =
            Movement { sku: names.number(sku), id: row.get(1), delta: row.get(2), balance: row.get(3) };
        if let Some(order) = row.get::<_, Option<Uuid>>(4) {
            taken.entry(order).or_default().push((movement.sku, -movement.delta));
        }
        levels.judge(movement, sku, findings);
    };
    inventory.each(rows, &[], take).await?;
    let take = |row: &tokio_postgres::Row| {
        let sku: &str = row.get(0);
        levels.judge_on_hand(names.number(sku), sku, row.get(1), findings);
    };
    inventory.each("SELECT sku, on_hand::bigint FROM products", &[], take).await?;
    Ok(taken.into_iter().map(|(order, lines)| (order, lines.into_iter().collect())).collect())
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
            .broken_order(id, format_args!("{status}, expected {sold} taken, the ledger has {taken}"));
    }
    if sold.is_empty() != taken.is_empty() {
        disagree(id, format!("{status}, inventory took {}", taken.render(names)), findings);
    }
}

fn disagree(id: Uuid, why: String, findings: &mut Findings) {
    findings.of(Invariant::Agreement).broken_order(id, why);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Judgement, facts::Order};

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
