use std::fmt;

/// An Ed25519 key pair as stored.
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
