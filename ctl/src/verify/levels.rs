//! I1 and I2: each balance of the stock ledger is the one before it and the change; the last one is on hand.

use std::collections::HashMap;

use super::facts::Name;
use super::findings::{About, Findings, Invariant};

#[derive(Debug, Clone, Copy)]
pub(super) struct Movement {
    pub sku: Name,
    pub id: i64,
    pub delta: i64,
    pub balance: i64,
}

/// Last balance, and sum of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Level {
    balance: i64,
    sum: i64,
}

/// Levels up to the rows read.
#[derive(Debug, Default)]
pub(super) struct Levels(HashMap<Name, Level>);

impl Levels {
    /// Goes on after a row that was not read.
    pub(super) fn begin(&mut self, sku: Name, balance: i64) {
        self.0.insert(sku, Level { balance, sum: balance });
    }

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

    pub(super) fn judge(&mut self, movement: Movement, sku: &str, findings: &mut Findings) {
        let about = || About::Row(sku.to_owned(), movement.id);
        findings.of(Invariant::Conservation).looked_at(1);
        findings.of(Invariant::NoOversell).looked_at(1);
        if movement.balance < 0 {
            findings.of(Invariant::NoOversell).broken_at(
                about(),
                format!("{sku} ledger row {}: balance {}", movement.id, movement.balance),
            );
        }
        if let Some(why) = self.follow(movement) {
            findings.of(Invariant::Conservation).broken_at(about(), format!("{sku} {why}"));
        }
    }

    /// After the last row of the product.
    pub(super) fn judge_on_hand(&self, number: Name, sku: &str, on_hand: i64, findings: &mut Findings) {
        let level = self.of(number);
        findings.of(Invariant::Conservation).looked_at(1);
        findings.of(Invariant::NoOversell).looked_at(1);
        if on_hand < 0 {
            findings.of(Invariant::NoOversell).broken_sku(sku, format_args!("{on_hand} on hand"));
        }
        if level != (Level { balance: on_hand, sum: on_hand }) {
            let Level { balance, sum } = level;
            findings.of(Invariant::Conservation).broken_sku(
                sku,
                format_args!(
                    "{on_hand} on hand, last balance of the ledger {balance}, sum of the ledger {sum}"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_ledger_that_is_read_from_the_middle_goes_on_from_there() {
        let mut levels = Levels::default();
        levels.begin(0, 7);
        assert_eq!(levels.follow(movement(3, -3, 4)), None);
        assert_eq!(levels.of(0), Level { balance: 4, sum: 4 });
    }
}
