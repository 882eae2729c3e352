use std::{collections::HashSet, fmt};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId(pub u64, pub u64);

impl EntryId {
    pub(super) fn parse(text: &str) -> Self {
        let (time, sequence) = text.split_once('-').unwrap_or((text, "0"));
        Self(time.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: EntryId,
    /// An event without an id has its entry's id, as in its dead letter.
    pub event: String,
    pub(super) redrive_group: Option<String>,
}

#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// As in `shopctl dead-letters list`.
    pub id: String,
    pub group: String,
    pub event: String,
    pub reason: String,
    /// Microseconds since 1970.
    pub at: i64,
}

#[derive(Debug, Clone)]
pub struct Partition {
    pub key: String,
    pub(super) group: &'static str,
    /// `None`: the group does not exist.
    pub(super) state: Option<GroupState>,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct GroupState {
    pub last_delivered: EntryId,
    pub pending: HashSet<EntryId>,
}

impl Partition {
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// Read and acknowledged.
    pub fn is_acknowledged(&self, entry: &Entry) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| entry.id <= state.last_delivered && !state.pending.contains(&entry.id))
    }

    fn is_for_another_group(&self, entry: &Entry) -> bool {
        entry.redrive_group.as_ref().is_some_and(|group| group != self.group)
    }
}

/// All streams at one moment.
#[derive(Debug, Default)]
pub struct StreamsState {
    pub partitions: Vec<Partition>,
    pub dead: Vec<DeadLetter>,
}

impl StreamsState {
    pub fn entries(&self) -> usize {
        self.partitions.iter().map(|partition| partition.entries.len()).sum()
    }

    /// Acknowledged entries without a dead letter that are not in flight again (republished or redriven).
    pub fn must_have_had_effect(&self) -> impl Iterator<Item = (&Partition, &Entry)> {
        let mut excused: HashSet<(&str, &str)> =
            self.dead.iter().map(|letter| (letter.group.as_str(), letter.event.as_str())).collect();
        let all = || {
            self.partitions
                .iter()
                .flat_map(|partition| partition.entries.iter().map(move |entry| (partition, entry)))
        };
        excused.extend(
            all()
                .filter(|(partition, entry)| !partition.is_acknowledged(entry))
                .map(|(partition, entry)| (partition.group, &*entry.event)),
        );
        all().filter(move |(partition, entry)| {
            partition.is_acknowledged(entry)
                && !partition.is_for_another_group(entry)
                && !excused.contains(&(partition.group, &*entry.event))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{INVENTORY_GROUP, PAYMENT_GROUP};

    fn entry(id: u64, event: &str, redrive_group: Option<&str>) -> Entry {
        Entry { id: EntryId(id, 0), event: event.to_owned(), redrive_group: redrive_group.map(str::to_owned) }
    }

    fn state(entries: Vec<Entry>, last: u64, pending: &[u64], dead: &[&str]) -> StreamsState {
        let state = GroupState {
            last_delivered: EntryId(last, 0),
            pending: pending.iter().map(|id| EntryId(*id, 0)).collect(),
        };
        let partition = Partition {
            key: "order_completed".to_owned(),
            group: INVENTORY_GROUP,
            state: Some(state),
            entries,
        };
        let letter = |event: &&str| DeadLetter {
            id: String::new(),
            group: INVENTORY_GROUP.to_owned(),
            event: (*event).to_owned(),
            reason: String::new(),
            at: 0,
        };
        StreamsState { partitions: vec![partition], dead: dead.iter().map(letter).collect() }
    }

    fn must(state: &StreamsState) -> Vec<&str> {
        state.must_have_had_effect().map(|(_, entry)| entry.event.as_str()).collect()
    }

    #[test]
    fn only_what_is_acknowledged_and_not_dead_must_have_had_its_effect() {
        let entries = ["done", "held", "dead", "unread"]
            .iter()
            .zip(1..)
            .map(|(event, id)| entry(id, event, None))
            .collect();
        assert_eq!(must(&state(entries, 3, &[2], &["dead"])), ["done"]);
    }

    #[test]
    fn an_event_on_its_way_once_more_and_one_for_another_group_are_excused() {
        let redriven = vec![
            entry(1, "a", None),
            entry(2, "a", Some(INVENTORY_GROUP)),
            entry(3, "b", Some(PAYMENT_GROUP)),
        ];
        assert_eq!(must(&state(redriven.clone(), 1, &[], &[])), [""; 0]);
        assert_eq!(must(&state(redriven, 3, &[], &[])), ["a", "a"]);
    }
}
