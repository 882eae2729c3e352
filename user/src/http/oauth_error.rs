use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The errors of RFC 6749, 5.2. They are no `application/problem+json`: clients expect this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OauthError {
    /// The text says what is wrong.
    InvalidRequest(&'static str),
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
    /// The token is of another client.
    InvalidGrant,
}

/// An error of OAuth 2.0.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthError)]
pub(super) struct OauthErrorBody {
    #[schema(example = "invalid_client")]
    error: &'static str,
    error_description: &'static str,
}

impl OauthError {
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
        }
    }

    pub fn answer(self) -> HttpResponse {
        let error = self.code();
        let error_description = match self {
            Self::InvalidRequest(what) => what,
            Self::InvalidClient => "The client is unknown or the secret is wrong.",
            Self::UnsupportedGrantType => "grant_type must be client_credentials.",
            Self::InvalidGrant => "The token was issued to another client.",
            Self::InvalidScope => "scope must be a part of what the client may have.",
        };
        let mut response = HttpResponse::build(match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        });
        if self == Self::InvalidClient {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"orderflow\""));
        }
        response.insert_header((header::PRAGMA, "no-cache")).json(OauthErrorBody { error, error_description })
    }
}
