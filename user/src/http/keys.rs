use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use jiff::Timestamp;
use runtime::{
    auth::{AdminOnly, Token},
    http::{AuditNotes, Problem},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Addresses, errors::not_admin};
use crate::{
    actors::{ListKeys, RetireKey, RotateKey},
    domain::{KeyRecord, KeyRetirement, KeyRotation},
};

/// A signing key. The private half is never shown.
#[derive(Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub(super) struct KeyBody {
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    /// `published`: verifiers get to know it. `signing`: it signs all tokens. `verifying`: it signs no more.
    #[schema(example = "signing")]
    state: &'static str,
    created_at: Timestamp,
    signs_from: Timestamp,
    /// The last of its tokens has expired then, and it is retired.
    #[schema(required)]
    verifies_until: Option<Timestamp>,
}

/// All signing keys, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = SigningKeyList)]
pub(super) struct KeysBody {
    data: Vec<KeyBody>,
}

impl From<KeyRecord> for KeyBody {
    fn from(record: KeyRecord) -> Self {
        let KeyRecord { key, state, created_at, signs_from, verifies_until } = record;
        Self { kid: key.kid, state: state.as_str(), created_at, signs_from, verifies_until }
    }
}

/// Lists the signing keys.
#[utoipa::path(get, path = "/ops/keys", tag = "ops", operation_id = "listSigningKeys",
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "The keys.", body = KeysBody)))]
pub(super) async fn list_keys(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
) -> Result<HttpResponse, Problem> {
    let keys = addresses.signing_keys.send(ListKeys).await??;
    Ok(HttpResponse::Ok().json(KeysBody { data: keys.into_iter().map(KeyBody::from).collect() }))
}

/// Makes a new signing key. It is published at once, and signs after `signing-key-notice`. The one before is
/// retired when its last token has expired.
#[utoipa::path(post, path = "/ops/keys", tag = "ops", operation_id = "rotateSigningKey",
    security(("bearer" = ["ADMIN"])),
    responses(
        (status = 201, description = "The new key.", body = KeyBody),
        (status = 409, description = "rotation-in-progress")))]
pub(super) async fn rotate_key(
    token: Token<AdminOnly>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
) -> Result<HttpResponse, Problem> {
    match addresses.signing_keys.send(RotateKey { actor: token.sub }).await?? {
        KeyRotation::Published(record) => {
            notes.subject(&record.key.kid);
            Ok(HttpResponse::Created().json(KeyBody::from(record)))
        }
        KeyRotation::InProgress => {
            let detail = "A new key is published and does not sign yet. Wait for it, or retire it.";
            Err(Problem::new(StatusCode::CONFLICT, "rotation-in-progress", detail))
        }
        KeyRotation::NotAdmin => Err(not_admin()),
    }
}

/// Retires a signing key now. Its tokens are refused everywhere within a minute. If it signs, a published key
/// signs from now on.
#[utoipa::path(delete, path = "/ops/keys/{kid}", tag = "ops", operation_id = "retireSigningKey",
    params(("kid" = String, Path, description = "The key.")), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "It is retired."),
        (status = 404),
        (status = 409, description = "only-signing-key")))]
pub(super) async fn retire_key(
    token: Token<AdminOnly>,
    addresses: Data<Addresses>,
    kid: Path<String>,
) -> Result<HttpResponse, Problem> {
    let kid = thumbprint(kid.into_inner()).ok_or_else(|| Problem::absent("signing key"))?;
    match addresses.signing_keys.send(RetireKey { actor: token.sub, kid }).await?? {
        KeyRetirement::Retired => Ok(HttpResponse::NoContent().finish()),
        KeyRetirement::Absent => Err(Problem::absent("signing key")),
        KeyRetirement::OnlySigningKey => {
            let detail = "This key signs, and no other one is published. Make one with POST /ops/keys first.";
            Err(Problem::new(StatusCode::CONFLICT, "only-signing-key", detail))
        }
        KeyRetirement::NotAdmin => Err(not_admin()),
    }
}

/// Base64url of 32 bytes (RFC 7638).
fn thumbprint(text: String) -> Option<String> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (text.len() == 43 && text.bytes().all(is_letter)).then_some(text)
}
