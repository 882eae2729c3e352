use serde::{Deserialize, Serialize};

/// 2^53-1: every reader of JSON takes it exactly (RFC 8259, 6).
pub const LARGEST_AMOUNT: i64 = (1 << 53) - 1;

/// Integer minor units and an ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: String,
}

/// Whether `text` has the form of an ISO 4217 code.
pub fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Money {
    pub fn new(amount: i64, currency: impl Into<String>) -> Self {
        Self { amount, currency: currency.into() }
    }

    /// `None` above [`LARGEST_AMOUNT`].
    pub fn times(&self, quantity: u32) -> Option<Self> {
        let amount =
            self.amount.checked_mul(i64::from(quantity)).filter(|amount| *amount <= LARGEST_AMOUNT)?;
        Some(Self { amount, currency: self.currency.clone() })
    }

    /// `None` above [`LARGEST_AMOUNT`], or for different currencies.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let amount = self.amount.checked_add(other.amount).filter(|amount| *amount <= LARGEST_AMOUNT)?;
        (self.currency == other.currency).then(|| Self { amount, currency: self.currency.clone() })
    }
}
