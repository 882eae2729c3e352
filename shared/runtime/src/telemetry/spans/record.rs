use events::TraceContext;

use super::{Span, export::QUEUE};

/// Calls `span` only if `trace` is collected.
pub fn record_span(trace: &TraceContext, span: impl FnOnce() -> Span) {
    if is_collected(trace)
        && let Some(queue) = QUEUE.get()
    {
        queue.offer(|| span().of(trace));
    }
}

/// Whether spans of `trace` are recorded.
pub fn is_collected(trace: &TraceContext) -> bool {
    trace.is_sampled() && QUEUE.get().is_some()
}

/// Begins a child of a [carried](TraceContext::carried) context, if collected.
pub fn begin_span(carried: &str) -> Option<TraceContext> {
    QUEUE.get()?;
    Some(TraceContext::continue_from(Some(carried))).filter(TraceContext::is_sampled)
}
