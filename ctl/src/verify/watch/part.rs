use std::collections::HashSet;

use uuid::Uuid;

use crate::verify::findings::{About, Invariant, Offender};
use crate::verify::ledger_sample::RowKey;

/// A part of a look, which fails alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Orders, money, stock and inboxes, in the databases of payment and inventory.
    Books,
    /// Accounts, in the database of user.
    Owners,
    /// Products, in the databases of payment and inventory.
    Catalogues,
    /// Entries in Redis, and inboxes.
    LostEvents,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Books, Self::Owners, Self::Catalogues, Self::LostEvents];

    pub(super) fn judges(self) -> &'static [Invariant] {
        use Invariant::{
            Agreement, Catalogues, Conservation, History, Idempotency, Money, NoGhosts, NoOversell, Once,
            OneEnd,
        };
        match self {
            Self::Books => &[Conservation, NoOversell, OneEnd, Money, History, Once, Idempotency, Agreement],
            Self::Owners => &[NoGhosts],
            Self::Catalogues => &[Catalogues],
            Self::LostEvents => &[Once],
        }
    }

    /// A lost event is read before its effect could come: no second look is needed, and none would find it
    /// after it was published again.
    pub(super) fn is_certain(self) -> bool {
        self == Self::LostEvents
    }
}

/// What a part looked at, and what it found.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub checked: Checked,
    pub offenders: Vec<(Invariant, Offender)>,
}

#[derive(Debug, Default)]
pub(super) struct Checked {
    pub orders: HashSet<Uuid>,
    pub skus: HashSet<String>,
    pub rows: HashSet<RowKey>,
    /// All lost events were looked at again.
    pub events: bool,
}

impl Checked {
    pub(super) fn has(&self, about: &About) -> bool {
        match about {
            About::Order(id) => self.orders.contains(id),
            About::Sku(sku) => self.skus.contains(sku),
            About::Row(sku, id) => self.rows.contains(&(sku.clone(), *id)),
            About::Event(_) => self.events,
            About::Whole => true,
        }
    }
}
