use std::convert::Infallible;

use actix_web::{HttpResponse, web::Data};
use runtime::http::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Addresses,
    errors::{FieldErrors, unauthorized},
};
use crate::{
    actors::{LogIn, Login},
    domain::{Email, Password},
    tokens::AccessToken,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    #[schema(required, nullable = false, format = "email", example = "ada@example.com")]
    email: Option<String>,
    #[schema(required, nullable = false, format = "password")]
    password: Option<String>,
}

/// A token and how to use it.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenBody {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 600)]
    expires_in: u64,
}

impl From<AccessToken> for TokenBody {
    fn from(token: AccessToken) -> Self {
        Self { access_token: token.text, token_type: "Bearer", expires_in: token.expires_in.as_secs() }
    }
}

/// Exchanges an e-mail and its password for an access token. A wrong password and an unknown e-mail get the
/// same answer.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginBody, responses(
    (status = 200, body = TokenBody),
    (status = 400, body = Problem),
    (status = 401, body = Problem, description = "`invalid-credentials`"),
    (status = 503, body = Problem, description = "too many logins at once, or the database is away")))]
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

/// Only what is missing is an error here: what cannot be an e-mail or a password is merely a wrong one.
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
