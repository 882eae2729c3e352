use actix_web::http::StatusCode;
use runtime::http::{FieldError, Problem};

use super::bodies::{CurrentPrices, ItemView};
use crate::{
    actors::DeskError,
    domain::{LARGEST_AMOUNT, Money, OrderLine, PricingError, Violation},
};

pub(super) fn refusal(error: DeskError) -> Problem {
    match error {
        DeskError::Database(failure) => Problem::database(
            &failure,
            "An order may have been placed; repeat the request with the same Idempotency-Key.",
        ),
        DeskError::RefusedByProvider(why) => {
            tracing::error!(%why, "a request is answered 500");
            Problem::internal()
        }
    }
}

pub(super) fn invalid(violations: Vec<Violation>) -> Problem {
    Problem::invalid(
        violations.into_iter().map(|violation| FieldError::new(violation.pointer, violation.rule)).collect(),
    )
}

pub(super) fn not_priced(why: PricingError) -> Problem {
    match why {
        PricingError::UnknownProducts(skus) => unknown(&skus),
        PricingError::MixedCurrencies(currencies) => {
            let rule = format!("must be sold in one currency, but are sold in {}", currencies.join(", "));
            Problem::invalid(vec![FieldError::new("/items", rule)])
        }
        PricingError::TooExpensive => {
            let rule = format!("have a total above {LARGEST_AMOUNT} minor units; order fewer pieces");
            Problem::invalid(vec![FieldError::new("/items", rule)])
        }
        PricingError::PriceChanged { lines, total } => price_changed(&lines, &total),
    }
}

fn unknown(skus: &[String]) -> Problem {
    let error = |sku: &String| FieldError::new("/items", format!("the product {sku} does not exist"));
    let detail = format!("These products do not exist: {}.", skus.join(", "));
    Problem::new(StatusCode::NOT_FOUND, "unknown-product", detail)
        .with_errors(skus.iter().map(error).collect())
}

fn price_changed(lines: &[OrderLine], total: &Money) -> Problem {
    let Money { amount, currency } = total;
    let detail = format!(
        "The total is {amount} {currency} in minor units, and not the expected one. The order was not \
         placed; send it again with a total that the customer agrees to."
    );
    let items = lines.iter().map(ItemView::from).collect();
    Problem::new(StatusCode::CONFLICT, "price-changed", detail)
        .with_members(CurrentPrices { total: total.into(), items })
}
