//! W3C trace context across HTTP calls and streams.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use uuid::{Uuid, fmt::Simple};

/// Threshold for 63 random bits of a trace; the default samples all.
static SAMPLED_BELOW: AtomicU64 = AtomicU64::new(1 << 63);
static PARENT_BASED: AtomicBool = AtomicBool::new(true);

/// Longest `tracestate` that is passed on, in bytes; W3C asks for this many at least.
const LONGEST_STATE: usize = 512;

/// Bytes of a `traceparent`.
const TRACEPARENT_LENGTH: usize = 55;

/// Decides which traces are sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// A trace that began elsewhere follows the flag of its `traceparent`.
    pub parent_based: bool,
    /// The sampled share of the others, 0 to 1.
    pub ratio: f64,
}

/// Sets the sampler of this process.
pub fn set_sampler(sampler: Sampler) {
    SAMPLED_BELOW.store(below(sampler.ratio), Ordering::Relaxed);
    PARENT_BASED.store(sampler.parent_based, Ordering::Relaxed);
}

/// Rounding to the 53 bits of a double is harmless.
fn below(ratio: f64) -> u64 {
    (ratio * (1_u64 << 63) as f64) as u64
}

/// A `traceparent`: `00-<trace id>-<span id>-<flags>`, and the `tracestate` of other tracing systems that
/// travels with it (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    /// 0 if unknown.
    parent: u64,
    sampled: bool,
    state: Option<Arc<str>>,
}

impl TraceContext {
    pub fn root() -> Self {
        let trace = rand::random::<u128>() | 1;
        Self {
            trace,
            span: rand::random::<u64>() | 1,
            parent: 0,
            sampled: is_sampled(trace, SAMPLED_BELOW.load(Ordering::Relaxed)),
            state: None,
        }
    }

    /// Parses a [carried](Self::carried) context, or starts a new trace.
    pub fn resume(carried: &str) -> Self {
        Self::parse(carried).unwrap_or_else(Self::root)
    }

    /// The carried context of a reply: the same span, or a new trace.
    pub fn carried_on(carried: &str) -> String {
        let is_ours = carried.starts_with("00-") && (carried.ends_with("-00") || carried.ends_with("-01"));
        match Self::parse(carried) {
            Some(_) if is_ours => carried.to_owned(),
            Some(other) => other.carried(),
            None => Self::root().carried(),
        }
    }

    /// One text for a column: `traceparent`, and after a space `tracestate` if there is one.
    pub fn carried(&self) -> String {
        let mut text = String::with_capacity(TRACEPARENT_LENGTH);
        _ = self.write_to(&mut text); // a string takes all
        if let Some(state) = &self.state {
            text.push(' ');
            text.push_str(state);
        }
        text
    }

    /// The `tracestate`.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Continues a [carried](Self::carried) context with a new span, or starts a trace.
    pub fn continue_from(carried: Option<&str>) -> Self {
        carried.and_then(Self::parse).map_or_else(Self::root, |parent| parent.child())
    }

    /// With the `tracestate` of a request; one that W3C forbids is left out.
    #[must_use]
    pub fn with_state(self, state: &str) -> Self {
        let is_member = |member: &str| member.trim().is_empty() || member.contains('=');
        let is_readable = state.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let is_short = state.len() <= LONGEST_STATE && state.split(',').count() <= 32;
        let is_good = is_readable && is_short && state.contains('=') && state.split(',').all(is_member);
        Self { state: is_good.then(|| state.into()), ..self }
    }

    pub fn child(&self) -> Self {
        Self { span: rand::random::<u64>() | 1, parent: self.span, ..self.clone() }
    }

    /// Whether spans are collected.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Trace, span and parent ids; an unknown parent is 0.
    pub fn ids(&self) -> (u128, u64, u64) {
        (self.trace, self.span, self.parent)
    }

    /// Three times as fast as a format string, for each order and event.
    fn write_to(&self, text: &mut impl fmt::Write) -> fmt::Result {
        let mut digits = [0; Simple::LENGTH];
        text.write_str("00-")?;
        text.write_str(Uuid::from_u128(self.trace).simple().encode_lower(&mut digits))?;
        text.write_str("-")?;
        text.write_str(&Uuid::from_u64_pair(self.span, 0).simple().encode_lower(&mut digits)[..16])?;
        text.write_str(if self.sampled { "-01" } else { "-00" })
    }

    /// 32 hexadecimal digits, for logs.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The [trace id](Self::trace_id) of a [carried](Self::carried) context.
    pub fn trace_id_of(carried: &str) -> Option<String> {
        Self::parse(carried).map(|context| context.trace_id())
    }

    fn parse(carried: &str) -> Option<Self> {
        let (header, state) = split(carried);
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
        let flag = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        let sampled = if PARENT_BASED.load(Ordering::Relaxed) {
            flag
        } else {
            is_sampled(trace, SAMPLED_BELOW.load(Ordering::Relaxed))
        };
        let state = state.map(Arc::from);
        (trace != 0 && span != 0).then_some(Self { trace, span, parent: 0, sampled, state })
    }
}

/// `traceparent` and `tracestate` of a carried context.
pub(crate) fn split(carried: &str) -> (&str, Option<&str>) {
    carried.split_once(' ').map_or((carried, None), |(parent, state)| (parent, Some(state)))
}

/// The inverse of [`split`].
pub(crate) fn join(traceparent: &str, state: Option<&str>) -> String {
    state.map_or_else(|| traceparent.to_owned(), |state| format!("{traceparent} {state}"))
}

fn is_sampled(trace: u128, below: u64) -> bool {
    (trace as u64) >> 1 < below // the lowest bit is always 1
}

/// The request that caused an event or another request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub trace: TraceContext,
    pub request_id: Option<String>,
}

impl Origin {
    /// Of work that no request caused: a new trace, and an id of its own.
    pub fn root() -> Self {
        Self { trace: TraceContext::root(), request_id: Some(Uuid::now_v7().to_string()) }
    }
}

impl From<TraceContext> for Origin {
    fn from(trace: TraceContext) -> Self {
        Self { trace, request_id: None }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
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
    fn the_state_of_other_tracing_systems_travels_with_the_trace() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let child = TraceContext::continue_from(Some(header)).with_state("congo=t61rcWkgMzE,rojo=00f0");
        let resumed = TraceContext::resume(&child.carried());
        assert_eq!(resumed.state(), Some("congo=t61rcWkgMzE,rojo=00f0"));
        assert_eq!(TraceContext::carried_on(&child.carried()), child.carried());
        assert_eq!((resumed.to_string(), resumed.child().state()), (child.to_string(), child.state()));
        for wrong in
            ["", "no member", "a=1\u{7f}", "a=ü", &"a=1,".repeat(33), &format!("a={}", "1".repeat(511))]
        {
            assert_eq!(child.clone().with_state(wrong).state(), None, "{wrong}");
        }
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
