//! The published keys of a signer, and what each of them may verify.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The published key set of a signer. RFC 7517 allows further members.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "PublishedDocument")]
pub struct KeyDocument {
    #[serde(flatten)]
    pub keys: JwkSet,
    /// Tokens of these accounts and sessions, by [`revocation_name`], that were issued before this Unix time in
    /// milliseconds are revoked. `user` alone publishes this.
    pub not_before: HashMap<Uuid, u64>,
}

#[derive(Deserialize)]
struct PublishedDocument {
    keys: Vec<serde_json::Value>,
    #[serde(default)]
    not_before: HashMap<Uuid, u64>,
}

/// Leaves out keys of unknown kinds (RFC 7517, 5).
impl From<PublishedDocument> for KeyDocument {
    fn from(document: PublishedDocument) -> Self {
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Self { keys: JwkSet { keys: keys.collect() }, not_before: document.not_before }
    }
}

/// The name of an account, session or client in the published list, which everybody may read: the first 16 bytes of
/// SHA-256 over its id.
#[must_use]
pub fn revocation_name(id: &Uuid) -> Uuid {
    let mut name = [0; 16];
    name.copy_from_slice(&digest(&SHA256, id.as_bytes()).as_ref()[..16]);
    Uuid::from_bytes(name)
}

/// A public key, and the one algorithm that it may verify. The header of a token has no say in it: a public key
/// never becomes the secret of an HMAC.
pub struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// By `kid`; skips keys without one, and those that verify none of the known algorithms.
pub(super) fn verifying_keys(set: &JwkSet) -> HashMap<String, Arc<VerifyingKey>> {
    let named = |jwk: &Jwk| Some((jwk.common.key_id.clone()?, Arc::new(verifying_key(jwk)?)));
    set.keys.iter().filter_map(named).collect()
}

fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let is_declared = common.key_algorithm.is_none_or(|declared| declared == algorithm.into());
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_for_signatures && is_declared)?;
    Some(VerifyingKey { algorithm, key })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_verifies_the_algorithm_of_its_kind_and_no_other() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
        let document = json!({"keys": [
            {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": x},
            {"kid": "ec", "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "use": "sig"},
            {"kid": "rsa", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kid": "other-algorithm", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "PS256"},
            {"kid": "to-encrypt", "kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"},
            {"kid": "secret", "kty": "oct", "k": "AQAB"},
            {"kid": "of-the-future", "kty": "AKP", "pub": "AQAB"},
            {"kty": "OKP", "crv": "Ed25519", "x": x},
        ]});
        let document: KeyDocument = serde_json::from_value(document).unwrap();
        let keys = verifying_keys(&document.keys);
        let algorithm = |kid: &str| keys.get(kid).map(|key| key.algorithm);
        assert_eq!(
            ["ed", "ec", "rsa"].map(algorithm),
            [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256].map(Some)
        );
        assert_eq!(keys.len(), 3);
    }
}
