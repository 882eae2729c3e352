use super::Money;

/// Payment's copy: the fields that an order needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub price: Money,
    pub version: i64,
    pub deleted: bool,
}

pub const SKU_RULE: &str =
    "must be 1 to 64 characters of A-Z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit";

/// `[A-Z0-9][A-Z0-9._-]{0,63}`
pub fn is_sku(text: &str) -> bool {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let rest = |byte: u8| upper(byte) || matches!(byte, b'.' | b'_' | b'-');
    match text.as_bytes() {
        [first, others @ ..] => upper(*first) && others.len() < 64 && others.iter().all(|byte| rest(*byte)),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_upper_case_and_at_most_64_characters() {
        assert!(is_sku("DEMO-MUG_1.0"));
        assert!(is_sku(&"A".repeat(64)));
        for wrong in ["", "-A", "mug", "A B", "Ä", &"A".repeat(65)] {
            assert!(!is_sku(wrong), "{wrong}");
        }
    }
}
