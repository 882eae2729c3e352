//! The state of the whole system, as the pages show it live.
//!
//! Guarantee: however many viewers watch, the services are asked once a second; while nobody watches, never.
//! There is no task: the first viewer that finds the snapshot too old takes the next one, and the others wait
//! for it.

mod edge;
mod instance;
mod snapshot;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

pub use snapshot::Snapshot;

use crate::session::{CallError, Caller};

/// The time between two looks of a page.
pub const TICK: Duration = Duration::from_secs(1);
/// Below a tick, so that each tick of the first viewer takes a new one.
const FRESH: Duration = Duration::from_millis(900);

pub struct Live {
    /// Held while a snapshot is taken.
    last: Mutex<Option<(Instant, Arc<Snapshot>)>>,
    late_after: f64,
}

impl Live {
    /// `late_after`: seconds.
    pub fn new(late_after: u32) -> Self {
        Self { last: Mutex::default(), late_after: f64::from(late_after) }
    }

    /// For an ADMIN.
    pub async fn look(&self, caller: &Caller) -> Result<Arc<Snapshot>, CallError> {
        let mut last = self.last.lock().await;
        match &*last {
            Some((taken, snapshot)) if taken.elapsed() < FRESH => Ok(Arc::clone(snapshot)),
            before => {
                let before = before.as_ref().map(|(_, snapshot)| &**snapshot);
                let snapshot = Arc::new(Snapshot::take(caller, before, self.late_after).await?);
                *last = Some((Instant::now(), Arc::clone(&snapshot)));
                Ok(snapshot)
            }
        }
    }
}
