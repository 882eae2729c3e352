//! Tokens for services: RFC 6749, 4.4, and their end: RFC 7009.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use runtime::{
    auth::{Role, Verifier},
    http::{AuditNotes, FormBody, Problem},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Addresses, Limits,
    admitted::{Admitted, TokenRequests},
    bodies::TokenBody,
    oauth_error::{OauthError, OauthErrorBody},
    oauth_request::Parameters,
};
use crate::{
    actors::{
        ClientCredentials, ClientGrant, IssueClientToken, RevokeClientToken, TokenRevocation, ValidToken,
    },
    domain::{ClientId, Scopes},
    tokens::subject_of,
};

/// The form. A client authenticates with HTTP Basic, or with `client_id` and `client_secret` here.
#[derive(ToSchema)]
#[schema(as = ClientTokenRequest)]
#[expect(dead_code, reason = "only described")]
pub(super) struct TokenForm {
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// A part of what the client may have, separated by spaces. By default all of it.
    #[schema(example = "products:read")]
    scope: Option<String>,
    #[schema(example = "payment")]
    client_id: Option<String>,
    #[schema(format = "password")]
    client_secret: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ClientToken)]
pub(super) struct ClientTokenBody {
    #[serde(flatten)]
    token: TokenBody,
    #[schema(example = "products:read")]
    scope: String,
}

/// Issues a token of the role SERVICE to an OAuth client (grant `client_credentials`).
#[utoipa::path(post, path = "/oauth/token", tag = "oauth", operation_id = "issueClientToken",
    security(("client" = []), ()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = ClientTokenBody),
        (status = 400, body = OauthErrorBody,
            description = "`invalid_request`, `unsupported_grant_type` or `invalid_scope`."),
        (status = 401, body = OauthErrorBody, description = "`invalid_client`."),
        (status = 429)))]
pub(super) async fn issue_token(
    _: Admitted<TokenRequests>,
    limits: Data<Limits>,
    request: HttpRequest,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let message = match token_request(&request, form) {
        Ok(message) => message,
        Err(error) => return Ok(refused(&notes, error)),
    };
    let client = message.credentials.id.clone();
    client.iter().for_each(|client| notes.subject(client));
    Ok(match addresses.clients.send(message).await?? {
        ClientGrant::Granted { token, scopes } => {
            // After the check of the secret: nobody else uses up the quota of a client.
            let quota = client.as_ref().map(ToString::to_string).unwrap_or_default();
            limits.client_token_requests.admit(quota).await?;
            name(&notes, client.as_ref());
            let body = ClientTokenBody { token: token.into(), scope: scopes.to_string() };
            HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(body)
        }
        ClientGrant::InvalidClient => refused(&notes, OauthError::InvalidClient),
        ClientGrant::InvalidScope => refused(&notes, OauthError::InvalidScope),
    })
}

/// The client has proven its secret.
fn name(notes: &AuditNotes, client: Option<&ClientId>) {
    if let Some(client) = client {
        notes.caller(subject_of(client), Some(Role::Service.as_str()), None);
    }
}

fn refused(notes: &AuditNotes, error: OauthError) -> HttpResponse {
    notes.detail("error", error.code());
    error.answer()
}

fn token_request(request: &HttpRequest, form: FormBody) -> Result<IssueClientToken, OauthError> {
    let parameters = Parameters::read(form)?;
    match parameters.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(OauthError::UnsupportedGrantType),
        None => return Err(OauthError::InvalidRequest("grant_type is missing.")),
    }
    let credentials = parameters.credentials(request)?;
    let scopes = parameters.get("scope").map(|text| Scopes::parse(text).ok_or(OauthError::InvalidScope));
    Ok(IssueClientToken { credentials, scopes: scopes.transpose()? })
}

/// The form. A client authenticates with HTTP Basic, or with `client_id` and `client_secret` here.
#[derive(ToSchema)]
#[schema(as = ClientTokenRevocation)]
#[expect(dead_code, reason = "only described")]
pub(super) struct RevocationForm {
    /// An access token.
    #[schema(format = "password", min_length = 1)]
    token: String,
    /// Ignored.
    #[schema(example = "access_token")]
    token_type_hint: Option<String>,
    #[schema(example = "payment")]
    client_id: Option<String>,
    #[schema(format = "password")]
    client_secret: Option<String>,
}

/// Revokes an access token of an OAuth client, and the older ones of this client, everywhere within a minute.
/// A token that is not valid, or no longer, is a 200 too. POST /auth/logout ends refresh tokens.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth", operation_id = "revokeClientToken",
    security(("client" = []), ()),
    request_body(content = RevocationForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is not valid any more."),
        (status = 400, body = OauthErrorBody,
            description = "`invalid_request`, or `invalid_grant` for a foreign token."),
        (status = 401, body = OauthErrorBody, description = "`invalid_client`."),
        (status = 429)))]
pub(super) async fn revoke_token(
    _: Admitted<TokenRequests>,
    request: HttpRequest,
    addresses: Data<Addresses>,
    verifier: Data<Verifier>,
    notes: AuditNotes,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let (credentials, token) = match revocation(&request, form) {
        Ok(found) => found,
        Err(error) => return Ok(refused(&notes, error)),
    };
    let claims = verifier.verify(&token).await.ok();
    let token = claims.map(|claims| ValidToken { subject: claims.sub, issued_at: claims.issued_at() });
    let client = credentials.id.clone();
    client.iter().for_each(|client| notes.subject(client));
    Ok(match addresses.clients.send(RevokeClientToken { credentials, token }).await?? {
        TokenRevocation::Revoked => {
            name(&notes, client.as_ref());
            HttpResponse::Ok().finish()
        }
        TokenRevocation::InvalidClient => refused(&notes, OauthError::InvalidClient),
        TokenRevocation::Foreign => refused(&notes, OauthError::InvalidGrant),
    })
}

fn revocation(request: &HttpRequest, form: FormBody) -> Result<(ClientCredentials, String), OauthError> {
    let parameters = Parameters::read(form)?;
    let token = parameters.get("token").ok_or(OauthError::InvalidRequest("token is missing."))?.to_owned();
    Ok((parameters.credentials(request)?, token))
}
