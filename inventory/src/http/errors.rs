use actix_web::http::StatusCode;
use runtime::http::{FieldError, Problem};

use crate::{
    actors::InventoryError,
    domain::{Invalid, Sku},
};

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Absent => Self::absent("product"),
            InventoryError::SkuTaken => conflict(
                "sku-taken",
                "A product with this SKU is on sale. Change it with PUT, or delete it first.",
            ),
            InventoryError::Stale { current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale-version",
                format!("The product has version {current} now. GET it, and send its ETag as If-Match."),
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
            InventoryError::Database(failure) => {
                Self::database(&failure, "The request may have been carried out; repeat it.")
            }
            InventoryError::TooLarge(error) => {
                tracing::error!(%error, "a request is answered 500");
                Self::internal()
            }
        }
    }
}

fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

/// A malformed SKU is an absent product.
pub(super) fn sku(path: &str) -> Result<Sku, Problem> {
    Sku::parse(path).map_err(|_| Problem::absent("product"))
}

/// One answer names all errors.
#[derive(Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub(super) fn check<T>(&mut self, pointer: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|rule| self.add(pointer, rule)).ok()
    }

    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.0)),
        }
    }

    pub(super) fn add(&mut self, pointer: &str, rule: Invalid) {
        self.0.push(FieldError::new(pointer, rule.to_string()));
    }
}
