use std::fmt;

const SHORTEST: usize = 8;
const LONGEST: usize = 128;

/// `Debug` redacts the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have {SHORTEST} to {LONGEST} characters")]
pub struct PasswordError;

impl Password {
    /// Length is the only rule: composition rules lead to weaker passwords (NIST SP 800-63B).
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if (SHORTEST..=LONGEST).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PasswordError)
        }
    }

    /// Accepts any text at login: the rule may have changed since the password was set.
    pub fn presented(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// An argon2id PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_to_128_characters_are_accepted_whatever_they_are() {
        for password in ["12345678", "        ", "пароль-я", &"x".repeat(128), &"ß".repeat(128)] {
            assert!(Password::parse(password).is_ok(), "{password}");
        }
        for password in ["", "1234567", "пароль", &"x".repeat(129)] {
            assert_eq!(Password::parse(password), Err(PasswordError), "{password}");
        }
    }

    #[test]
    fn neither_a_password_nor_its_hash_shows_in_debug() {
        let password = Password::parse("hunter2hunter2").unwrap();
        let hash = PasswordHash::new("$argon2id$...".to_owned());
        assert_eq!(format!("{password:?} {hash:?}"), "[redacted] [redacted]");
    }
}
