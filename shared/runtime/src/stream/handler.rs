//! The interface between a service and its streams.

use std::{future::Future, sync::Arc};

use events::{Envelope, Event, TraceContext};

/// An event as delivered to this consumer.
#[derive(Debug, Clone)]
pub struct Received<E> {
    pub envelope: Arc<Envelope>,
    pub event: E,
    /// Deliveries of this entry, including this one.
    pub deliveries: u32,
    /// The span of its handling, if spans are collected.
    pub span: Option<TraceContext>,
}

impl<E> Received<E> {
    /// Returns the envelope for replies, which continue the trace of this handling.
    pub fn cause(&self) -> Arc<Envelope> {
        match self.span {
            Some(span) => {
                Arc::new(Envelope { traceparent: span.to_string(), ..Envelope::clone(&self.envelope) })
            }
            None => Arc::clone(&self.envelope),
        }
    }
}

/// The result of handling an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The effect is committed.
    Done,
    /// The event was processed before; a stored reply is published again.
    Duplicate,
    /// The environment failed (no database): retry after a pause, without limit. Later events overtake.
    Transient(String),
    /// Another failure: redelivered after a pause, and dead-lettered after `delivery-limit` deliveries.
    Failed(String),
    /// A poison message, dead-lettered at once.
    Poison(String),
}

impl Outcome {
    /// Returns the label for metrics and spans, and the error if any.
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

    /// Handles a batch in stream order; returns one outcome per event, in the same order, after committing.
    /// Must be idempotent and allow concurrent batches.
    fn handle(&self, batch: &[Received<Self::Event>]) -> impl Future<Output = Vec<Outcome>>;
}
