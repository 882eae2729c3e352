use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;

use super::{Call, Page, Service};
use crate::text::{Moment, Seconds};

/// One hung instance may not hold up the picture of the others.
const SOON: Duration = Duration::from_secs(2);

/// The answer of `/readyz`, also of a service that is not ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Readiness {
    /// `ready`, `degraded` or `not ready`.
    pub status: String,
    pub checks: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Streams {
    pub streams: Vec<Stream>,
}

/// A stream, or a partition of it, as the group of its consumer sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Stream {
    pub stream: String,
    pub group: String,
    pub length: u64,
    pub unread: u64,
    #[serde(default)]
    pub unread_approximate: bool,
    /// Read, unacknowledged.
    pub pending: u64,
    pub oldest_pending_seconds: Seconds,
    pub consumers: Vec<Consumer>,
    /// Of all partitions together.
    pub dead_letters: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Consumer {
    pub name: String,
    pub idle_seconds: Seconds,
    pub pending: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Outbox {
    /// Events whose effect is still unknown.
    pub unconfirmed: i64,
    pub oldest_seconds: Seconds,
}

/// Something that ended or was lost, and what goes on in its place.
#[derive(Debug, Clone, Deserialize)]
pub struct Recovery {
    /// Ascends with time.
    pub id: String,
    pub at: Moment,
    #[serde(flatten)]
    pub happened: Happened,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happened {
    EntriesClaimed {
        stream: String,
        consumer: String,
        from: Option<String>,
        entries: u64,
        idle_seconds: Seconds,
    },
    ActorEnded {
        actor: String,
        name: String,
        reason: String,
    },
    EventsRepublished {
        events: u64,
    },
    RedisReset,
    GroupCreated {
        stream: String,
        group: String,
    },
    ServerReplaced {
        server: String,
        failover: bool,
    },
    CheckFailed {
        check: String,
    },
    CheckSucceeded {
        check: String,
        after_seconds: Seconds,
    },
    /// Of a newer service.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EntriesClaimed { stream, consumer, from: Some(from), entries, idle_seconds } => {
                let entries = count(*entries, "entry", "entries");
                write!(f, "{consumer} took over {entries} of {from}, gone for {idle_seconds} ({stream})")
            }
            Self::EntriesClaimed { stream, consumer, from: None, entries, .. } => {
                write!(f, "{consumer} took over {} ({stream})", count(*entries, "entry", "entries"))
            }
            Self::ActorEnded { actor, name, reason } if actor == name => {
                write!(f, "the actor {actor} ended: {reason}; a fresh one follows")
            }
            Self::ActorEnded { actor, name, reason } => {
                write!(f, "the actor {actor} {name} ended: {reason}; a fresh one follows")
            }
            Self::EventsRepublished { events } => {
                write!(f, "{} that Redis had lost went out again", count(*events, "event", "events"))
            }
            Self::RedisReset => f.write_str("Redis is new or lost its data; the whole outbox is checked"),
            Self::GroupCreated { stream, group } => write!(f, "the group {group} of {stream} was made anew"),
            Self::ServerReplaced { server, failover: true } => {
                write!(f, "{server} failed over: its replica took its place")
            }
            Self::ServerReplaced { server, failover: false } => write!(f, "{server} was started anew"),
            Self::CheckFailed { check } => write!(f, "the check {check} fails"),
            Self::CheckSucceeded { check, after_seconds } => {
                write!(f, "the check {check} succeeds again, after {after_seconds}")
            }
            Self::Unknown => f.write_str("a recovery of a kind that this console does not know"),
        }
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub fn readiness(service: Service, instance: usize) -> Call<Readiness> {
    Call::get(service, ["readyz"]).at(instance).within(SOON)
}

pub fn streams(service: Service) -> Call<Streams> {
    Call::get(service, ["ops", "streams"]).within(SOON)
}

pub fn outbox(service: Service) -> Call<Outbox> {
    Call::get(service, ["ops", "outbox"]).within(SOON)
}

/// In the text format of Prometheus.
pub fn metrics(service: Service, instance: usize) -> Call<String> {
    Call::get(service, ["ops", "metrics"]).at(instance).within(SOON)
}

/// Newest first.
pub fn recoveries(service: Service, instance: usize) -> Call<Page<Recovery>> {
    Call::get(service, ["ops", "recoveries"]).at(instance).query("limit", "50").within(SOON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> String {
        serde_json::from_str::<Happened>(json).expect("a recovery").to_string()
    }

    #[test]
    fn a_recovery_is_a_sentence() {
        let claimed = r#"{"kind": "entries_claimed", "stream": "order_completed", "consumer": "inventory-2",
                          "from": "inventory-1", "entries": 31, "idle_seconds": 10.2}"#;
        let expected = "inventory-2 took over 31 entries of inventory-1, gone for 10 s (order_completed)";
        assert_eq!(told(claimed), expected);
        assert_eq!(
            told(r#"{"kind": "events_republished", "events": 1}"#),
            "1 event that Redis had lost went out again"
        );
        assert_eq!(
            told(r#"{"kind": "server_replaced", "server": "PostgreSQL", "failover": true}"#),
            "PostgreSQL failed over: its replica took its place"
        );
    }

    #[test]
    fn a_recovery_of_a_newer_service_is_shown_all_the_same() {
        assert!(told(r#"{"kind": "sun_rose", "where": "east"}"#).starts_with("a recovery of a kind"));
    }
}
