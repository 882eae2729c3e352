//! OAuth clients, for an ADMIN.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use runtime::{
    auth::{AdminOnly, Scope, Token},
    http::{AuditNotes, JsonBody, Page, PageQuery, Problem, Query},
};

use super::{
    Addresses,
    client_bodies::{ClientBody, ClientSecretBody, CreateClientBody},
    errors::FieldErrors,
};
use crate::{
    actors::{CreateClient, ListClients, NewSecret, RevokeClient, RotateClientSecret},
    domain::{ClientId, Scopes},
};

/// Creates an OAuth client. The answer is the only one with its secret. A revoked client begins anew.
#[utoipa::path(post, path = "/oauth/clients", tag = "oauth", operation_id = "createClient",
    request_body = CreateClientBody, security(("bearer" = ["ADMIN"])),
    responses(
        (status = 201, description = "The client.", body = ClientSecretBody),
        (status = 409, description = "client-exists")))]
pub(super) async fn create_client(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    body: JsonBody<CreateClientBody>,
) -> Result<HttpResponse, Problem> {
    let mut errors = FieldErrors::default();
    let id = errors.check("/client_id", body.value.client_id.as_deref(), ClientId::parse);
    let scopes = errors.check("/scopes", body.value.scopes, some_scopes);
    let (id, scopes) = id.zip(scopes).ok_or_else(|| errors.into_problem())?;
    notes.subject(&id);
    notes.detail("scopes", scopes.to_string());
    match addresses.clients.send(CreateClient { id, scopes }).await?? {
        Some(NewSecret { client, secret }) => {
            Ok(HttpResponse::Created().json(ClientSecretBody::new(client, &secret)))
        }
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "client-exists",
            "A client with this id exists. POST /oauth/clients/{id}/secret gives it a new secret.",
        )),
    }
}

fn some_scopes(scopes: Vec<Scope>) -> Result<Scopes, &'static str> {
    if scopes.is_empty() { Err("must have a scope") } else { Ok(scopes.into_iter().collect()) }
}

/// Lists the OAuth clients by id, revoked ones included.
#[utoipa::path(get, path = "/oauth/clients", tag = "oauth", operation_id = "listClients", params(PageQuery),
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "A page of clients.", body = Page<ClientBody>)))]
pub(super) async fn list_clients(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    page: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after(|key| ClientId::parse(key).ok())?;
    let found = addresses.clients.send(ListClients { after, limit: limit + 1 }).await??;
    let bodies: Vec<ClientBody> = found.into_iter().map(ClientBody::from).collect();
    Ok(HttpResponse::Ok().json(Page::cut(bodies, limit, |last| last.client_id.clone())))
}

/// Gives an OAuth client a new secret, shown in this answer only. The old one ends at once. Tokens go on
/// until they expire.
#[utoipa::path(post, path = "/oauth/clients/{id}/secret", tag = "oauth", operation_id = "rotateClientSecret",
    params(("id" = String, Path, description = "The client.", example = "reports")),
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "The client.", body = ClientSecretBody), (status = 404)))]
pub(super) async fn rotate_client_secret(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let rotated = addresses.clients.send(RotateClientSecret(client_id(&id)?)).await??;
    let NewSecret { client, secret } = rotated.ok_or_else(|| Problem::absent("client"))?;
    Ok(HttpResponse::Ok().json(ClientSecretBody::new(client, &secret)))
}

/// Ends an OAuth client for good. Its tokens are refused everywhere within a minute.
#[utoipa::path(delete, path = "/oauth/clients/{id}", tag = "oauth", operation_id = "revokeClient",
    params(("id" = String, Path, description = "The client.", example = "reports")),
    security(("bearer" = ["ADMIN"])),
    responses((status = 204, description = "It is revoked."), (status = 404)))]
pub(super) async fn revoke_client(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    if !addresses.clients.send(RevokeClient(client_id(&id)?)).await?? {
        return Err(Problem::absent("client"));
    }
    Ok(HttpResponse::NoContent().finish())
}

fn client_id(text: &str) -> Result<ClientId, Problem> {
    ClientId::parse(text).map_err(|_| Problem::absent("client"))
}
