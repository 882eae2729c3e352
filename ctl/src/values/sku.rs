/// The rule of `inventory`. Safe in a URL.
pub fn sku(text: &str) -> Result<String, String> {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let good = (1..=64).contains(&text.len())
        && text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || b"._-".contains(&byte));
    let rule = "must be 1 to 64 of A-Z, 0-9 and ._- and begin with a letter or digit, such as MUG-BLUE";
    good.then(|| text.to_owned()).ok_or_else(|| rule.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_cannot_lead_to_another_path() {
        assert!(sku("DEMO-MUG.2_A").is_ok());
        for text in ["", "mug", "../users", "A/B", "A?b", "-A", "Ä", &"A".repeat(65)] {
            assert!(sku(text).is_err(), "{text}");
        }
    }
}
