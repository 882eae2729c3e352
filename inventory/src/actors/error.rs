use runtime::{db::DbError, outbox::TooLarge};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    #[error("the product does not exist")]
    Absent,
    #[error("the SKU is taken")]
    SkuTaken,
    #[error("the product has version {current} now")]
    Stale { current: i64 },
    #[error("only {available} on hand")]
    InsufficientStock { available: i32 },
    #[error("{on_hand} on hand; the sum exceeds the maximum")]
    StockTooLarge { on_hand: i32 },
    #[error("the key was used for another request")]
    KeyReused,
    /// The requested change may have happened.
    #[error("{0}")]
    Unavailable(String),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

impl From<DbError> for InventoryError {
    fn from(error: DbError) -> Self {
        if error.is_transient() { Self::Unavailable(error.message) } else { Self::Internal(error.message) }
    }
}

impl From<TooLarge> for InventoryError {
    fn from(error: TooLarge) -> Self {
        Self::Internal(error.to_string())
    }
}
