use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, OctetKeyPairParameters,
    OctetKeyPairType, PublicKeyUse,
};

use crate::domain::SigningKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no signing key can be made or encrypted on this machine")]
pub struct KeyError;

pub fn generate() -> Result<SigningKey, KeyError> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError)?;
    read(pkcs8.as_ref().to_vec())
}

/// Computes the public half and the kid.
pub(super) fn read(pkcs8: Vec<u8>) -> Result<SigningKey, KeyError> {
    let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError)?;
    let public_key = pair.public_key().as_ref().to_vec();
    Ok(SigningKey { kid: thumbprint(&public_key), pkcs8, public_key })
}

/// Served at `/.well-known/jwks.json`.
pub fn key_set(keys: &[SigningKey]) -> JwkSet {
    JwkSet { keys: keys.iter().map(public_half).collect() }
}

fn public_half(key: &SigningKey) -> Jwk {
    let common = CommonParameters {
        public_key_use: Some(PublicKeyUse::Signature),
        key_algorithm: Some(KeyAlgorithm::EdDSA),
        key_id: Some(key.kid.clone()),
        ..CommonParameters::default()
    };
    let x = URL_SAFE_NO_PAD.encode(&key.public_key);
    let algorithm =
        OctetKeyPairParameters { key_type: OctetKeyPairType::OctetKeyPair, curve: EllipticCurve::Ed25519, x };
    Jwk { common, algorithm: AlgorithmParameters::OctetKeyPair(algorithm) }
}

/// RFC 7638: members in lexical order, without spaces.
fn thumbprint(public_key: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_8037() {
        let key = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_key_set_shows_the_public_half_only() {
        let key = generate().unwrap();
        let shown = serde_json::to_value(key_set(std::slice::from_ref(&key))).unwrap();
        let x = URL_SAFE_NO_PAD.encode(&key.public_key);
        let expected = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA", "kid": key.kid});
        assert_eq!(shown, serde_json::json!({ "keys": [expected] }));
    }
}
