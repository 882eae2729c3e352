//! What a service writes to consume a stream.

use std::{future::Future, sync::Arc};

use events::{Envelope, Event, TraceContext};

/// An event as it reached this consumer.
#[derive(Debug, Clone)]
pub struct Received<E> {
    pub envelope: Arc<Envelope>,
    pub event: E,
    /// How often this entry was delivered, this time included.
    pub deliveries: u32,
    /// The span of its handling, if anybody collects spans.
    pub span: Option<TraceContext>,
}

impl<E> Received<E> {
    /// Its envelope, for replies: their trace goes on from here.
    pub fn cause(&self) -> Arc<Envelope> {
        match self.span {
            Some(span) => {
                Arc::new(Envelope { traceparent: span.to_string(), ..Envelope::clone(&self.envelope) })
            }
            None => Arc::clone(&self.envelope),
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is committed.
    Done,
    /// It had been processed before; its stored outcome was published again where there is one.
    Duplicate,
    /// The environment failed (no database): it is handled again after a pause, for as long as it takes, and
    /// others overtake it.
    Transient(String),
    /// It failed for another reason: it is delivered again after a pause, and becomes a dead letter after
    /// `delivery-limit` deliveries.
    Failed(String),
    /// No delivery will ever succeed: a dead letter at once.
    Poison(String),
}

impl Outcome {
    /// How metrics and spans call it, and the error if there is one.
    pub(super) fn label(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Done => ("done", None),
            Self::Duplicate => ("duplicate", None),
            Self::Transient(why) => ("transient", Some(why)),
            Self::Failed(why) => ("failed", Some(why)),
            Self::Poison(why) => ("poison", Some(why)),
        }
    }
}

/// Handles the events of one stream for one group.
pub trait EventHandler: Unpin + 'static {
    type Event: Event;

    /// Handles a batch, in stream order; one outcome an event, in the same order. Effects are committed when
    /// it returns. It may be called with an event it has handled before, and with several batches at the same
    /// time.
    fn handle(&self, batch: &[Received<Self::Event>]) -> impl Future<Output = Vec<Outcome>>;
}
