use std::fmt;

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
