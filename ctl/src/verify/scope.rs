use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The rows that a check reads, by id.
#[derive(Debug, Clone)]
pub(super) enum Scope {
    All,
    Only(Vec<Uuid>),
}

impl Scope {
    /// A condition on `column`, with [`Self::arguments`]; true for all rows without it.
    pub(super) fn filter(&self, column: &str) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Only(_) => format!("{column} = ANY($1)"),
        }
    }

    pub(super) fn arguments(&self) -> Vec<&(dyn ToSql + Sync)> {
        match self {
            Self::All => Vec::new(),
            Self::Only(ids) => vec![ids],
        }
    }

    pub(super) fn map(&self, change: impl Fn(Uuid) -> Uuid) -> Self {
        match self {
            Self::All => Self::All,
            Self::Only(ids) => Self::Only(ids.iter().copied().map(change).collect()),
        }
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}
