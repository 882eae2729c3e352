use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::zxcvbn;

use super::Email;

const SHORTEST: usize = 8;
const LONGEST: usize = 128;
/// Shorter parts of an e-mail occur in other words.
const SHORTEST_PART: usize = 3;
/// Letters and digits beside parts of the e-mail.
const LEAST_OWN: usize = 4;
/// The lower two of the crate's five scores are below it: "protection from throttled online attacks".
const GUESSES: u64 = 1_000_000;

/// `Debug` redacts the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("must have {SHORTEST} to {LONGEST} characters")]
    Length,
    #[error("is too easy to guess: a common password, a pattern, or made of the e-mail; use several words")]
    Weak,
}

impl Password {
    /// Normalised (NFC): keyboards send one text in several forms. Composition rules lead to weaker passwords
    /// (NIST SP 800-63B).
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let password = Self::presented(text);
        if (SHORTEST..=LONGEST).contains(&password.0.chars().count()) {
            Ok(password)
        } else {
            Err(PasswordError::Length)
        }
    }

    /// Accepts any text at login: the rules may have changed since the password was set.
    pub fn presented(text: &str) -> Self {
        Self(text.nfc().collect())
    }

    /// Refuses a password that is found within a million guesses by somebody who knows the e-mail.
    pub fn unless_weak(self, email: &Email) -> Result<Self, PasswordError> {
        let known: Vec<&str> =
            [email.as_str()].into_iter().chain(email.as_str().split(['@', '.', '+', '-', '_'])).collect();
        let is_weak = zxcvbn(&self.0, &known).guesses() < GUESSES || self.is_made_of(known);
        if is_weak { Err(PasswordError::Weak) } else { Ok(self) }
    }

    fn is_made_of(&self, mut parts: Vec<&str>) -> bool {
        parts.retain(|part| part.len() >= SHORTEST_PART);
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
        let rest = parts.iter().fold(self.0.to_lowercase(), |rest, part| rest.replace(part, ""));
        rest.chars().filter(|letter| letter.is_alphanumeric()).count() < LEAST_OWN
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
        for password in ["", "1234567", "пароль", &"x".repeat(129), &"x".repeat(10_000)] {
            assert_eq!(Password::parse(password), Err(PasswordError::Length), "{password}");
        }
    }

    #[test]
    fn a_password_that_is_common_or_made_of_the_email_is_weak() {
        let email = Email::parse("ada.lovelace@analytical.example").unwrap();
        for weak in ["password", "12345678", "qwertyuiop", "aaaaaaaaaaaa", "ada.lovelace", "lovelace1"] {
            let password = Password::parse(weak).unwrap();
            assert_eq!(password.unless_weak(&email), Err(PasswordError::Weak), "{weak}");
        }
        for strong in ["correct horse battery staple", "a long enough one", "xK9#mQ2$vL"] {
            assert!(Password::parse(strong).unwrap().unless_weak(&email).is_ok(), "{strong}");
        }
    }

    #[test]
    fn two_forms_of_one_text_are_one_password() {
        assert_eq!(Password::parse("Stra\u{df}e f\u{fc}nf"), Password::parse("Stra\u{df}e fu\u{308}nf"));
    }

    #[test]
    fn neither_a_password_nor_its_hash_shows_in_debug() {
        let password = Password::parse("hunter2hunter2").unwrap();
        let hash = PasswordHash::new("$argon2id$...".to_owned());
        assert_eq!(format!("{password:?} {hash:?}"), "[redacted] [redacted]");
    }
}
