use std::collections::HashSet;

use uuid::Uuid;

use super::Sku;

/// The contract's numbers.
const MOST_LINES: usize = 50;
const MOST_PIECES: u32 = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sku: Sku,
    /// 1 to 1000.
    pub quantity: u32,
}

/// Reserved whole or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: Uuid,
    /// 1 to 50, one per SKU.
    pub lines: Vec<Line>,
}

/// A broken rule: the order can never be reserved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the order has no lines")]
    Empty,
    #[error("the order has {0} lines; the maximum is {MOST_LINES}")]
    TooManyLines(usize),
    #[error("`{0}` is not a SKU")]
    Sku(String),
    #[error("the quantity of {sku} is {found}; it must be between 1 and {MOST_PIECES}")]
    Quantity { sku: Sku, found: u32 },
    #[error("{0} is on several lines")]
    Twice(Sku),
}

impl Order {
    /// The error names the first broken rule.
    pub fn parse<'a>(
        id: Uuid,
        items: impl ExactSizeIterator<Item = (&'a str, u32)>,
    ) -> Result<Self, Malformed> {
        match items.len() {
            0 => return Err(Malformed::Empty),
            1..=MOST_LINES => {}
            more => return Err(Malformed::TooManyLines(more)),
        }
        let lines: Vec<Line> =
            items.map(|(sku, quantity)| Line::parse(sku, quantity)).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        // Most orders have one line and skip the set.
        match lines.iter().find(|line| lines.len() > 1 && !seen.insert(&line.sku)) {
            Some(line) => Err(Malformed::Twice(line.sku.clone())),
            None => Ok(Self { id, lines }),
        }
    }
}

impl Line {
    fn parse(sku: &str, quantity: u32) -> Result<Self, Malformed> {
        let sku = Sku::parse(sku).map_err(|_| Malformed::Sku(sku.chars().take(100).collect()))?;
        if (1..=MOST_PIECES).contains(&quantity) {
            Ok(Self { sku, quantity })
        } else {
            Err(Malformed::Quantity { sku, found: quantity })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[(&str, u32)]) -> Result<Order, Malformed> {
        Order::parse(Uuid::nil(), items.iter().copied())
    }

    #[test]
    fn an_order_has_lines_of_different_products() {
        assert_eq!(parse(&[("A", 1), ("B", 1000)]).unwrap().lines.len(), 2);
        assert_eq!(parse(&[]), Err(Malformed::Empty));
        assert_eq!(parse(&[("A", 1); 51]), Err(Malformed::TooManyLines(51)));
        assert_eq!(parse(&[("A", 1), ("A", 1)]), Err(Malformed::Twice(Sku::stored("A"))));
    }

    #[test]
    fn a_line_wants_at_least_one_piece_of_something() {
        assert_eq!(parse(&[("A", 0)]), Err(Malformed::Quantity { sku: Sku::stored("A"), found: 0 }));
        assert!(matches!(parse(&[("A", 1001)]), Err(Malformed::Quantity { .. })));
        assert_eq!(parse(&[("no sku", 1)]), Err(Malformed::Sku("no sku".to_owned())));
    }
}
