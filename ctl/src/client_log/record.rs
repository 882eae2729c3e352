use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Record {
    /// `POST /orders` is about to be sent: the first time, or once more with the same key.
    Send { at: Timestamp, user: Uuid, key: String, body: Value },
    /// What came back for it.
    Answer {
        at: Timestamp,
        user: Uuid,
        key: String,
        outcome: Completion,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The body of a 2xx, byte for byte.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Why it was not a 2xx: the problem's code, or what the connection said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// An order as it was read.
    Seen { at: Timestamp, order: Uuid, status: String, version: u64 },
    /// An event was put into a stream that must end as a dead letter.
    Poison { at: Timestamp, stream: String, event_id: String },
}

impl Record {
    /// When it was written.
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

/// What a client may conclude from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// 2xx: it happened.
    Ok,
    /// 4xx other than 409 in flight and 429: it did not happen.
    Fail,
    /// Timeout, reset, 429, 5xx: it may or may not have happened; ask again with the same key.
    Info,
}
