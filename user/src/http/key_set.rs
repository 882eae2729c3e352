use actix_web::{HttpResponse, web::Data};

use crate::tokens::PublishedKeys;

/// The public keys that tokens are verified with, as a JSON Web Key Set (RFC 7517). `not_before` names
/// the accounts and sessions whose older tokens are revoked, with the time in Unix milliseconds. A name is the first
/// 16 bytes of SHA-256 over the id. Public, and served without
/// the database.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", operation_id = "getKeySet", responses(
    (status = 200, body = Object, description = "The public Ed25519 keys.", example = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}],
        "not_before": {"01890a5d-ac96-774b-bcce-b302099a8057": 1_796_000_000_000_u64}}))))]
pub(super) async fn show_key_set(keys: Data<PublishedKeys>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=5")).json(&*keys.document())
}
