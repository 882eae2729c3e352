use std::time::SystemTime;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::JwkSet};
use uuid::Uuid;

use runtime::auth::{Claims, Role, TOKEN_TYPE};

/// The defaults of the services.
const ISSUER: &str = "orderflow-user";
const AUDIENCE: &str = "orderflow";
const LIFE_SECONDS: u64 = 600;

/// Signs like the service `user`.
#[derive(Clone)]
pub struct Signer {
    pub kid: String,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    pkcs8: Vec<u8>,
    key: EncodingKey,
}

impl Signer {
    /// A new key pair.
    #[must_use]
    pub fn generate() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap_or_else(|error| panic!("no key pair: {error}"));
        let document = pair.to_pkcs8v1().unwrap_or_else(|error| panic!("no PKCS#8: {error}"));
        Self {
            kid: Uuid::now_v7().to_string(),
            public_key: pair.public_key().as_ref().to_vec(),
            pkcs8: document.as_ref().to_vec(),
            key: EncodingKey::from_ed_der(document.as_ref()),
        }
    }

    /// From the table `signing_keys`; `key` is the hexadecimal `key-encryption-key`. Independent of `user`.
    ///
    /// # Panics
    /// `key` does not open `sealed`: nonce, ciphertext and tag.
    #[must_use]
    pub fn sealed(kid: &str, key: &str, sealed: &[u8], public_key: &[u8]) -> Self {
        let byte = |at| u8::from_str_radix(&key[at..at + 2], 16).unwrap_or_else(|error| panic!("{error}"));
        let key: Vec<u8> = (0..key.len()).step_by(2).map(byte).collect();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap_or_else(refused));
        let (nonce, sealed) = sealed.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap_or_else(refused);
        let mut pkcs8 = sealed.to_vec();
        let pkcs8 = key.open_in_place(nonce, Aad::from(kid.as_bytes()), &mut pkcs8).unwrap_or_else(refused);
        let key = EncodingKey::from_ed_der(pkcs8);
        Self { kid: kid.to_owned(), public_key: public_key.to_vec(), pkcs8: pkcs8.to_vec(), key }
    }

    /// The 32 secret bytes, which follow 16 of structure.
    #[must_use]
    pub fn private_key(&self) -> &[u8] {
        &self.pkcs8[16..48]
    }

    /// As in `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        let x = URL_SAFE_NO_PAD.encode(&self.public_key);
        let key = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x});
        serde_json::from_value(serde_json::json!({"keys": [key]}))
            .unwrap_or_else(|error| panic!("no key set: {error}"))
    }

    /// Claims of a new account, valid for ten minutes.
    #[must_use]
    pub fn claims(role: Role) -> Claims {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: Uuid::now_v7(),
            role,
            exp: now + LIFE_SECONDS,
            nbf: now,
            iat: now,
            sid: None,
            jti: Uuid::now_v7(),
            scope: None,
        }
    }

    /// The header of a valid token.
    #[must_use]
    pub fn header(&self) -> Header {
        Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        }
    }

    /// A valid token.
    #[must_use]
    pub fn token(&self, role: Role) -> String {
        self.sign(&self.header(), &Self::claims(role))
    }

    /// Signs any header and claims.
    ///
    /// # Panics
    /// The algorithm is not EdDSA.
    #[must_use]
    pub fn sign(&self, header: &Header, claims: &impl serde::Serialize) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap_or_else(|error| panic!("not signed: {error}"))
    }

    /// A token with `alg: none`.
    #[must_use]
    pub fn unsigned(kid: &str, claims: &impl serde::Serialize) -> String {
        let header = serde_json::json!({"alg": "none", "typ": TOKEN_TYPE, "kid": kid}).to_string();
        let claims = serde_json::to_string(claims).unwrap_or_else(|error| panic!("no JSON: {error}"));
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    /// HS256 with the public key as secret, accepted if the verifier trusts the header's algorithm.
    #[must_use]
    pub fn signed_with_public_key(kid: &str, public_key: &[u8], claims: &impl serde::Serialize) -> String {
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let key = EncodingKey::from_secret(public_key);
        jsonwebtoken::encode(&header, claims, &key).unwrap_or_else(|error| panic!("not signed: {error}"))
    }
}

fn refused<T>(_: Unspecified) -> T {
    panic!("the signing key is not opened")
}
