//! Compact for a million orders: SKUs and payment methods are numbers.

use std::collections::HashMap;

use uuid::Uuid;

pub(super) type Name = u32;

#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<String, Name>,
    names: Vec<String>,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        // Fewer names exist than numbers.
        let number = Name::try_from(self.names.len()).unwrap_or(Name::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    pub(super) fn name(&self, number: Name) -> &str {
        self.names.get(number as usize).map_or("?", String::as_str)
    }
}

/// One entry a SKU, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines(Box<[(Name, i64)]>);

impl FromIterator<(Name, i64)> for Lines {
    fn from_iter<I: IntoIterator<Item = (Name, i64)>>(lines: I) -> Self {
        let mut sorted: Vec<(Name, i64)> = lines.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        sorted.retain(|(_, quantity)| *quantity != 0);
        Self(sorted.into_boxed_slice())
    }
}

impl Lines {
    /// Parses `MUG 2 POSTER 1`, the format of the queries.
    pub(super) fn parse(text: &str, names: &mut Names) -> Self {
        let mut words = text.split_whitespace();
        let next = || Some((words.next()?, words.next()?));
        // An invalid quantity becomes one that no ledger can match.
        std::iter::from_fn(next)
            .map(|(sku, quantity)| (names.number(sku), quantity.parse().unwrap_or(i64::MIN)))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `2 MUG, 1 POSTER`
    pub(super) fn render(&self, names: &Names) -> String {
        match self.0.len() {
            0 => "nothing".to_owned(),
            _ => self
                .0
                .iter()
                .map(|(sku, quantity)| format!("{quantity} {}", names.name(*sku)))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Pending,
    Completed,
    Confirmed,
    Refunded,
    Declined,
}

impl Status {
    pub(super) const ALL: [Self; 5] =
        [Self::Pending, Self::Completed, Self::Confirmed, Self::Refunded, Self::Declined];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Confirmed => "confirmed",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
        }
    }

    pub(super) fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Completed)
    }

    /// Paid, and decided by inventory.
    pub(super) fn is_decided(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refunded)
    }

    /// The only status before this one.
    pub(super) fn predecessor(self) -> Option<Self> {
        match self {
            Self::Pending => None,
            Self::Completed | Self::Declined => Some(Self::Pending),
            Self::Confirmed | Self::Refunded => Some(Self::Completed),
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Fields that other databases must match.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub user: Uuid,
    pub status: Status,
    pub method: Name,
    pub lines: Lines,
}

pub(super) type Orders = HashMap<Uuid, Order>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_equal_whatever_their_order_and_add_up_by_sku() {
        let mut names = Names::default();
        let lines = Lines::parse("MUG 2 POSTER 1", &mut names);
        assert_eq!(lines, Lines::parse("POSTER 1 MUG 1 MUG 1", &mut names));
        assert_ne!(lines, Lines::parse("MUG 2", &mut names));
        assert_eq!(lines.render(&names), "2 MUG, 1 POSTER");
        assert!(Lines::parse("", &mut names).is_empty());
    }
}
