use runtime::{
    db::{DbError, Failure},
    outbox::TooLarge,
};

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
    #[error(transparent)]
    Database(#[from] Failure),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl From<DbError> for InventoryError {
    fn from(error: DbError) -> Self {
        Failure::from(error).into()
    }
}
