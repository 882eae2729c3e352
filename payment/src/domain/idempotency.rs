use std::fmt;

/// The client's name for a request, scoped to the user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// 1 to 255 printable ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let is_printable = |byte: u8| (b' '..=b'~').contains(&byte);
        let allowed = (1..=255).contains(&text.len()) && text.bytes().all(is_printable);
        allowed.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kind of the first response. Repetitions get the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// 202 with the order as accepted.
    Accepted,
    /// 201 with the final order.
    Terminal,
}

impl ResponseKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Terminal => "terminal",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Accepted, Self::Terminal].into_iter().find(|kind| kind.as_str() == text)
    }
}
