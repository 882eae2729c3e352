use std::collections::HashSet;

use super::{Money, OrderLine, Product, SKU_RULE, is_sku};

/// The contract's number.
const MOST_LINES: usize = 50;
/// The contract's number.
const MOST_UNITS: u32 = 1000;

/// 1 to 50 lines, one per SKU, 1 to 1000 units each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart(Vec<CartLine>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    pub sku: String,
    pub quantity: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the request.
    pub pointer: String,
    pub rule: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PricingError {
    UnknownProducts(Vec<String>),
    MixedCurrencies(Vec<String>),
    /// The total is above `LARGEST_AMOUNT`.
    TooExpensive,
    /// Another total than the client expects.
    PriceChanged {
        lines: Vec<OrderLine>,
        total: Money,
    },
}

impl Cart {
    /// Reports every violation.
    pub fn parse(lines: Vec<CartLine>) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        if lines.is_empty() || lines.len() > MOST_LINES {
            violations
                .push(violation("/items", format!("must have 1 to {MOST_LINES} items, got {}", lines.len())));
        }
        let mut seen = HashSet::new();
        for (index, line) in lines.iter().enumerate() {
            if !is_sku(&line.sku) {
                violations.push(violation(format!("/items/{index}/sku"), SKU_RULE));
            } else if !seen.insert(&line.sku) {
                violations.push(violation(
                    format!("/items/{index}/sku"),
                    "appears twice; put the units on one line",
                ));
            }
            if !(1..=MOST_UNITS).contains(&line.quantity) {
                violations.push(violation(
                    format!("/items/{index}/quantity"),
                    format!("must be a whole number from 1 to {MOST_UNITS}"),
                ));
            }
        }
        if violations.is_empty() { Ok(Self(lines)) } else { Err(violations) }
    }

    pub fn lines(&self) -> &[CartLine] {
        &self.0
    }

    pub fn skus(&self) -> Vec<String> {
        self.0.iter().map(|line| line.sku.clone()).collect()
    }

    /// The lines at current prices, and their sum.
    pub fn price<'p>(
        &self,
        catalogue: impl Fn(&str) -> Option<&'p Product>,
    ) -> Result<(Vec<OrderLine>, Money), PricingError> {
        let known = |sku: &String| catalogue(sku).filter(|product| !product.deleted);
        let unknown: Vec<String> =
            self.0.iter().map(|line| &line.sku).filter(|sku| known(sku).is_none()).cloned().collect();
        if !unknown.is_empty() {
            return Err(PricingError::UnknownProducts(unknown));
        }
        let priced = self.0.iter().filter_map(|line| Some(OrderLine::of(known(&line.sku)?, line.quantity)));
        let lines: Vec<OrderLine> = priced.collect::<Option<_>>().ok_or(PricingError::TooExpensive)?;
        let total = sum(&lines)?;
        Ok((lines, total))
    }
}

fn sum(lines: &[OrderLine]) -> Result<Money, PricingError> {
    let currency = lines.first().map(|line| line.line_total.currency.clone()).unwrap_or_default();
    if lines.iter().any(|line| line.line_total.currency != currency) {
        let mut currencies: Vec<String> = lines.iter().map(|line| line.line_total.currency.clone()).collect();
        currencies.sort();
        currencies.dedup();
        return Err(PricingError::MixedCurrencies(currencies));
    }
    let zero = Money::new(0, currency);
    lines.iter().try_fold(zero, |total, line| total.plus(&line.line_total)).ok_or(PricingError::TooExpensive)
}

fn violation(pointer: impl Into<String>, rule: impl Into<String>) -> Violation {
    Violation { pointer: pointer.into(), rule: rule.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{super::LARGEST_AMOUNT, *};

    fn line(sku: &str, quantity: u32) -> CartLine {
        CartLine { sku: sku.to_owned(), quantity }
    }

    fn catalogue(products: &[(&str, i64, &str)]) -> HashMap<String, Product> {
        let product = |(sku, amount, currency): &(&str, i64, &str)| {
            let product = Product {
                sku: (*sku).into(),
                name: "x".into(),
                price: Money::new(*amount, *currency),
                version: 1,
                deleted: false,
            };
            ((*sku).to_owned(), product)
        };
        products.iter().map(product).collect()
    }

    #[test]
    fn every_violation_of_a_cart_is_named() {
        let violations = Cart::parse(vec![line("mug", 1), line("MUG", 0), line("MUG", 1001)]).unwrap_err();
        let pointers: Vec<&str> = violations.iter().map(|v| v.pointer.as_str()).collect();
        assert_eq!(pointers, ["/items/0/sku", "/items/1/quantity", "/items/2/sku", "/items/2/quantity"]);
        assert_eq!(Cart::parse(vec![]).unwrap_err()[0].pointer, "/items");
    }

    #[test]
    fn a_total_is_the_sum_of_its_lines() {
        let cart = Cart::parse(vec![line("A", 2), line("B", 3)]).unwrap();
        let products = catalogue(&[("A", 150, "EUR"), ("B", 100, "EUR")]);
        let (lines, total) = cart.price(|sku| products.get(sku)).unwrap();
        assert_eq!((lines.len(), total), (2, Money::new(600, "EUR")));
    }

    #[test]
    fn a_cart_is_not_priced_across_currencies_or_beyond_what_fits() {
        let cart = Cart::parse(vec![line("A", 2), line("B", 1)]).unwrap();
        let price = |products: HashMap<String, Product>| cart.price(|sku| products.get(sku));
        let mixed = price(catalogue(&[("A", 1, "EUR"), ("B", 1, "USD")]));
        assert_eq!(mixed.unwrap_err(), PricingError::MixedCurrencies(vec!["EUR".into(), "USD".into()]));
        for (price_of_a, price_of_b) in [(i64::MAX, 1), (LARGEST_AMOUNT / 2, 2), (LARGEST_AMOUNT / 2 + 1, 1)]
        {
            let dear = price(catalogue(&[("A", price_of_a, "EUR"), ("B", price_of_b, "EUR")]));
            assert_eq!(dear.unwrap_err(), PricingError::TooExpensive, "{price_of_a}");
        }
        let (_, total) = price(catalogue(&[("A", LARGEST_AMOUNT / 2, "EUR"), ("B", 1, "EUR")])).unwrap();
        assert_eq!(total.amount, LARGEST_AMOUNT);
    }
}
