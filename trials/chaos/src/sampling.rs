//! Samples of the invariants that hold at every moment, and the bar of orders.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::arena::Arena;
use super::progress::Progress;
use super::readiness_probe::ReadinessProbe;
use ctl::load::{Load, LoadStats};
use ctl::verify::{Sampler, Sources};

const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Twice within the second of grace of a probe.
const PROBE_EVERY: Duration = Duration::from_millis(500);
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// Dropping ends the tasks.
pub struct Sampling {
    tasks: JoinSet<()>,
    samples: Arc<Mutex<Samples>>,
}

#[derive(Debug, Default)]
pub struct Samples {
    pub count: u64,
    /// I2 and I7.
    pub breaches: BTreeSet<String>,
    pub readiness_probes: u64,
    /// I14.
    pub readiness: BTreeSet<String>,
}

impl Sampling {
    pub fn begin(arena: &Arena, load: &Load, orders: u64) -> Self {
        let mut tasks = JoinSet::new();
        let samples = Arc::default();
        tasks.spawn(sample(arena.current_sources(), Arc::clone(&samples)));
        tasks.spawn(probe_readiness(
            ReadinessProbe::new(arena),
            arena.current_sources(),
            Arc::clone(&samples),
        ));
        tasks.spawn(show(load.stats(), arena.progress.clone(), orders));
        Self { tasks, samples }
    }

    pub async fn end(mut self) -> Samples {
        self.tasks.shutdown().await;
        std::mem::take(&mut *locked(&self.samples))
    }
}

/// A failover redirects the sampler to the new server.
async fn sample(mut sources: watch::Receiver<Sources>, samples: Arc<Mutex<Samples>>) {
    let mut earlier = 0;
    loop {
        let mut sampler = Sampler::new(&sources.borrow_and_update().clone());
        while !sources.has_changed().unwrap_or(false) {
            let breaches = sampler.sample().await;
            {
                let mut samples = locked(&samples);
                samples.count = earlier + sampler.samples();
                samples.breaches.extend(breaches);
            }
            sleep(SAMPLE_EVERY).await;
        }
        earlier += sampler.samples();
    }
}

async fn probe_readiness(
    mut probe: ReadinessProbe,
    sources: watch::Receiver<Sources>,
    samples: Arc<Mutex<Samples>>,
) {
    loop {
        let sources = sources.borrow().clone();
        let breaches = probe.probe(&sources).await;
        {
            let mut samples = locked(&samples);
            samples.readiness_probes = probe.probes();
            samples.readiness.extend(breaches);
        }
        sleep(PROBE_EVERY).await;
    }
}

fn locked(samples: &Mutex<Samples>) -> MutexGuard<'_, Samples> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn show(stats: Arc<LoadStats>, progress: Progress, orders: u64) {
    loop {
        let confirmed = stats.confirmed();
        let refunded = stats.refunded();
        let declined = stats.declined();
        let summary =
            format!("{confirmed} confirmed, {refunded} refunded, {declined} declined, {} open", stats.open());
        progress.orders(stats.sent().min(orders), summary);
        sleep(SHOW_EVERY).await;
    }
}
