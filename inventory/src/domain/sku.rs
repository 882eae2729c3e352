use std::{fmt, sync::Arc};

use super::Invalid;

/// The contract's number, in characters.
const LONGEST: usize = 64;

/// `[A-Z0-9][A-Z0-9._-]{0,63}`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sku(Arc<str>);

impl Sku {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let letter_or_digit = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let first = text.bytes().next().is_some_and(letter_or_digit);
        let rest = text.bytes().all(|byte| letter_or_digit(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if first && rest && text.len() <= LONGEST { Ok(Self(text.into())) } else { Err(Invalid::Sku) }
    }

    /// A SKU that was parsed before it was stored.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_capital_letters_digits_and_three_signs() {
        for good in ["A", "0", "MUG-1", "A.B_C-D", &"X".repeat(64)] {
            assert_eq!(Sku::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-A", ".A", "a", "MUG 1", "MÜG", "A\0", &"X".repeat(65)] {
            assert_eq!(Sku::parse(bad), Err(Invalid::Sku), "{bad}");
        }
    }
}
