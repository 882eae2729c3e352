use actix_web::{HttpResponse, web::Data};
use runtime::http::{JsonBody, Problem};

use super::{
    Addresses,
    bodies::{ServiceTokenBody, TokenBody},
    errors::unauthorized,
};
use crate::actors::IssueServiceToken;

/// Issues a token of the role SERVICE. The setting `service-clients` holds the clients.
#[utoipa::path(post, path = "/auth/service-token", tag = "auth", request_body = ServiceTokenBody, responses(
    (status = 200, body = TokenBody),
    (status = 400, body = Problem),
    (status = 401, body = Problem, description = "`invalid-client`")))]
pub(super) async fn issue_service_token(
    addresses: Data<Addresses>,
    body: JsonBody<ServiceTokenBody>,
) -> Result<HttpResponse, Problem> {
    let ServiceTokenBody { client_id, client_secret } = body.value;
    match addresses.service_tokens.send(IssueServiceToken { client_id, client_secret }).await?? {
        Some(token) => Ok(HttpResponse::Ok().json(TokenBody::from(token))),
        None => Err(unauthorized("invalid-client", "The client is unknown or the secret is wrong.")),
    }
}
