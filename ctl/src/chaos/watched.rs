//! What goes on beside a run: samples of what must hold at every moment, and the bar of orders.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::arena::Arena;
use super::live::Live;
use crate::load::{Gauge, Load};
use crate::verify::Sampler;

const SAMPLE_EVERY: Duration = Duration::from_millis(200);
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// The sampler and the bar, beside the run. Dropping it ends both.
pub struct Watched {
    tasks: JoinSet<()>,
    seen: Arc<Mutex<(u64, BTreeSet<String>)>>,
}

impl Watched {
    /// Begins both.
    pub fn begin(arena: &Arena, load: &Load, orders: u64) -> Self {
        let (mut tasks, seen) = (JoinSet::new(), Arc::default());
        tasks.spawn(sample(Sampler::new(&arena.sources()), Arc::clone(&seen)));
        tasks.spawn(show(load.gauge(), arena.live.clone(), orders));
        Self { tasks, seen }
    }

    /// How many samples there were, and what they found.
    pub async fn end(mut self) -> (u64, BTreeSet<String>) {
        self.tasks.shutdown().await;
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn sample(mut sampler: Sampler, seen: Arc<Mutex<(u64, BTreeSet<String>)>>) {
    loop {
        let breaches = sampler.sample().await;
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.0 = sampler.samples();
            seen.1.extend(breaches);
        }
        sleep(SAMPLE_EVERY).await;
    }
}

async fn show(gauge: Arc<Gauge>, live: Live, orders: u64) {
    loop {
        let (confirmed, refunded, declined) = (gauge.confirmed(), gauge.refunded(), gauge.declined());
        let summary = format!("{confirmed} confirmed, {refunded} refunded, {declined} declined, {} open", gauge.open());
        live.orders(gauge.sent().min(orders), summary);
        sleep(SHOW_EVERY).await;
    }
}
