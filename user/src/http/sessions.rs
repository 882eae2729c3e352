use std::convert::Infallible;

use actix_web::{HttpResponse, web::Data};
use runtime::http::{JsonBody, Problem};

use super::{
    Addresses,
    bodies::{LoginBody, TokenBody},
    errors::{FieldErrors, unauthorized},
};
use crate::{
    actors::{LogIn, Login},
    domain::{Email, Password},
};

/// Exchanges an e-mail and its password for an access token. The answer to an unknown e-mail equals that to a
/// wrong password.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginBody, responses(
    (status = 200, body = TokenBody),
    (status = 400, body = Problem),
    (status = 401, body = Problem, description = "`invalid-credentials`"),
    (status = 503, body = Problem, description = "`overloaded` or `database-unavailable`")))]
pub(super) async fn log_in(
    addresses: Data<Addresses>,
    body: JsonBody<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let message = checked(body.value)?;
    match addresses.accounts.send(message).await?? {
        Login::Granted(token) => Ok(HttpResponse::Ok().json(TokenBody::from(token))),
        Login::InvalidCredentials => {
            Err(unauthorized("invalid-credentials", "The e-mail or the password is wrong."))
        }
    }
}

/// Malformed values fail as wrong credentials.
fn checked(body: LoginBody) -> Result<LogIn, Problem> {
    let mut errors = FieldErrors::default();
    let email = errors.check("/email", body.email, |email| Ok::<_, Infallible>(Email::parse(&email).ok()));
    let password = errors
        .check("/password", body.password, |password| Ok::<_, Infallible>(Password::presented(password)));
    email
        .zip(password)
        .map(|(email, password)| LogIn { email, password })
        .ok_or_else(|| errors.into_problem())
}
