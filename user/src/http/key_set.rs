use actix_web::{HttpResponse, web::Data};
use jsonwebtoken::jwk::JwkSet;

/// The public keys that tokens are verified with, as a JSON Web Key Set (RFC 7517). Public, and served
/// without the database.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", responses(
    (status = 200, body = Object, description = "public Ed25519 keys", example = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
         "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))))]
pub(super) async fn show_key_set(keys: Data<JwkSet>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=60")).json(keys.get_ref())
}
