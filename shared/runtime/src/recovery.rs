//! The recoveries of this process, newest last, for `GET /ops/recoveries`.
//!
//! One list a process, as there is one recorder of metrics: its writers lie at every depth of the runtime, from the
//! supervisor to the sweep of the outbox.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// 300 KiB. A consumer that dies each second fills a quarter of an hour.
const KEPT: usize = 1000;

static RECOVERIES: Mutex<VecDeque<Recorded>> = Mutex::new(VecDeque::new());

/// Something that ended or was lost, and what goes on in its place.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Recovery {
    /// A consumer took over the pending entries of another one.
    EntriesClaimed {
        stream: String,
        /// The consumer that goes on.
        consumer: String,
        /// The consumer that held them. `null`: they changed hands meanwhile.
        from: Option<String>,
        entries: usize,
        /// Seconds since the old consumer last worked on the oldest of them.
        idle_seconds: f64,
    },
    /// An actor ended; a fresh one follows after a backoff.
    ActorEnded {
        actor: &'static str,
        name: String,
        /// Such as `panicked: …`.
        reason: String,
    },
    /// Events that Redis lost were published again.
    EventsRepublished { events: usize },
    /// Redis is new or lost its data: the whole outbox is checked.
    RedisReset,
    /// The consumer group was missing.
    GroupCreated { stream: String, group: String },
    /// PostgreSQL or Redis is answered for by another process than before.
    ServerReplaced {
        /// `PostgreSQL` or `Redis`.
        server: &'static str,
        /// A replica took its place. Otherwise it was started anew.
        failover: bool,
    },
    /// A check of `/readyz` fails.
    CheckFailed { check: &'static str },
    /// A check of `/readyz` succeeds again.
    CheckSucceeded {
        check: &'static str,
        /// Seconds from the first failed check to the first that succeeded.
        after_seconds: f64,
    },
}

/// Which process of PostgreSQL or Redis answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// Another one after each start.
    pub process: String,
    /// Of what it writes. A replica that takes over begins another history.
    pub history: String,
    /// The history before, where the server begins one at each start too.
    pub continued: Option<String>,
}

/// A recovery and its moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Recorded {
    /// Ascends with time, over restarts too (UUIDv7).
    pub id: Uuid,
    pub at: Timestamp,
    #[serde(flatten)]
    pub recovery: Recovery,
}

impl Recovery {
    /// The metric label `kind`.
    fn label(&self) -> &'static str {
        match self {
            Self::EntriesClaimed { .. } => "entries_claimed",
            Self::ActorEnded { .. } => "actor_ended",
            Self::EventsRepublished { .. } => "events_republished",
            Self::RedisReset => "redis_reset",
            Self::GroupCreated { .. } => "group_created",
            Self::ServerReplaced { .. } => "server_replaced",
            Self::CheckFailed { .. } => "check_failed",
            Self::CheckSucceeded { .. } => "check_succeeded",
        }
    }
}

impl ServerIdentity {
    /// Records that another process answers than `known`, which it becomes.
    pub fn follow(self, server: &'static str, known: &mut Option<Self>) {
        if let Some(failover) = known.as_ref().and_then(|last| self.replaces(last)) {
            record(Recovery::ServerReplaced { server, failover });
        }
        *known = Some(self);
    }

    /// `None`: `last` still answers. Otherwise whether this was its replica.
    fn replaces(&self, last: &Self) -> Option<bool> {
        let failover = match &self.continued {
            Some(continued) => *continued == last.history,
            None => self.history != last.history,
        };
        (self.process != last.process).then_some(failover)
    }
}

/// Records and counts `recovery`. The oldest of a thousand makes room.
pub fn record(recovery: Recovery) {
    metrics::counter!("orderflow_recoveries_total", "kind" => recovery.label()).increment(1);
    let mut kept = RECOVERIES.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(Recorded { id: Uuid::now_v7(), at: Timestamp::now(), recovery });
}

/// At most `limit` recoveries before `before`, newest first.
pub fn newest(before: Option<Uuid>, limit: usize) -> Vec<Recorded> {
    let kept = RECOVERIES.lock().unwrap_or_else(PoisonError::into_inner);
    let older = |recorded: &&Recorded| before.is_none_or(|before| recorded.id < before);
    kept.iter().rev().filter(older).take(limit).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(process: &str, history: &str, continued: Option<&str>) -> ServerIdentity {
        let continued = continued.map(str::to_owned);
        ServerIdentity { process: process.to_owned(), history: history.to_owned(), continued }
    }

    #[test]
    fn a_replica_that_took_over_is_told_from_a_server_that_was_started_anew() {
        let postgres = identity("monday", "00000001", None);
        assert_eq!(postgres.replaces(&postgres), None);
        assert_eq!(identity("tuesday", "00000001", None).replaces(&postgres), Some(false));
        assert_eq!(identity("tuesday", "00000002", None).replaces(&postgres), Some(true));

        let redis = identity("a", "1", Some("0"));
        assert_eq!(redis.replaces(&redis), None);
        assert_eq!(identity("b", "2", Some("0")).replaces(&redis), Some(false));
        assert_eq!(identity("b", "2", Some("1")).replaces(&redis), Some(true));
    }

    #[test]
    fn the_last_thousand_are_kept_and_listed_newest_first() {
        (0..=KEPT).for_each(|events| record(Recovery::EventsRepublished { events }));
        let page = newest(None, 2);
        let events = |recorded: &Recorded| match recorded.recovery {
            Recovery::EventsRepublished { events } => events,
            _ => usize::MAX,
        };
        assert_eq!(page.iter().map(events).collect::<Vec<_>>(), [KEPT, KEPT - 1]);
        let rest = newest(Some(page[1].id), 2 * KEPT);
        assert_eq!((rest.len(), rest.last().map(events)), (KEPT - 2, Some(1)));
    }
}
