use std::collections::BTreeSet;

use events::Route;

use crate::{api::operations::Stream, text::Seconds};

/// `claim-idle` of the services. Redis before 7.2 calls a consumer idle while there is nothing to read.
const SILENT_AFTER: f64 = 10.0;

/// A stream between two services, all partitions together.
#[derive(Debug, Clone)]
pub struct Edge {
    pub stream: &'static str,
    pub publisher: &'static str,
    pub consumer: &'static str,
    /// Unread and unacknowledged entries.
    pub waiting: u64,
    pub is_estimate: bool,
    /// Of the entries that were read.
    pub oldest: Seconds,
    /// The members of the group.
    pub consumers: usize,
    pub dead_letters: u64,
    pub state: State,
}

/// How the stream does, and the sentence for it.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    OnTime,
    Late(Seconds),
    NobodyReads,
    DeadLetters(u64),
    /// The service that reads it does not answer.
    Unknown,
}

impl State {
    /// A name for the style sheet.
    pub fn class(&self) -> &'static str {
        match self {
            Self::OnTime => "well",
            Self::Late(_) | Self::DeadLetters(_) => "late",
            Self::NobodyReads | Self::Unknown => "down",
        }
    }

    pub fn is_known(&self) -> bool {
        *self != Self::Unknown
    }

    pub fn words(&self) -> String {
        match self {
            Self::OnTime => "on time".to_owned(),
            Self::Late(oldest) => format!("late: the oldest waits for {oldest}"),
            Self::NobodyReads => "stuck: nobody reads".to_owned(),
            Self::DeadLetters(1) => "needs you: 1 dead letter".to_owned(),
            Self::DeadLetters(count) => format!("needs you: {count} dead letters"),
            Self::Unknown => "not known: the reader does not answer".to_owned(),
        }
    }
}

impl Edge {
    /// `partitions`: `None` if the reader does not answer.
    pub fn new(route: &Route, partitions: Option<&[Stream]>, late_after: f64) -> Self {
        let of_route = |stream: &&Stream| events::route_of(&stream.stream).is_some_and(|of| of == route);
        let parts: Vec<&Stream> = partitions.unwrap_or_default().iter().filter(of_route).collect();
        let members = parts.iter().flat_map(|part| &part.consumers);
        let is_silent = members.clone().all(|member| member.idle_seconds.0 >= SILENT_AFTER);
        let consumers = members.map(|member| member.name.as_str()).collect::<BTreeSet<_>>().len();
        let waiting = parts.iter().map(|part| part.unread + part.pending).sum();
        let oldest = parts.iter().map(|part| part.oldest_pending_seconds).fold(Seconds(0.0), Seconds::longer);
        let dead_letters = parts.iter().map(|part| part.dead_letters).max().unwrap_or_default();
        let state = match () {
            () if parts.is_empty() => State::Unknown,
            () if consumers == 0 || (waiting > 0 && is_silent) => State::NobodyReads,
            () if oldest.0 > late_after => State::Late(oldest),
            () if dead_letters > 0 => State::DeadLetters(dead_letters),
            () => State::OnTime,
        };
        Self {
            stream: route.stream,
            publisher: route.publisher,
            consumer: route.consumer,
            waiting,
            is_estimate: parts.iter().any(|part| part.unread_approximate),
            oldest,
            consumers,
            dead_letters,
            state,
        }
    }
}

#[cfg(test)]
mod tests {
    use events::ROUTES;
    use serde_json::json;

    use super::*;

    fn partition(number: u8, unread: u64, oldest: f64, idle: f64) -> Stream {
        let consumers = json!([{"name": "inventory-1", "idle_seconds": idle, "pending": 1}]);
        let stream = json!({"stream": format!("order_completed.{number}"), "group": "inventory-group",
            "length": 9, "unread": unread, "pending": 1, "oldest_pending_seconds": oldest,
            "consumers": consumers, "dead_letters": 2});
        serde_json::from_value(stream).expect("a stream")
    }

    fn edge(partitions: &[Stream]) -> Edge {
        Edge::new(&ROUTES[0], Some(partitions), 5.0)
    }

    #[test]
    fn partitions_add_up_and_their_dead_letters_count_once() {
        let edge = edge(&[partition(0, 3, 0.1, 0.5), partition(1, 4, 0.2, 0.5)]);
        assert_eq!((edge.waiting, edge.consumers, edge.dead_letters), (9, 1, 2));
        assert_eq!(edge.state, State::DeadLetters(2));
    }

    #[test]
    fn a_stream_is_late_stuck_or_not_known_in_words() {
        assert_eq!(edge(&[partition(0, 0, 12.0, 0.5)]).state.words(), "late: the oldest waits for 12 s");
        assert_eq!(edge(&[partition(0, 0, 12.0, 60.0)]).state, State::NobodyReads);
        assert_eq!(Edge::new(&ROUTES[0], None, 5.0).state, State::Unknown);
    }
}
