//! `GET /orders/{id}/events`: Server-Sent Events (HTML Standard, 9.2).
//!
//! A stream is pulled: the next event is made when the connection has room for it. It holds no place of the
//! admission, but one of the waits of its user and of all.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use futures_util::stream;
use runtime::{
    auth::{Token, TokenWatch},
    http::{FieldError, LongAnswer, Problem},
};
use uuid::Uuid;

use super::{
    Addresses,
    bodies::{EventView, TransitionView},
    orders::{OrderReader, visible},
    wait,
};
use crate::{
    actors::{OrderEvent, OrderEvents},
    domain::Transition,
};

/// How soon a client comes back after the end of a stream, in milliseconds.
const RETRY: &str = "retry: 1000\n";

const LAST_EVENT_ID: &str = "last-event-id";

/// Follows an order: each transition is an event, until the final state.
///
/// `id` is the version, `event` is `transition`, and `data` the entry of the timeline. A client that comes back
/// with `Last-Event-ID` gets the events after it; after the final state the answer is a 204, which ends an
/// `EventSource`. Comments are heartbeats. The stream also ends with the token and with the instance: come back.
#[utoipa::path(get, path = "/orders/{id}/events", tag = "orders", operation_id = "followOrder",
    params(
        ("id" = Uuid, Path, description = "The order."),
        ("Last-Event-ID" = Option<i32>, Header, minimum = 0,
            description = "The version of the order that the client has: events after it follow.")),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["orders:read"])),
    responses(
        (status = 200, description = "The transitions, as they happen.", content_type = "text/event-stream",
            body = EventView),
        (status = 204, description = "The client has the final state; there is nothing to come back for."),
        (status = 404),
        (status = 429)))]
pub async fn follow(
    token: Token<OrderReader>,
    request: HttpRequest,
    addresses: Data<Addresses>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let seen = last_event_id(&request)?;
    let place = wait::place(&addresses, token.sub)?;
    // Before the read, so that no transition is missed.
    let subscription = addresses.notifier.subscribe(*id);
    let order = visible(&token, &addresses, *id).await?;
    if order.status.is_terminal() && order.version() <= seen {
        return Ok(HttpResponse::NoContent().finish());
    }
    let events =
        OrderEvents::new(order, subscription, seen, addresses.event_heartbeat, left_until(token.exp));
    let listener = Listener {
        events,
        token: TokenWatch::of(&request)?,
        preamble: RETRY,
        _place: place,
        _answer: LongAnswer::begin(&request),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // For an nginx in between.
        .insert_header((header::HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(stream::unfold(listener, Listener::next)))
}

/// What lasts as long as the body.
struct Listener {
    events: OrderEvents,
    token: TokenWatch,
    /// Before the first bytes.
    preamble: &'static str,
    _place: wait::Place,
    _answer: LongAnswer,
}

impl Listener {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut text = std::mem::take(&mut self.preamble).to_owned();
        match self.events.next().await? {
            OrderEvent::Transitions(transitions) => text.extend(transitions.into_iter().map(event)),
            OrderEvent::Heartbeat if self.token.holds().await => text.push_str(":\n\n"),
            OrderEvent::Heartbeat => return None,
        }
        Some((Ok(text.into()), self))
    }
}

fn event(transition: Transition) -> String {
    let version = transition.version;
    match serde_json::to_string(&TransitionView::from(transition)) {
        Ok(data) => format!("id: {version}\nevent: transition\ndata: {data}\n\n"),
        Err(defect) => unreachable!("a transition is plain data: {defect}"),
    }
}

/// 0 without the header: the client has nothing.
fn last_event_id(request: &HttpRequest) -> Result<i32, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(0);
    };
    let seen = value.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|seen| *seen >= 0);
    let rule = "must be the id of an event of this stream: the version of the order";
    seen.ok_or_else(|| Problem::invalid(vec![FieldError::new("Last-Event-ID", rule)]))
}

/// `exp`: Unix time.
fn left_until(exp: u64) -> Duration {
    (UNIX_EPOCH + Duration::from_secs(exp)).duration_since(SystemTime::now()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use jiff::Timestamp;

    use super::*;
    use crate::domain::OrderStatus;

    #[test]
    fn an_event_is_a_transition_and_its_id_the_version() {
        let transition = Transition { version: 2, status: OrderStatus::Completed, at: Timestamp::UNIX_EPOCH };
        let data = r#"{"version":2,"status":"completed","at":"1970-01-01T00:00:00Z","cause":"charged"}"#;
        assert_eq!(event(transition), format!("id: 2\nevent: transition\ndata: {data}\n\n"));
    }

    #[test]
    fn only_a_version_is_the_id_of_an_event() {
        let seen = |id: &str| {
            let request = TestRequest::get().insert_header((LAST_EVENT_ID, id)).to_http_request();
            last_event_id(&request).map_err(|problem| problem.code())
        };
        for (id, version) in [("", 0), ("0", 0), (" 2 ", 2), ("3", 3)] {
            assert_eq!(seen(id), Ok(version), "{id}");
        }
        for other in ["-1", "x", "1.0", "99999999999"] {
            assert_eq!(seen(other), Err("invalid-request"), "{other}");
        }
        assert_eq!(last_event_id(&TestRequest::get().to_http_request()).ok(), Some(0));
    }
}
