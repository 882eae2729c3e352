use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

use crate::{
    api::{ApiError, FieldError},
    session::CallError,
};

/// The reasons why a request gets another page than the one it wants.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The request has no session, or one that has ended.
    LoginNeeded,
    AdminsOnly,
    /// A form that is not known to come from a page of this console.
    ForeignForm,
    /// A field that cannot be read.
    Malformed(String),
    NotFound,
    Api(ApiError),
    /// A template failed.
    Internal,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::SessionEnded => Self::LoginNeeded,
            CallError::Api(error) => Self::Api(error),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl Failure {
    pub fn title(&self) -> &'static str {
        match self {
            Self::LoginNeeded => "Log in",
            Self::AdminsOnly => "For administrators",
            Self::ForeignForm => "This form is not known",
            Self::Malformed(_) => "Something is missing",
            Self::NotFound => "There is no such page",
            Self::Api(ApiError::Refused { problem, .. }) if problem.status == 404 => "There is no such thing",
            Self::Api(ApiError::Refused { .. }) => "The service refuses",
            Self::Api(_) => "A service does not answer",
            Self::Internal => "A defect of the console",
        }
    }

    /// The failure in words, and the way out.
    pub fn explanation(&self) -> String {
        match self {
            Self::LoginNeeded => "Log in to see this page.".to_owned(),
            Self::AdminsOnly => {
                "This page needs an account with the role ADMIN. Log out and use another one.".to_owned()
            }
            Self::ForeignForm => "Nothing was done. Go back, load the page again and repeat it.".to_owned(),
            Self::Malformed(why) => format!("Nothing was done: {why}. Go back and correct it."),
            Self::NotFound => "The address may be mistyped. The menu leads to all pages.".to_owned(),
            Self::Api(ApiError::Refused { service, problem }) if problem.detail.is_empty() => {
                format!("{service} answers {} {}.", problem.status, problem.title)
            }
            Self::Api(ApiError::Refused { service, problem }) => format!("{service}: {}", problem.detail),
            Self::Api(error) => format!("{error}. Load the page again after a moment."),
            Self::Internal => "The log of the console has the cause.".to_owned(),
        }
    }

    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Api(ApiError::Refused { problem, .. }) => &problem.errors,
            _ => &[],
        }
    }

    /// Under which the log of the service has the request; may be empty.
    pub fn request_id(&self) -> &str {
        match self {
            Self::Api(ApiError::Refused { problem, .. }) => &problem.request_id,
            _ => "",
        }
    }

    /// The status of a page about an HTTP error that has no other text.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Self::NotFound,
            status if status.is_client_error() => Self::Malformed("the request cannot be read".to_owned()),
            _ => Self::Internal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::LoginNeeded => StatusCode::SEE_OTHER,
            Self::AdminsOnly | Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Api(ApiError::Refused { problem, .. }) if problem.status < 500 => {
                StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Self::Api(ApiError::Refused { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Api(_) => StatusCode::BAD_GATEWAY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The edge makes the page: it knows the viewer.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
