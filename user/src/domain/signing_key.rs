use std::fmt;

/// An Ed25519 key pair as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The key id in the header of tokens: the RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The private key, PKCS#8 DER.
    pub pkcs8: Vec<u8>,
    /// The 32 bytes of the public key.
    pub public_key: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}
