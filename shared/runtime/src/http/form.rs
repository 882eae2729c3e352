use std::fmt;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use futures_util::future::LocalBoxFuture;

use super::{
    Problem,
    body::{media_type, receive, unsupported},
};

const FORM: &str = "application/x-www-form-urlencoded";

/// A bounded body of `application/x-www-form-urlencoded`: names and values in their order, repeated ones
/// included. `Debug` hides the values.
pub struct FormBody(pub Vec<(String, String)>);

impl FromRequest for FormBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = media_type(request) == FORM;
        let bytes = receive(request, payload);
        Box::pin(async move {
            if !is_form {
                let detail =
                    "Send the body as a form, with `Content-Type: application/x-www-form-urlencoded`.";
                return Err(unsupported(detail, (header::ACCEPT, FORM)));
            }
            let bytes = bytes.await?;
            Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
        })
    }
}

impl fmt::Debug for FormBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
