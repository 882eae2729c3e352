//! W3C trace context: who asked for this, across HTTP calls and streams.

use std::fmt;

/// The `traceparent` of one unit of work: `00-<trace id>-<span id>-<flags>` (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl TraceContext {
    /// A new trace.
    pub fn root() -> Self {
        Self { trace: rand::random::<u128>() | 1, span: rand::random::<u64>() | 1, sampled: true }
    }

    /// The next step of the trace in `header`, or a new trace when there is none to continue.
    pub fn continue_from(header: Option<&str>) -> Self {
        header.and_then(Self::parse).map_or_else(Self::root, |parent| parent.child())
    }

    /// A new span of the same trace.
    pub fn child(self) -> Self {
        Self { span: rand::random::<u64>() | 1, ..self }
    }

    /// The 32 hexadecimal digits that name the trace in logs.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let well_formed = version.len() == 2 && version != "ff" && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
        if !well_formed || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled })
    }
}

/// The request an event goes back to: its trace, and the id its client can quote.
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
