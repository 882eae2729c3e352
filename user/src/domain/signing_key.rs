use std::{fmt, time::Duration};

use jiff::Timestamp;

/// An Ed25519 key pair that can sign.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// RFC 7638 thumbprint of the public key, in the header of tokens.
    pub kid: String,
    /// PKCS#8 DER.
    pub pkcs8: Vec<u8>,
    /// 32 bytes.
    pub public_key: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A key pair as stored.
#[derive(Clone)]
pub struct StoredKey {
    pub kid: String,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    pub secret: StoredSecret,
}

/// The private half as stored. It has no `Debug`, so that it gets into no log.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredSecret {
    /// PKCS#8 DER.
    Plain(Vec<u8>),
    /// The same, encrypted.
    Sealed(Vec<u8>),
}

impl StoredSecret {
    /// The columns `pkcs8` and `sealed_pkcs8`.
    pub fn columns(&self) -> (Option<&[u8]>, Option<&[u8]>) {
        match self {
            Self::Plain(pkcs8) => (Some(pkcs8), None),
            Self::Sealed(sealed) => (None, Some(sealed)),
        }
    }
}

/// When a key begins to sign and ceases to verify.
#[derive(Debug, Clone, Copy)]
pub struct KeySchedule {
    /// From the publication to the first signature, so that every verifier knows the key by then.
    pub notice: Duration,
    /// From the first signature of the next key.
    pub verifies_for: Duration,
}

/// What a key does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Verifiers get to know it.
    Published,
    /// It signs all tokens.
    Signing,
    /// It signs no more.
    Verifying,
}

impl KeyState {
    /// The states of all keys, newest first, by whether their time to sign has begun.
    pub fn of(begun: &[bool]) -> Vec<Self> {
        // Without a key whose time has begun, the one that is next signs before its time.
        let signing = begun.iter().position(|begun| *begun).or(begun.len().checked_sub(1));
        let state = |at: usize| match signing {
            Some(signing) if at > signing => Self::Verifying,
            Some(signing) if at == signing => Self::Signing,
            _ => Self::Published,
        };
        (0..begun.len()).map(state).collect()
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
        }
    }
}

/// A stored key and its times.
#[derive(Clone)]
pub struct KeyRecord {
    pub key: StoredKey,
    pub state: KeyState,
    pub created_at: Timestamp,
    pub signs_from: Timestamp,
    /// Once another key is to follow.
    pub verifies_until: Option<Timestamp>,
}

/// The result of asking for a new key.
pub enum KeyRotation {
    Published(KeyRecord),
    /// Another key is published and does not sign yet.
    InProgress,
    /// The requesting account is no enabled ADMIN now, whatever its token claims.
    NotAdmin,
}

/// The result of retiring a key at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRetirement {
    Retired,
    Absent,
    /// It signs, and no other key is published.
    OnlySigningKey,
    /// See [`KeyRotation::NotAdmin`].
    NotAdmin,
}

#[cfg(test)]
mod tests {
    use super::KeyState::{self, Published, Signing, Verifying};

    #[test]
    fn the_last_key_whose_time_has_begun_signs_or_else_the_first_that_will() {
        assert_eq!(KeyState::of(&[false, true, true]), [Published, Signing, Verifying]);
        assert_eq!(KeyState::of(&[true]), [Signing]);
        assert_eq!(KeyState::of(&[false, false]), [Published, Signing]);
        assert_eq!(KeyState::of(&[]), []);
    }
}
