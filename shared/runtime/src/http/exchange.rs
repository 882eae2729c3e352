use std::{cell::Cell, rc::Rc, time::Duration};

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    http::header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use tokio::time::Instant;

/// Bytes after which a client that reads slowly gets as much time again: 6 KiB a second.
const PROGRESS: usize = 64 << 10;

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    /// Between two requests, without a byte.
    pub keep_alive: Duration,
    /// For a head.
    pub head_time: Duration,
    /// Both: from one answer to the next head.
    pub between: Duration,
    /// Bytes of a head.
    pub head_size: usize,
    /// To read the last answer.
    pub closing: Duration,
}

/// What a connection does; known to the connection and to the middleware of its requests.
#[derive(Clone)]
pub(super) struct Exchange(Rc<Cell<Phase>>);

#[derive(Clone, Copy)]
enum Phase {
    /// For a head.
    Waiting {
        since: Instant,
        sent: usize,
        heard: Heard,
    },
    /// With a request; `body`: it may have one.
    Busy {
        body: bool,
    },
    /// With an answer that ends when its sender wants.
    Streaming,
    Closing {
        since: Instant,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    HalfAHead,
    /// The rest of a body, or a head.
    Unknown,
}

impl Default for Exchange {
    fn default() -> Self {
        Self(Rc::new(Cell::new(Phase::waiting(Heard::Nothing))))
    }
}

impl Phase {
    fn waiting(heard: Heard) -> Self {
        Self::Waiting { since: Instant::now(), sent: 0, heard }
    }
}

/// A request in hand. Dropped with its answer.
pub(super) struct InHand(Option<Exchange>);

impl InHand {
    /// The connection of `request`; none in tests of handlers.
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        let exchange = request.request().conn_data::<Exchange>().cloned();
        let headers = request.headers();
        let has_length = || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        if let Some(Exchange(phase)) = &exchange {
            phase.set(Phase::Busy { body: headers.contains_key(TRANSFER_ENCODING) || has_length() });
        }
        Self(exchange)
    }

    /// The answer says `Connection: close`.
    pub(super) fn close(&self) {
        if let Some(Exchange(phase)) = &self.0 {
            phase.set(Phase::Closing { since: Instant::now() });
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let Some(Exchange(phase)) = &self.0 else { return };
        match phase.get() {
            Phase::Busy { body: true } => phase.set(Phase::waiting(Heard::Unknown)),
            Phase::Busy { body: false } => phase.set(Phase::waiting(Heard::Nothing)),
            _ => {}
        }
    }
}

/// Lifts the time limit of an answer that may take minutes to send, until it is dropped with the body. Its sender
/// bounds its bytes and its time.
pub struct LongAnswer(Option<Exchange>);

impl LongAnswer {
    /// Begins with the head of the answer to `request`.
    pub fn begin(request: &HttpRequest) -> Self {
        let exchange = request.conn_data::<Exchange>().cloned();
        if let Some(Exchange(phase)) = &exchange {
            phase.set(Phase::Streaming);
        }
        Self(exchange)
    }
}

impl Drop for LongAnswer {
    fn drop(&mut self) {
        let Some(Exchange(phase)) = &self.0 else { return };
        if matches!(phase.get(), Phase::Streaming) {
            phase.set(Phase::waiting(Heard::Unknown));
        }
    }
}

impl Exchange {
    /// `None` while a request is in hand, or a long answer is sent.
    pub(super) fn deadline(&self, limits: &ConnectionLimits) -> Option<Instant> {
        match self.0.get() {
            Phase::Waiting { since, .. } => Some(since + limits.between),
            Phase::Busy { .. } | Phase::Streaming => None,
            Phase::Closing { since } => Some(since + limits.closing),
        }
    }

    /// Bytes came.
    pub(super) fn hear(&self) {
        if let Phase::Waiting { since, sent, heard: Heard::Nothing } = self.0.get() {
            self.0.set(Phase::Waiting { since, sent, heard: Heard::HalfAHead });
        }
    }

    /// Bytes went.
    pub(super) fn send(&self, bytes: usize) {
        if let Phase::Waiting { since, sent, heard } = self.0.get() {
            let sent = sent + bytes;
            let (since, sent) = if sent < PROGRESS { (since, sent) } else { (Instant::now(), 0) };
            self.0.set(Phase::Waiting { since, sent, heard });
        }
    }

    /// Whether a 408 can be meant for nothing but a head.
    pub(super) fn has_half_a_head(&self) -> bool {
        matches!(self.0.get(), Phase::Waiting { heard: Heard::HalfAHead, .. })
    }
}
