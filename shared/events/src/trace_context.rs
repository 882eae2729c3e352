//! W3C trace context across HTTP calls and streams.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Threshold for 63 random bits of a trace; the default samples all.
static SAMPLED_BELOW: AtomicU64 = AtomicU64::new(1 << 63);

/// Sets the sampled share of new traces, 0 to 1.
pub fn set_sample_ratio(ratio: f64) {
    SAMPLED_BELOW.store(below(ratio), Ordering::Relaxed);
}

/// Rounding to the 53 bits of a double is harmless.
fn below(ratio: f64) -> u64 {
    (ratio * (1_u64 << 63) as f64) as u64
}

/// A `traceparent`: `00-<trace id>-<span id>-<flags>` (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    /// 0 if unknown.
    parent: u64,
    sampled: bool,
}

impl TraceContext {
    pub fn root() -> Self {
        let trace = rand::random::<u128>() | 1;
        Self {
            trace,
            span: rand::random::<u64>() | 1,
            parent: 0,
            sampled: is_sampled(trace, SAMPLED_BELOW.load(Ordering::Relaxed)),
        }
    }

    /// Parses `traceparent`, or starts a new trace.
    pub fn resume(traceparent: &str) -> Self {
        Self::parse(traceparent).unwrap_or_else(Self::root)
    }

    /// The `traceparent` of a reply: the same span, or a new trace.
    pub fn carried_on(traceparent: &str) -> String {
        let is_ours =
            traceparent.starts_with("00-") && (traceparent.ends_with("-00") || traceparent.ends_with("-01"));
        match Self::parse(traceparent) {
            Some(_) if is_ours => traceparent.to_owned(),
            Some(other) => other.to_string(),
            None => Self::root().to_string(),
        }
    }

    /// Continues `header` with a new span, or starts a trace.
    pub fn continue_from(header: Option<&str>) -> Self {
        header.and_then(Self::parse).map_or_else(Self::root, |parent| parent.child())
    }

    pub fn child(self) -> Self {
        Self { span: rand::random::<u64>() | 1, parent: self.span, ..self }
    }

    /// Whether spans are collected.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }

    /// Trace, span and parent ids, big-endian; an absent parent is empty.
    pub fn ids(self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let parent = if self.parent == 0 { Vec::new() } else { self.parent.to_be_bytes().to_vec() };
        (self.trace.to_be_bytes().to_vec(), self.span.to_be_bytes().to_vec(), parent)
    }

    /// 32 hexadecimal digits, for logs.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = parts.next()?;
        let trace = parts.next()?;
        let span = parts.next()?;
        let flags = parts.next()?;
        let well_formed = version.len() == 2
            && version != "ff"
            && trace.len() == 32
            && span.len() == 16
            && flags.len() == 2;
        if !well_formed || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok()?;
        let span = u64::from_str_radix(span, 16).ok()?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (trace != 0 && span != 0).then_some(Self { trace, span, parent: 0, sampled })
    }
}

fn is_sampled(trace: u128, below: u64) -> bool {
    (trace as u64) >> 1 < below // the lowest bit is always 1
}

/// The request that caused an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub trace: TraceContext,
    pub request_id: Option<String>,
}

impl From<TraceContext> for Origin {
    fn from(trace: TraceContext) -> Self {
        Self { trace, request_id: None }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_keeps_the_trace_and_has_a_span_of_its_own() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let child = TraceContext::continue_from(Some(header));
        assert_eq!(child.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!child.to_string().contains("b7ad6b7169203331"));
    }

    #[test]
    fn a_child_follows_the_flag_of_its_trace() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true)] {
            let header = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            assert_eq!(TraceContext::continue_from(Some(&header)).is_sampled(), sampled, "{flags}");
        }
    }

    #[test]
    fn of_new_traces_the_share_asked_for_is_sampled() {
        let share = |ratio| (0..1000_u128).filter(|n| is_sampled((n << 54) | 1, below(ratio))).count();
        assert_eq!(
            [share(0.0), share(0.25), share(1.0)],
            [0, 256, 1000],
            "1000 of 1024 equal parts, the first quarter of them"
        );
    }

    #[test]
    fn a_reply_carries_on_the_very_span_it_answers_or_a_new_trace() {
        let ours = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(TraceContext::carried_on(ours), ours);
        let later_version = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more";
        assert_eq!(TraceContext::carried_on(later_version), ours, "as this version writes it");
        assert!(TraceContext::parse(&TraceContext::carried_on("no trace")).is_some());
    }

    #[test]
    fn a_malformed_header_starts_a_new_trace() {
        for header in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-x-y-z",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
    }
}
