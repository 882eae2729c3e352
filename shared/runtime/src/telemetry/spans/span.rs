use std::{borrow::Cow, time::SystemTime};

/// A finished piece of work.
#[derive(Debug)]
pub struct Span {
    pub kind: SpanKind,
    /// One of a few texts.
    pub name: Cow<'static, str>,
    pub began: SystemTime,
    pub ended: SystemTime,
    pub attributes: Vec<(&'static str, Attribute)>,
    pub error: Option<String>,
}

/// The side of a call or stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    Server,
    Producer,
    Consumer,
}

/// A value. Names follow OpenTelemetry's semantic conventions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    Text(Cow<'static, str>),
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
