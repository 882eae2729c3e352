use std::fmt;

/// RFC 5321: a path of 256 without its brackets.
const LONGEST: usize = 254;
/// RFC 5321, before the `@`.
const LONGEST_LOCAL: usize = 64;
/// RFC 1035.
const LONGEST_LABEL: usize = 63;

/// A trimmed, lower-cased address: two spellings are one account. The rule is that of browsers for
/// `<input type="email">` (WHATWG), with a dot in the domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("must be an e-mail address such as ada@example.com")]
    Malformed,
    #[error("must have at most {LONGEST} characters")]
    TooLong,
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let email = text.trim().to_lowercase();
        if email.len() > LONGEST {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = email.rsplit_once('@').ok_or(EmailError::Malformed)?;
        if is_local_part(local) && is_domain(domain) { Ok(Self(email)) } else { Err(EmailError::Malformed) }
    }

    /// Trusts an address parsed before it was stored.
    pub fn from_stored(email: String) -> Self {
        Self(email)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_local_part(local: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    (1..=LONGEST_LOCAL).contains(&local.len()) && local.bytes().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_make_a_second_account() {
        assert_eq!(
            Email::parse("  Ada.Lovelace@Example.COM \n").unwrap().as_str(),
            "ada.lovelace@example.com"
        );
    }

    #[test]
    fn everyday_addresses_are_accepted() {
        for email in ["a@b.co", "first.last+tag@mail.example.org", "o'neill@xn--bcher-kva.example", "1@2.3.4"]
        {
            assert!(Email::parse(email).is_ok(), "{email}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let wrong = [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a b@example.com",
            "a@b@example.com",
            "a@-b.com",
            "a@b-.com",
        ];
        let wrong = wrong.into_iter().chain([
            "a@b..com",
            "a@.com",
            "a@b.com.",
            "a\u{0}@b.com",
            "ada@exämple.com",
            "a@b_c.com",
        ]);
        for email in wrong {
            assert_eq!(Email::parse(email), Err(EmailError::Malformed), "{email:?}");
        }
    }

    #[test]
    fn the_longest_address_has_254_characters() {
        let domain =
            |length: usize| format!("{}.com", vec!["d".repeat(60); 3].join(".") + &"e".repeat(length));
        let of = |length: usize| format!("{}@{}", "a".repeat(64), domain(length));
        assert_eq!((of(3).len(), of(0).len()), (254, 251));
        assert!(Email::parse(&of(3)).is_ok());
        assert_eq!(Email::parse(&format!("{}.x", of(3))), Err(EmailError::TooLong));
        assert_eq!(Email::parse(&format!("{}@b.co", "a".repeat(65))), Err(EmailError::Malformed));
    }
}
