use runtime::{db::DbError, outbox::TooLarge};

/// Why a question or a wish about products is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    #[error("there is no such product")]
    Absent,
    #[error("the SKU is taken")]
    SkuTaken,
    /// The product is not the one the caller saw.
    #[error("the product has version {current} by now")]
    Stale { current: i64 },
    #[error("only {available} on hand")]
    InsufficientStock { available: i32 },
    #[error("{on_hand} on hand; the sum would not fit")]
    StockTooLarge { on_hand: i32 },
    #[error("the key was used for another request")]
    KeyReused,
    /// Not now. What was asked may have happened.
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
