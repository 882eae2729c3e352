//! Evidence for I3, and for the client's side of I6, I8, I9 and I11.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use serde_json::Value;
use uuid::Uuid;

use super::{
    VerifyError,
    facts::{Lines, Name, Names, Order, Orders, Status},
    timeline::Seen,
};
use crate::client_log::{self, Completion, Record};

const DEFAULT_METHOD: &str = "tok_ok";

#[derive(Debug, Default)]
pub(super) struct KeyHistory {
    /// More than one entry if the key had different bodies.
    sent: Vec<(Lines, Name)>,
    sends: u32,
    fails: u32,
    /// The first 2xx: order, and hash of the bytes.
    pub(super) ok: Option<(Option<Uuid>, u64)>,
    /// True if a later 2xx had other bytes.
    pub(super) differs: bool,
}

#[derive(Debug, Default)]
pub(super) struct ClientHistory {
    pub(super) keys: HashMap<Uuid, HashMap<String, KeyHistory>>,
    seen: HashMap<Uuid, Vec<Seen>>,
    poison: HashSet<String>,
    /// Microseconds since 1970.
    began: Option<i64>,
}

impl ClientHistory {
    pub(super) fn read(path: &Path, names: &mut Names) -> Result<Self, VerifyError> {
        let mut log = Self::default();
        client_log::read(path)?.into_iter().for_each(|record| log.add(record, names));
        Ok(log)
    }

    pub(super) fn add(&mut self, record: Record, names: &mut Names) {
        self.began.get_or_insert(record.at().as_microsecond());
        match record {
            Record::Send { user, key, body, .. } => {
                let history = self.history(user, key);
                history.sends += 1;
                let wanted = wanted(&body, names);
                if !history.sent.contains(&wanted) {
                    history.sent.push(wanted);
                }
            }
            Record::Answer { user, key, outcome, body, .. } => {
                self.history(user, key).answered(outcome, body.as_deref())
            }
            Record::Seen { order, status, version, .. } => {
                self.seen.entry(order).or_default().push(Seen { version, status: Status::parse(&status) });
            }
            Record::Poison { event_id, .. } => _ = self.poison.insert(event_id),
        }
    }

    fn history(&mut self, user: Uuid, key: String) -> &mut KeyHistory {
        self.keys.entry(user).or_default().entry(key).or_default()
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &Uuid> {
        self.keys.keys()
    }

    pub(super) fn knows(&self, user: Uuid, key: &str) -> bool {
        self.keys.get(&user).is_some_and(|keys| keys.contains_key(key))
    }

    /// True for events older than the log, which have no record.
    pub(super) fn began_after(&self, microseconds: i64) -> bool {
        self.began.is_none_or(|began| microseconds < began)
    }

    /// Event ids of the poison messages.
    pub(super) fn poison(&self) -> &HashSet<String> {
        &self.poison
    }

    pub(super) fn seen(&self, order: Uuid) -> &[Seen] {
        self.seen.get(&order).map_or(&[], Vec::as_slice)
    }

    pub(super) fn seen_orders(&self) -> impl Iterator<Item = &Uuid> {
        self.seen.keys()
    }

    /// Orders with a poll that returned an earlier version than the one before.
    pub(super) fn went_back(&self) -> impl Iterator<Item = String> {
        self.seen.iter().filter_map(|(order, seen)| {
            let pair = seen.windows(2).find(|pair| pair[1].version < pair[0].version)?;
            Some(format!(
                "order {order}: a client saw version {} and then {}",
                pair[0].version, pair[1].version
            ))
        })
    }
}

impl KeyHistory {
    fn answered(&mut self, outcome: Completion, body: Option<&str>) {
        match outcome {
            Completion::Info => {}
            Completion::Fail => self.fails += 1,
            Completion::Ok => {
                let body = body.unwrap_or_default();
                let bytes = hash(body);
                match self.ok {
                    Some((_, first)) => self.differs |= first != bytes,
                    None => self.ok = Some((order_in(body), bytes)),
                }
            }
        }
    }

    /// Every request failed.
    pub(super) fn has_failed(&self) -> bool {
        self.sends > 0 && self.fails == self.sends
    }

    /// I3: the 2xx against the stored order.
    pub(super) fn lost(
        &self,
        user: Uuid,
        stored: Option<Uuid>,
        orders: &Orders,
        names: &Names,
    ) -> Option<String> {
        let (returned, _) = self.ok?;
        if let Some((returned, stored)) = returned.zip(stored).filter(|(returned, stored)| returned != stored)
        {
            return Some(format!("the client got order {returned}, the key has order {stored}"));
        }
        let Some(id) = stored.or(returned) else { return Some("it has no order".to_owned()) };
        match orders.get(&id) {
            None => Some(format!("order {id} does not exist")),
            Some(order) if order.user != user => Some(format!("order {id} belongs to {}", order.user)),
            Some(order) => self.altered(order, names).map(|why| format!("order {id} {why}")),
        }
    }

    fn altered(&self, order: &Order, names: &Names) -> Option<String> {
        let same = |(lines, method): &(Lines, Name)| *lines == order.lines && *method == order.method;
        let first = self.sent.first()?;
        (!self.sent.iter().any(same)).then(|| {
            let by = |lines: &Lines, method| format!("{} by {}", lines.render(names), names.name(method));
            format!("has {}, the client sent {}", by(&order.lines, order.method), by(&first.0, first.1))
        })
    }
}

fn wanted(body: &Value, names: &mut Names) -> (Lines, Name) {
    let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |item: &Value| {
        (
            names.number(item["sku"].as_str().unwrap_or_default()),
            item["quantity"].as_i64().unwrap_or(i64::MIN),
        )
    };
    let lines = items.iter().map(line).collect();
    (lines, names.number(body["payment_method"].as_str().unwrap_or(DEFAULT_METHOD)))
}

fn order_in(body: &str) -> Option<Uuid> {
    let order: Value = serde_json::from_str(body).ok()?;
    order["id"].as_str()?.parse().ok()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polled_states_do_not_go_back() {
        let mut log = ClientHistory::default();
        let mut names = Names::default();
        let at = jiff::Timestamp::UNIX_EPOCH;
        for version in [1, 3, 2] {
            log.add(
                Record::Seen { at, order: Uuid::nil(), status: "pending".to_owned(), version },
                &mut names,
            );
        }
        assert!(log.went_back().next().is_some_and(|why| why.contains("version 3 and then 2")));
    }
}
