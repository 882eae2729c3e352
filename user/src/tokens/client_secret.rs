use std::fmt;

use aws_lc_rs::{constant_time, rand};
use uuid::{Builder, Uuid};

use super::{NoRandomness, sha256};
use crate::domain::ClientId;

/// What a client proves its identity with. The database has its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// 256 random bits in hexadecimal, which no encoding changes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bits = [0_u8; 32];
        rand::fill(&mut bits).map_err(|_| NoRandomness)?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Any text of a client.
    pub fn shown(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> Vec<u8> {
        sha256(&self.0).to_vec()
    }

    /// Compares in constant time.
    pub fn has(&self, hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&sha256(&self.0), hash).is_ok()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The same `sub` in every token of a client, on every database. Version 8: an own rule.
pub fn subject_of(client: &ClientId) -> Uuid {
    let digest = sha256(&format!("orderflow service client {client}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_does_not_show_in_debug() {
        let [one, other] = [(); 2].map(|()| ClientSecret::generate().unwrap());
        assert_eq!((one.expose().len(), format!("{one:?}").as_str()), (64, "[redacted]"));
        assert!(one.has(&one.hash()) && !one.has(&other.hash()) && !one.has(&[0; 32]) && !one.has(&[]));
    }

    #[test]
    fn a_client_has_one_subject_for_ever() {
        let subject = |id| subject_of(&ClientId::parse(id).unwrap());
        assert_eq!(subject("payment").to_string(), "6f846574-da37-8245-979f-87ff36fd6ba8");
        assert_ne!(subject("payment"), subject("reports"));
    }
}
