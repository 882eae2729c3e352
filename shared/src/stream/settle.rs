//! Acknowledging, and burying what cannot be handled.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use redis::{Pipeline, ToRedisArgs, Value};

use super::{
    Broker, BrokerError,
    dead_letters::{self, Burial},
};

/// What the lives of one consumer actor hand on to the next. Lost with the process, which costs a dead letter its errors.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub failures: Failures,
    /// Entries in the handler right now: a panic is their fault, as far as anybody can tell.
    pub in_hand: Vec<Arc<Vec<String>>>,
}

impl Memory {
    /// Notes that the handler panicked over the entries it had in hand.
    pub(super) fn blame(&mut self, panic: &str) {
        for entry in std::mem::take(&mut self.in_hand).iter().flat_map(|batch| batch.iter()) {
            self.failures.record(entry, panic);
        }
    }
}

/// What is known about an entry that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub first_error: String,
    pub last_error: String,
    pub first_at: Timestamp,
}

/// Failures by entry id. Bounded: past the limit the oldest entry is forgotten, and its dead letter has one error less.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<String, Failure>);

/// More failing entries than this at one time are an outage, not poison.
const FAILURES_REMEMBERED: usize = 10_000;

impl Failures {
    pub(super) fn record(&mut self, id: &str, error: &str) {
        let fresh = || Failure { first_error: error.to_owned(), last_error: String::new(), first_at: Timestamp::now() };
        self.0.entry(id.to_owned()).or_insert_with(fresh).last_error = error.to_owned();
        if self.0.len() > FAILURES_REMEMBERED {
            self.0.pop_first();
        }
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Failure> {
        self.0.remove(id)
    }
}

/// Where a consumer settles its entries.
#[derive(Clone)]
pub(super) struct Settlement {
    pub broker: Broker,
    pub key: String,
    pub group: String,
}

impl Settlement {
    /// Acknowledges entries whose effect is committed.
    pub(super) async fn acknowledge(&self, entries: &[impl ToRedisArgs]) -> Result<(), BrokerError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut ack = redis::cmd("XACK");
        ack.arg(&self.key).arg(&self.group).arg(entries);
        self.broker.command::<Value>(ack).await.map(drop)
    }

    /// Moves an entry to the dead letters: appended there and acknowledged here in one MULTI.
    pub(super) async fn bury(&self, burial: &Burial<'_>) -> Result<(), BrokerError> {
        let known = dead_letters::is_buried(&self.broker, burial).await?;
        let mut pipeline = Pipeline::new();
        pipeline.atomic();
        if !known {
            dead_letters::append(&mut pipeline, burial);
        }
        let mut ack = redis::cmd("XACK");
        ack.arg(&self.key).arg(&self.group).arg(burial.entry);
        pipeline.add_command(ack);
        self.broker.run(&mut pipeline).await.map(drop)
    }
}
