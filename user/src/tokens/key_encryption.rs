//! Private keys at rest: AES-256-GCM, a random nonce each. The kid is the thumbprint of the public half and is
//! authenticated, so neither half can be exchanged in the database.

use std::{fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use runtime::settings::Value;

use super::key_pair::{self, KeyError};
use crate::domain::{SigningKey, StoredKey, StoredSecret};

const KEY_LENGTH: usize = 32;
/// Random keys have about 30 different bytes of 32.
const FEWEST_DIFFERENT: usize = 16;

/// A key that encrypts signing keys. Clones share it.
#[derive(Clone)]
pub struct KeyEncryptionKey(Arc<RandomizedNonceKey>);

/// How private keys are stored and read.
#[derive(Debug, Clone, Default)]
pub struct KeyEncryption {
    /// `None`: new keys are stored in plaintext.
    pub current: Option<KeyEncryptionKey>,
    /// Opens what was sealed before the current one was set.
    pub old: Option<KeyEncryptionKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the signing key {kid} is encrypted; give the setting key-encryption-key")]
    NoKey { kid: String },
    #[error(
        "key-encryption-key does not open the signing key {kid}; give the one it was encrypted with, \
         or set it as old-key-encryption-key"
    )]
    WrongKey { kid: String },
    #[error("the stored signing key {kid} is damaged")]
    Damaged { kid: String },
}

impl KeyEncryption {
    /// The form in which `key` is to be stored.
    pub fn seal(&self, key: &SigningKey) -> Result<StoredSecret, KeyError> {
        match &self.current {
            Some(current) => current.seal(&key.kid, &key.pkcs8).map(StoredSecret::Sealed),
            None => Ok(StoredSecret::Plain(key.pkcs8.clone())),
        }
    }

    /// Opens a stored key.
    pub fn open(&self, stored: &StoredKey) -> Result<SigningKey, OpenError> {
        let kid = || stored.kid.clone();
        let pkcs8 = match &stored.secret {
            StoredSecret::Plain(pkcs8) => pkcs8.clone(),
            StoredSecret::Sealed(sealed) => {
                let keys = [&self.current, &self.old].into_iter().flatten();
                let opened = keys.clone().find_map(|key| key.open(&stored.kid, sealed));
                let nothing = || match keys.count() {
                    0 => OpenError::NoKey { kid: kid() },
                    _ => OpenError::WrongKey { kid: kid() },
                };
                opened.ok_or_else(nothing)?
            }
        };
        let key = key_pair::read(pkcs8).ok().filter(|key| key.kid == stored.kid);
        key.ok_or_else(|| OpenError::Damaged { kid: kid() })
    }

    /// Whether `stored` is in the form of [`Self::seal`].
    pub fn is_current(&self, stored: &StoredKey) -> bool {
        match (&stored.secret, &self.current) {
            (StoredSecret::Plain(_), None) => true,
            (StoredSecret::Sealed(sealed), Some(current)) => current.open(&stored.kid, sealed).is_some(),
            _ => false,
        }
    }
}

impl KeyEncryptionKey {
    fn seal(&self, kid: &str, secret: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut sealed = secret.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(kid.as_bytes()), &mut sealed);
        let nonce = nonce.map_err(|_| KeyError)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    fn open(&self, kid: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut secret = sealed.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(kid.as_bytes()), &mut secret).ok()?.len();
        secret.truncate(opened);
        Some(secret)
    }
}

impl Value for KeyEncryptionKey {
    /// The error does not repeat the text.
    fn parse(text: &str) -> Result<Self, String> {
        let is_key = |bytes: &Vec<u8>| bytes.len() == KEY_LENGTH;
        let Some(bytes) = hexadecimal(text).filter(is_key).or_else(|| base64(text).filter(is_key)) else {
            return Err(
                "must be 32 bytes in hexadecimal or base64, for example of: openssl rand -hex 32".to_owned()
            );
        };
        let mut different = bytes.clone();
        different.sort_unstable();
        different.dedup();
        if different.len() < FEWEST_DIFFERENT {
            return Err("can be guessed; use, for example, one of: openssl rand -hex 32".to_owned());
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| "is unusable".to_owned())?;
        Ok(Self(Arc::new(key)))
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let byte = |pair: &[u32]| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok();
    digits?.chunks(2).map(byte).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, padding).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::generate;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn encryption(current: Option<&str>, old: Option<&str>) -> KeyEncryption {
        let key = |text: Option<&str>| text.map(|text| KeyEncryptionKey::parse(text).unwrap());
        KeyEncryption { current: key(current), old: key(old) }
    }

    fn stored(key: &SigningKey, secret: StoredSecret) -> StoredKey {
        StoredKey { kid: key.kid.clone(), public_key: key.public_key.clone(), secret }
    }

    #[test]
    fn a_sealed_key_is_opened_by_the_key_that_sealed_it_also_as_the_old_one() {
        let key = generate().unwrap();
        let row = stored(&key, encryption(Some(ONE), None).seal(&key).unwrap());
        let StoredSecret::Sealed(sealed) = &row.secret else { panic!("it is not sealed") };
        assert!(!sealed.windows(16).any(|part| key.pkcs8.windows(16).any(|secret| secret == part)));
        for (current, old) in [(Some(ONE), None), (Some(OTHER), Some(ONE)), (None, Some(ONE))] {
            let encryption = encryption(current, old);
            assert_eq!(encryption.open(&row), Ok(key.clone()));
            assert_eq!(encryption.is_current(&row), current == Some(ONE));
        }
        let refused = encryption(None, None).open(&row);
        assert_eq!(refused, Err(OpenError::NoKey { kid: key.kid.clone() }));
        let refused = encryption(Some(OTHER), None).open(&row);
        assert_eq!(refused, Err(OpenError::WrongKey { kid: key.kid }));
    }

    #[test]
    fn a_sealed_key_cannot_be_changed_or_given_another_name() {
        let (key, other) = (generate().unwrap(), generate().unwrap());
        let encryption = encryption(Some(ONE), None);
        let secret = encryption.seal(&key).unwrap();
        assert!(encryption.open(&stored(&other, secret.clone())).is_err());
        let StoredSecret::Sealed(mut sealed) = secret else { panic!("it is not sealed") };
        sealed[20] ^= 1;
        assert!(encryption.open(&stored(&key, StoredSecret::Sealed(sealed))).is_err());
        let short = stored(&key, StoredSecret::Sealed(vec![0; 5]));
        assert!(encryption.open(&short).is_err());
        let plain = stored(&other, StoredSecret::Plain(key.pkcs8));
        assert_eq!(encryption.open(&plain), Err(OpenError::Damaged { kid: other.kid }));
    }

    #[test]
    fn a_key_is_32_random_bytes_and_shows_neither_in_debug_nor_in_an_error() {
        for text in [ONE, OTHER, OTHER.trim_end_matches('=')] {
            assert_eq!(format!("{:?}", KeyEncryptionKey::parse(text).unwrap()), "[redacted]");
        }
        for wrong in ["", "hunter2", &ONE[1..], &ONE[2..], &"00".repeat(32), &OTHER[4..]] {
            let error = KeyEncryptionKey::parse(wrong).unwrap_err();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
    }
}
