/// The rule of `user` is stricter, and has the last word.
pub fn email(text: &str) -> Result<String, String> {
    let is_address = |(name, domain): (&str, &str)| {
        !name.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    };
    let good = text.split_once('@').is_some_and(is_address) && !text.contains(char::is_whitespace);
    good.then(|| text.to_owned())
        .ok_or_else(|| "must be an e-mail address such as ada@example.com".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        assert!(email("ada@example.com").is_ok());
        for text in ["", "nope", "@example.com", "ada@example", "a b@example.com", "ada@example."] {
            assert!(email(text).is_err(), "{text}");
        }
    }
}
