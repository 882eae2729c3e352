use tokio::sync::mpsc;

use events::TraceContext;

use super::Span;

/// About 8 MiB: a third of a second of spans at 5,000 orders a second.
const CAPACITY: usize = 8192;

pub(super) type FinishedSpan = (TraceContext, Span);

pub(super) struct Queue(mpsc::Sender<FinishedSpan>);

impl Queue {
    pub(super) fn open() -> (Self, mpsc::Receiver<FinishedSpan>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), receiver)
    }

    /// Drops the span if the queue is full.
    pub(super) fn offer(&self, trace: TraceContext, span: Span) {
        if let Err(error) = self.0.try_send((trace, span)) {
            let reason =
                if matches!(error, mpsc::error::TrySendError::Full(_)) { "queue-full" } else { "ended" };
            count_dropped(reason, 1);
        }
    }
}

pub(super) fn count_dropped(reason: &'static str, spans: usize) {
    metrics::counter!("orderflow_spans_dropped_total", "reason" => reason).increment(spans as u64);
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::telemetry::spans::SpanKind;

    #[test]
    fn a_full_queue_takes_nothing_and_nobody_waits() {
        let (queue, mut receiver) = Queue::open();
        for number in 0..CAPACITY + 10 {
            let now = SystemTime::now();
            let span = Span {
                kind: SpanKind::Internal,
                name: number.to_string().into(),
                began: now,
                ended: now,
                attributes: Vec::new(),
                error: None,
            };
            queue.offer(TraceContext::root(), span);
        }
        assert_eq!(receiver.len(), CAPACITY);
        assert_eq!(receiver.try_recv().unwrap().1.name, "0", "the oldest stay");
    }
}
