use serde::{Deserialize, Serialize};
use std::fmt;

/// A payment token. The simulated provider behaves by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentMethod {
    #[default]
    #[serde(rename = "tok_ok")]
    Ok,
    #[serde(rename = "tok_declined")]
    Declined,
    #[serde(rename = "tok_insufficient_funds")]
    InsufficientFunds,
    /// Charged, but the first response comes after the timeout.
    #[serde(rename = "tok_timeout")]
    Timeout,
    /// Fails at random and succeeds on retry.
    #[serde(rename = "tok_flaky")]
    Flaky,
}

impl PaymentMethod {
    pub const ALL: [Self; 5] =
        [Self::Ok, Self::Declined, Self::InsufficientFunds, Self::Timeout, Self::Flaky];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "tok_ok",
            Self::Declined => "tok_declined",
            Self::InsufficientFunds => "tok_insufficient_funds",
            Self::Timeout => "tok_timeout",
            Self::Flaky => "tok_flaky",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
