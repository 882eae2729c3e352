use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Record {
    /// A `POST /orders`, logged before it is sent: the first attempt, or a retry with the same key.
    Send { at: Timestamp, user: Uuid, key: String, body: Value },
    /// The response, or its absence.
    Answer {
        at: Timestamp,
        user: Uuid,
        key: String,
        outcome: Completion,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The bytes of a 2xx body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The failure: the code of the problem, or the error of the connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// An order as a client read it.
    Seen { at: Timestamp, order: Uuid, status: String, version: u64 },
    /// A poison message added to a stream, expected to become a dead letter.
    Poison { at: Timestamp, stream: String, event_id: String },
}

impl Record {
    /// The time of the record.
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

/// The completion of a request, as its client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// 2xx: the order is placed.
    Ok,
    /// 4xx other than 409 and 429: no order was placed.
    Fail,
    /// Timeout, reset, 409, 429, 5xx: unknown. The client retries with the same key.
    Info,
}
