use std::{borrow::Cow, time::SystemTime};

/// One finished piece of work. [`TraceContext`](events::TraceContext) holds its place in the trace.
#[derive(Debug)]
pub struct Span {
    /// The side on which the work was done.
    pub kind: SpanKind,
    /// The kind of work, one of a few texts.
    pub name: Cow<'static, str>,
    /// Start of the work.
    pub began: SystemTime,
    /// End of the work.
    pub ended: SystemTime,
    /// Facts about the work.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The reason of a failure.
    pub error: Option<String>,
}

/// The side of a call or a stream on which the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Inside of one service.
    Internal,
    /// The answer to a request.
    Server,
    /// A publication.
    Producer,
    /// The handling of an event.
    Consumer,
}

/// The value of an attribute. Names follow OpenTelemetry's semantic conventions where these have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Number(i64),
}

impl From<&'static str> for Attribute {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::Number(number.try_into().unwrap_or(i64::MAX))
    }
}
