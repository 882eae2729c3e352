use std::{future::Future, sync::Arc};

use events::{Envelope, Event, TraceContext};

/// An event as delivered to this consumer.
#[derive(Debug, Clone)]
pub struct Received<E> {
    pub envelope: Arc<Envelope>,
    pub event: E,
    /// Including this one.
    pub deliveries: u32,
    pub span: Option<TraceContext>,
}

impl<E> Received<E> {
    /// For replies, which continue the trace of this handling.
    pub fn cause(&self) -> Arc<Envelope> {
        match &self.span {
            Some(span) => {
                Arc::new(Envelope { traceparent: span.carried(), ..Envelope::clone(&self.envelope) })
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
    /// Processed before; a stored reply is published again.
    Duplicate,
    /// The environment failed: retried without limit; later events overtake.
    Transient(String),
    /// Retried up to `delivery-limit` deliveries.
    Failed(String),
    /// Dead-lettered at once.
    Poison(String),
}

impl Outcome {
    pub(super) const LABELS: [&str; 5] = ["done", "duplicate", "transient", "failed", "poison"];

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

    /// Returns one outcome per event, in order, after committing. Must be idempotent and allow concurrent
    /// batches.
    fn handle(&self, batch: &[Received<Self::Event>]) -> impl Future<Output = Vec<Outcome>>;
}
