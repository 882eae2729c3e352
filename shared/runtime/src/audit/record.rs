use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// As long as a SKU, a UUID or the id of a dead letter may be, and no longer.
const LONGEST_SUBJECT: usize = 255;

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AuditOutcome)]
pub enum Outcome {
    Done,
    /// 401, 403 or 429.
    Refused,
    /// Another mistake of the caller.
    Failed,
    /// A fault of the service. The act may have taken effect.
    Unknown,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::Failed, Self::Unknown];

    /// The outcome that an HTTP status tells.
    pub fn of(status: u16) -> Self {
        match status {
            401 | 403 | 429 => Self::Refused,
            400..500 => Self::Failed,
            500.. => Self::Unknown,
            _ => Self::Done,
        }
    }

    /// The word in the table and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// The account or service that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The `sub` of the token.
    pub id: String,
    /// `None` if the act shows none, as a logout.
    pub role: Option<&'static str>,
    /// The login that the token comes from.
    pub session: Option<Uuid>,
}

/// One record. It holds ids, and never a password, a token or an e-mail.
#[derive(Debug, Clone)]
pub struct Act {
    pub caller: Option<Caller>,
    pub address: Option<IpAddr>,
    /// The unit that limits count: the address or its network.
    pub source: Option<IpAddr>,
    /// Method and route, or the command.
    pub action: String,
    /// The id of what is acted on.
    pub subject: Option<String>,
    pub outcome: Outcome,
    pub status: u16,
    /// The code of the problem.
    pub code: Option<&'static str>,
    pub request_id: String,
    pub details: Map<String, Value>,
}

/// An act on its way into the table.
#[derive(Debug)]
pub(super) struct Record {
    /// Makes a repeated insert harmless.
    pub id: Uuid,
    pub act: Act,
    made: Instant,
}

impl Act {
    /// Whether it is recorded at any rate: somebody known did it, or may have.
    pub(super) fn counts(&self) -> bool {
        self.caller.is_some() && matches!(self.outcome, Outcome::Done | Outcome::Unknown)
    }

    /// Writes the log line. The log of JSON has one member a field.
    pub(super) fn log(&self) {
        let Self { caller, address, action, subject, outcome, status, code, request_id, details, .. } = self;
        tracing::info!(
            target: "audit",
            actor = caller.as_ref().map(|caller| caller.id.as_str()),
            role = caller.as_ref().and_then(|caller| caller.role),
            session = caller.as_ref().and_then(|caller| caller.session).map(tracing::field::display),
            address = address.map(tracing::field::display),
            action,
            subject,
            outcome = outcome.as_str(),
            status,
            code,
            request_id,
            details = (!details.is_empty()).then(|| text(details)),
            "audit"
        );
    }
}

impl Record {
    pub fn new(act: Act) -> Self {
        let subject = act.subject.map(|subject| {
            subject.chars().filter(|letter| !letter.is_control()).take(LONGEST_SUBJECT).collect()
        });
        Self { id: Uuid::now_v7(), act: Act { subject, ..act }, made: Instant::now() }
    }

    /// PostgreSQL subtracts it from its own clock.
    pub fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub fn details(&self) -> String {
        text(&self.act.details)
    }
}

fn text(details: &Map<String, Value>) -> String {
    serde_json::to_string(details).unwrap_or_default()
}
