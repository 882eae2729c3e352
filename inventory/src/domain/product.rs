use iso_currency::{Currency, Flag};
use jiff::Timestamp;

use super::{Invalid, Sku, StockCount, invalid::is_label};

/// 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if is_label(text) { Ok(Self(text.to_owned())) } else { Err(Invalid::Name) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Up to 2000 characters; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let readable = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
        if readable && text.chars().count() <= 2000 {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::Description)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Minor units of the currency (a yen, a cent, a thousandth of a dinar), and its ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    amount: i64,
    currency: String,
}

impl Price {
    pub fn parse(amount: i64, currency: &str) -> Result<Self, Vec<Invalid>> {
        let mut errors = Vec::new();
        if !(1..=1_000_000_000_000).contains(&amount) {
            errors.push(Invalid::Price);
        }
        if !Currency::from_code(currency).is_some_and(is_in_use) {
            errors.push(Invalid::Currency);
        }
        if errors.is_empty() { Ok(Self { amount, currency: currency.to_owned() }) } else { Err(errors) }
    }

    pub fn amount(&self) -> i64 {
        self.amount
    }

    pub fn currency(&self) -> &str {
        &self.currency
    }
}

/// Not withdrawn, and no metal or code for tests, which have no minor unit. ISO 4217 lists both bolívares.
fn is_in_use(currency: Currency) -> bool {
    let has_ended = currency.flags().iter().any(|flag| matches!(flag, Flag::Superseded(_)));
    currency.exponent().is_some() && (!has_ended || currency == Currency::VES)
}

/// The details that an operator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    pub name: Name,
    pub description: Description,
    pub price: Price,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRecord {
    pub sku: Sku,
    pub name: String,
    pub description: String,
    /// Minor units.
    pub price: i64,
    pub currency: String,
    /// Rises with every change of the details, with the deletion, and with the next product of the SKU.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    pub sku: Sku,
    pub details: Details,
    pub stock: StockCount,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductChange {
    pub record: ProductRecord,
    /// Rises with every change of any product.
    pub change: i64,
    /// Smaller change numbers can no longer appear.
    pub is_final: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_counted_in_characters_and_says_something() {
        assert!(Name::parse(&"ü".repeat(255)).is_ok());
        for bad in ["", "   ", "a\0b", "two\nlines", &"x".repeat(256)] {
            assert_eq!(Name::parse(bad), Err(Invalid::Name), "{bad}");
        }
    }

    #[test]
    fn a_description_may_be_empty_and_have_lines() {
        assert!(Description::parse("").is_ok());
        assert!(Description::parse("one\ntwo").is_ok());
        assert_eq!(Description::parse("a\0b"), Err(Invalid::Description));
        assert_eq!(Description::parse(&"x".repeat(2001)), Err(Invalid::Description));
    }

    #[test]
    fn everything_wrong_with_a_price_is_said_at_once() {
        assert!(Price::parse(1, "EUR").is_ok());
        for currency in ["JPY", "BHD", "XAF", "VES", "VED"] {
            assert!(Price::parse(1_000_000_000_000, currency).is_ok(), "{currency}");
        }
        for currency in ["", "ABC", "EURO", "Eur", "DEM", "HRK", "XAU", "XTS", "XXX"] {
            assert_eq!(Price::parse(1, currency), Err(vec![Invalid::Currency]), "{currency}");
        }
        assert_eq!(Price::parse(0, "eur"), Err(vec![Invalid::Price, Invalid::Currency]));
        assert_eq!(Price::parse(1_000_000_000_001, "EUR"), Err(vec![Invalid::Price]));
    }
}
