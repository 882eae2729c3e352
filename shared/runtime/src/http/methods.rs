//! HEAD and OPTIONS on every route, without a handler of their own (RFC 9110, 9.3.2 and 9.3.7).
//!
//! A HEAD is routed as its GET, whose answer then loses the body. An OPTIONS finds no handler, and the 405 of
//! the router knows the methods of the path.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Bytes,
};

/// The method that the client sent, where it is not the one that is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Head,
    Options,
    Other,
}

/// Marks a GET that was sent as HEAD.
struct SentAsHead;

/// Whether `request` is a HEAD, which waits for nothing.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<SentAsHead>()
}

impl Asked {
    /// Lets a HEAD be routed as its GET.
    pub(super) fn read(request: &mut ServiceRequest) -> Self {
        match *request.method() {
            Method::HEAD => {
                request.head_mut().method = Method::GET;
                request.extensions_mut().insert(SentAsHead);
                Self::Head
            }
            Method::OPTIONS => Self::Options,
            _ => Self::Other,
        }
    }

    /// A HEAD gets the head of the answer to its GET. An OPTIONS gets the methods of its path.
    pub(super) fn finish(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        match self {
            Self::Head => response.map_body(|_, body| BoxBody::new(Unsent(body.size()))),
            Self::Options if is_found(&response) => response.map_body(|head, _| {
                head.status = StatusCode::NO_CONTENT;
                head.headers.remove(header::CONTENT_TYPE);
                BoxBody::new(())
            }),
            Self::Options | Self::Other => response,
        }
    }
}

/// `OPTIONS *` asks for the server as a whole.
fn is_found(response: &ServiceResponse<BoxBody>) -> bool {
    response.status() == StatusCode::METHOD_NOT_ALLOWED || response.request().path() == "*"
}

/// Adds HEAD and OPTIONS to the methods that the router knows.
pub(super) fn complete_allow(headers: &mut HeaderMap) {
    let Some(routed) = headers.get(header::ALLOW).and_then(|methods| methods.to_str().ok()) else { return };
    let mut methods: Vec<&str> = routed.split(',').map(str::trim).collect();
    if let Some(get) = methods.iter().position(|method| *method == "GET") {
        methods.insert(get + 1, "HEAD");
    }
    methods.push("OPTIONS");
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        headers.insert(header::ALLOW, methods);
    }
}

/// The body of the answer to a HEAD: its size without its bytes. A stream is dropped unread.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_get_has_head_and_every_path_has_options() {
        let allowed = |routed: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ALLOW, HeaderValue::from_static(routed));
            complete_allow(&mut headers);
            headers.get(header::ALLOW).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(allowed("GET, POST"), "GET, HEAD, POST, OPTIONS");
        assert_eq!(allowed("POST"), "POST, OPTIONS");
    }
}
