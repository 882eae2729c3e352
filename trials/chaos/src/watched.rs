//! What goes on beside a run: samples of what must hold at every moment, and the bar of orders.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::arena::Arena;
use super::live::Live;
use super::witness::Witness;
use ctl::load::{Load, LoadStats};
use ctl::verify::{Sampler, Sources};

const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Twice within the second of grace that a witness gives.
const WITNESS_EVERY: Duration = Duration::from_millis(500);
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// The sampler and the bar, beside the run. Dropping it ends both.
pub struct Watched {
    tasks: JoinSet<()>,
    seen: Arc<Mutex<Seen>>,
}

/// What the samples found.
#[derive(Debug, Default)]
pub struct Seen {
    /// How many there were.
    pub samples: u64,
    /// What must never be (I2, I7).
    pub breaches: BTreeSet<String>,
    /// Answers of `/readyz` that were judged.
    pub readiness_looks: u64,
    /// Those that were not true (I14).
    pub readiness: BTreeSet<String>,
}

impl Watched {
    /// Begins both.
    pub fn begin(arena: &Arena, load: &Load, orders: u64) -> Self {
        let (mut tasks, seen) = (JoinSet::new(), Arc::default());
        tasks.spawn(sample(arena.truth(), Arc::clone(&seen)));
        tasks.spawn(witness(Witness::new(arena), arena.truth(), Arc::clone(&seen)));
        tasks.spawn(show(load.stats(), arena.live.clone(), orders));
        Self { tasks, seen }
    }

    /// What was found.
    pub async fn end(mut self) -> Seen {
        self.tasks.shutdown().await;
        std::mem::take(&mut *locked(&self.seen))
    }
}

/// A server that took over is asked from then on.
async fn sample(mut truth: watch::Receiver<Sources>, seen: Arc<Mutex<Seen>>) {
    let mut earlier = 0;
    loop {
        let mut sampler = Sampler::new(&truth.borrow_and_update().clone());
        while !truth.has_changed().unwrap_or(false) {
            let breaches = sampler.sample().await;
            {
                let mut seen = locked(&seen);
                seen.samples = earlier + sampler.samples();
                seen.breaches.extend(breaches);
            }
            sleep(SAMPLE_EVERY).await;
        }
        earlier += sampler.samples();
    }
}

async fn witness(mut witness: Witness, truth: watch::Receiver<Sources>, seen: Arc<Mutex<Seen>>) {
    loop {
        let sources = truth.borrow().clone();
        let breaches = witness.look(&sources).await;
        {
            let mut seen = locked(&seen);
            seen.readiness_looks = witness.looks();
            seen.readiness.extend(breaches);
        }
        sleep(WITNESS_EVERY).await;
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn show(stats: Arc<LoadStats>, live: Live, orders: u64) {
    loop {
        let (confirmed, refunded, declined) = (stats.confirmed(), stats.refunded(), stats.declined());
        let summary =
            format!("{confirmed} confirmed, {refunded} refunded, {declined} declined, {} open", stats.open());
        live.orders(stats.sent().min(orders), summary);
        sleep(SHOW_EVERY).await;
    }
}
