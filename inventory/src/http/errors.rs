//! What an error of the actors is to a client.

use actix_web::http::StatusCode;
use runtime::http::{FieldError, Problem};

use crate::{actors::InventoryError, domain::Sku};

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Absent => Self::absent("product"),
            InventoryError::SkuTaken => conflict(
                "sku-taken",
                "There is, or has been, a product of this SKU. Choose another, or PUT to change the product.",
            ),
            InventoryError::Stale { current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale-version",
                format!("The product has version {current} by now. GET it, and send its ETag as If-Match."),
            ),
            InventoryError::InsufficientStock { available } => {
                conflict("insufficient-stock", format!("Only {available} on hand; stock cannot go below 0."))
            }
            InventoryError::StockTooLarge { on_hand } => {
                conflict("stock-too-large", format!("{on_hand} on hand; stock cannot go above 2147483647."))
            }
            InventoryError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "This Idempotency-Key was used for another request. Use a new key for a new adjustment.",
            ),
            InventoryError::Unavailable(why) => {
                tracing::warn!(%why, "a request could not be served");
                Self::unavailable(
                    "database-unavailable",
                    "The database does not answer. What was asked may have happened; ask again.",
                )
            }
            InventoryError::Internal(why) => {
                tracing::error!(%why, "a request failed");
                Self::internal()
            }
        }
    }
}

fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

/// The SKU in a path. What is no SKU names no product.
pub(super) fn sku(path: &str) -> Result<Sku, Problem> {
    Sku::parse(path).map_err(|_| Problem::absent("product"))
}

/// 400: a header is missing or cannot be used.
pub(super) fn header(name: &str, rule: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(name, rule)])
}
