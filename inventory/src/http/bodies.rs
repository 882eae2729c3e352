use jiff::Timestamp;
use runtime::http::{Problem, whole_number};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::errors::FieldErrors;
use crate::{
    actors::ProductView,
    domain::{
        Delta, Description, Details, Invalid, Movement, Name, NewProduct, Price, ProductChange, Reason, Sku,
        StockCount,
    },
};

/// The product of the call.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
pub(super) struct SkuPath {
    #[param(example = "MUG-BLUE", pattern = "^[A-Z0-9][A-Z0-9._-]{0,63}$")]
    sku: String,
}

/// The price of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Price)]
pub(super) struct Money {
    /// Minor units of the currency, such as cents.
    #[schema(example = 1999, minimum = 1, maximum = 1_000_000_000_000_i64)]
    #[serde(deserialize_with = "whole_number::<1, 1_000_000_000_000, _>")]
    pub amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

/// A new product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProduct)]
pub(super) struct CreateBody {
    #[schema(example = "MUG-BLUE", pattern = "^[A-Z0-9][A-Z0-9._-]{0,63}$")]
    sku: String,
    #[schema(
        example = "Blue mug",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    description: String,
    price: Money,
    /// Pieces on hand.
    #[schema(example = 100, minimum = 0, maximum = 2_147_483_647)]
    #[serde(deserialize_with = "whole_number::<0, 2_147_483_647, _>")]
    stock: i64,
}

/// The details of a product. An absent description becomes empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductDetails)]
pub(super) struct ChangeBody {
    #[schema(
        example = "Blue mug",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    description: String,
    price: Money,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(super) struct ProductBody {
    #[schema(example = "MUG-BLUE")]
    pub sku: String,
    #[schema(example = "Blue mug")]
    name: String,
    #[schema(example = "Holds half a litre.")]
    description: String,
    price: Money,
    /// The quantity that an order placed now can get.
    available: u32,
    /// Rises with every change of the details, and is the ETag.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ProductView> for ProductBody {
    fn from(view: ProductView) -> Self {
        let record = view.record;
        Self {
            sku: record.sku.to_string(),
            name: record.name,
            description: record.description,
            price: Money { amount: record.price, currency: record.currency },
            available: view.available,
            version: record.version,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

impl CreateBody {
    pub(super) fn parse(&self) -> Result<NewProduct, Problem> {
        let mut errors = FieldErrors::default();
        let sku = errors.check("/sku", Sku::parse(&self.sku));
        let details = details(&mut errors, &self.name, &self.description, &self.price);
        let stock = errors.check("/stock", StockCount::parse(self.stock));
        let product = (|| Some(NewProduct { sku: sku?, details: details?, stock: stock? }))();
        errors.into_result(product)
    }
}

impl ChangeBody {
    pub(super) fn parse(&self) -> Result<Details, Problem> {
        let mut errors = FieldErrors::default();
        let details = details(&mut errors, &self.name, &self.description, &self.price);
        errors.into_result(details)
    }
}

fn details(errors: &mut FieldErrors, name: &str, description: &str, price: &Money) -> Option<Details> {
    let name = errors.check("/name", Name::parse(name));
    let description = errors.check("/description", Description::parse(description));
    let price = Price::parse(price.amount, &price.currency).map_err(|rules| {
        for rule in rules {
            errors.add(if rule == Invalid::Currency { "/price/currency" } else { "/price/amount" }, rule);
        }
    });
    Some(Details { name: name?, description: description?, price: price.ok()? })
}

/// A product and its last change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedProduct)]
pub(super) struct ChangedProductBody {
    sku: String,
    name: String,
    price: Money,
    version: i64,
    deleted: bool,
    /// Rises with every change of any product.
    change: i64,
}

/// Products by their last change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedProductPage)]
pub(super) struct ChangesPage {
    pub data: Vec<ChangedProductBody>,
    /// The `after` of the next request. Changes of the last ten seconds stay after it, because a smaller
    /// number may still appear.
    pub next: i64,
    /// Whether more changes follow `next` now.
    pub has_more: bool,
}

impl From<ProductChange> for ChangedProductBody {
    fn from(ProductChange { record, change, .. }: ProductChange) -> Self {
        Self {
            sku: record.sku.to_string(),
            name: record.name,
            price: Money { amount: record.price, currency: record.currency },
            version: record.version,
            deleted: record.deleted,
            change,
        }
    }
}

/// An entry of the stock ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockMovement)]
pub(super) struct MovementBody {
    pub id: i64,
    /// Pieces added; negative for pieces taken.
    pub delta: i32,
    /// Stock on hand after the entry.
    pub balance: i32,
    /// `order`, `product created`, or the operator's reason.
    pub reason: String,
    #[schema(required)]
    pub order_id: Option<Uuid>,
    /// The event that took the pieces.
    #[schema(required)]
    pub event_id: Option<Uuid>,
    pub at: Timestamp,
}

impl From<Movement> for MovementBody {
    fn from(movement: Movement) -> Self {
        let Movement { id, delta, balance, reason, order_id, event_id, at } = movement;
        Self { id, delta, balance, reason, order_id, event_id, at }
    }
}

/// A change of stock by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockAdjustment)]
pub(super) struct AdjustBody {
    /// Pieces added; negative for pieces taken. Zero is refused.
    #[schema(example = 25, minimum = -2_147_483_647, maximum = 2_147_483_647)]
    #[serde(deserialize_with = "whole_number::<{ -2_147_483_647 }, 2_147_483_647, _>")]
    delta: i64,
    #[schema(
        example = "delivery 4711",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    reason: String,
}

/// The new stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub(super) struct StockBody {
    pub sku: String,
    pub delta: i32,
    /// Stock on hand after the adjustment.
    pub stock: i32,
}

impl AdjustBody {
    pub(super) fn parse(&self) -> Result<(Delta, Reason), Problem> {
        let mut errors = FieldErrors::default();
        let delta = errors.check("/delta", Delta::parse(self.delta));
        let reason = errors.check("/reason", Reason::parse(&self.reason));
        errors.into_result(delta.zip(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_in_a_new_product_is_named_at_once() {
        let body = r#"{"sku": "mug", "name": "", "price": {"amount": 0, "currency": "euro"}, "stock": -1}"#;
        let problem = serde_json::from_str::<CreateBody>(body).unwrap().parse().unwrap_err();
        let errors = serde_json::to_value(problem).unwrap()["errors"].clone();
        let pointers: Vec<&str> =
            errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, ["/sku", "/name", "/price/amount", "/price/currency", "/stock"]);
    }
}
