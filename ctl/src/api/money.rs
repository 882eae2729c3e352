use std::fmt;
use std::str::FromStr;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// In minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Cents, for EUR.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// Decimal places of the minor unit; two for an unknown currency.
fn places(currency: &str) -> usize {
    Currency::from_code(currency).and_then(Currency::exponent).map_or(2, usize::from)
}

impl fmt::Display for Money {
    /// `19.99 EUR`, `500 JPY`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = places(&self.currency);
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        let point = if places > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{part} {}", self.currency)
    }
}

impl FromStr for Money {
    type Err = String;

    /// The form that is displayed, with or without the space.
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || "must be an amount and a currency, such as 4.50EUR".to_owned();
        let (number, currency) = text.split_at_checked(text.len().saturating_sub(3)).ok_or_else(rule)?;
        if !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(rule());
        }
        let (whole, part) = number.trim_end().split_once('.').unwrap_or((number.trim_end(), ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || number.trim_end().ends_with('.') {
            return Err(rule());
        }
        let places = places(currency);
        if part.len() > places {
            return Err(format!("must have at most {places} decimal places in {currency}"));
        }
        let amount = format!("{whole}{part:0<places$}").parse().map_err(|_| rule())?;
        Ok(Self { amount, currency: currency.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.to_owned() }
    }

    #[test]
    fn money_is_shown_and_read_with_the_decimal_places_of_its_currency() {
        for (text, amount, currency) in [
            ("19.99 EUR", 1999, "EUR"),
            ("0.05 EUR", 5, "EUR"),
            ("500 JPY", 500, "JPY"),
            ("1.250 KWD", 1250, "KWD"),
        ] {
            assert_eq!(money(amount, currency).to_string(), text);
            assert_eq!(text.parse(), Ok(money(amount, currency)));
        }
        assert_eq!(money(-5, "EUR").to_string(), "-0.05 EUR");
        assert_eq!("4.5EUR".parse(), Ok(money(450, "EUR")));
        assert_eq!("4 EUR".parse(), Ok(money(400, "EUR")));
    }

    #[test]
    fn an_amount_that_is_none_is_a_usage_error() {
        for text in ["", "EUR", "4.50", "4.505EUR", "4.EUR", "1.5JPY", "4,50EUR", "4.50eur", "-1EUR", "€UR"]
        {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }
}
