use actix_web::{HttpMessage, HttpRequest, http::header::HeaderMap};
use events::{Origin, TraceContext};
use uuid::Uuid;

/// The identity of a request, for logs and events.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Given by the client, or a fresh UUID.
    pub request_id: String,
    pub trace: TraceContext,
}

impl RequestContext {
    /// The context read by the middleware.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::read(request.headers()))
    }

    /// The part that events carry.
    pub fn origin(self) -> Origin {
        Origin { trace: self.trace, request_id: Some(self.request_id) }
    }

    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text("x-request-id")
            .filter(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()));
        Self {
            request_id: given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
            trace: TraceContext::continue_from(text("traceparent")),
        }
    }
}
