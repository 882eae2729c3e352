//! The state of the whole system, as the pages show it live.
//!
//! Guarantee: however many viewers watch, the services are asked once a second. While nobody watches, the
//! sampler asks each ten seconds with the login of an ADMIN, and without one nobody asks. The first viewer
//! that finds the snapshot too old takes the next one, and the others wait for it.

mod edge;
mod exposition;
mod histogram;
mod hour;
mod instance;
mod pace;
mod part;
mod reading;
mod snapshot;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pace::Paces;
use tokio::sync::Mutex;

pub use snapshot::Snapshot;

use crate::session::{CallError, Caller};

/// The time between two looks of a page.
pub const TICK: Duration = Duration::from_secs(1);
/// Below a tick, so that each tick of the first viewer takes a new one.
const FRESH: Duration = Duration::from_millis(900);

pub struct Live {
    /// Held while a snapshot is taken.
    last: Mutex<Last>,
    late_after: f64,
}

#[derive(Default)]
struct Last {
    taken: Option<(Instant, Arc<Snapshot>)>,
    paces: Paces,
}

impl Live {
    /// `late_after`: seconds.
    pub fn new(late_after: u32) -> Self {
        Self { last: Mutex::default(), late_after: f64::from(late_after) }
    }

    /// For an ADMIN.
    pub async fn look(&self, caller: &Caller) -> Result<Arc<Snapshot>, CallError> {
        let mut last = self.last.lock().await;
        if let Some((taken, snapshot)) = &last.taken
            && taken.elapsed() < FRESH
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Snapshot::take(caller, &mut last.paces, self.late_after).await?);
        last.taken = Some((Instant::now(), Arc::clone(&snapshot)));
        Ok(snapshot)
    }
}
