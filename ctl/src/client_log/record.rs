use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Record {
    /// Logged before each attempt, retries included.
    Send { at: Timestamp, user: Uuid, key: String, body: Value },
    Answer {
        at: Timestamp,
        user: Uuid,
        key: String,
        outcome: Completion,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Bytes of a 2xx.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Code of the problem, or error of the connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// An order as a client read it.
    Seen { at: Timestamp, order: Uuid, status: String, version: u64 },
    /// A poison message, expected to become a dead letter.
    Poison { at: Timestamp, stream: String, event_id: String },
}

impl Record {
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Send { at, .. }
            | Self::Answer { at, .. }
            | Self::Seen { at, .. }
            | Self::Poison { at, .. } => *at,
        }
    }
}

/// As the client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// 2xx.
    Ok,
    /// 4xx other than 409 and 429: no order was placed.
    Fail,
    /// Unknown (timeout, reset, 409, 429, 5xx): retried with the same key.
    Info,
}
