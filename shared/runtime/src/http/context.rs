use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName},
};
use events::{Origin, TraceContext};
use uuid::Uuid;

use super::ClientAddress;
use crate::settings::Networks;

// A name in a string is parsed at each lookup.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The identity of a request, for logs and events.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Given by the client, or a fresh UUID.
    pub request_id: String,
    pub trace: TraceContext,
    /// The sender, seen past the trusted proxies.
    pub client: ClientAddress,
}

impl RequestContext {
    /// The context read by the middleware.
    pub fn of(request: &HttpRequest) -> Self {
        let read = || Self::read(request.peer_addr(), request.headers(), &Networks::default());
        request.extensions().get::<Self>().cloned().unwrap_or_else(read)
    }

    /// The part that events carry.
    pub fn origin(self) -> Origin {
        Origin { trace: self.trace, request_id: Some(self.request_id) }
    }

    pub(super) fn read(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &Networks) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(&X_REQUEST_ID)
            .filter(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()));
        Self {
            request_id: given.map_or_else(fresh_id, str::to_owned),
            trace: trace(headers, text(&TRACEPARENT)),
            client: ClientAddress::read(peer, headers, trusted),
        }
    }
}

/// Without a formatter.
fn fresh_id() -> String {
    Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// The trace id of a context that an order or event carries, for its readers.
pub fn trace_id(carried: &str) -> Option<String> {
    TraceContext::trace_id_of(carried)
}

/// `tracestate` counts together with a `traceparent`, and may come in several lines.
fn trace(headers: &HeaderMap, traceparent: Option<&str>) -> TraceContext {
    let trace = TraceContext::continue_from(traceparent);
    if traceparent.is_none() || !headers.contains_key(&TRACESTATE) {
        return trace;
    }
    let lines: Vec<&str> = headers.get_all(&TRACESTATE).filter_map(|line| line.to_str().ok()).collect();
    trace.with_state(&lines.join(","))
}

/// `ClientAddress` as a handler argument.
impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(RequestContext::of(request).client))
    }
}
