use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 random bits. The client alone has them; the database has their SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine lacks randomness")]
pub struct NoRandomness;

impl RefreshToken {
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bits = [0; 32];
        rand::fill(&mut bits).map_err(|_| NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bits)))
    }

    /// Any text of a client.
    pub fn shown(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_differ_and_neither_shows_in_debug() {
        let [one, other] = [(); 2].map(|()| RefreshToken::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.expose().len(), format!("{one:?}").as_str()), (43, "[redacted]"));
        assert_eq!(RefreshToken::shown(one.expose().to_owned()).hash(), one.hash());
    }
}
