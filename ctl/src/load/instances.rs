//! A load balancer in the client.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use tokio::time::{MissedTickBehavior, interval};

/// Short, as in an eager load balancer.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// `/readyz` queries the database; stopped processes never answer.
const PROBE_WITHIN: Duration = Duration::from_secs(1);

/// At least one.
#[derive(Debug)]
pub(super) struct Instances {
    all: RwLock<Vec<Arc<Instance>>>,
    turn: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct Instance {
    url: String,
    ready: AtomicBool,
}

impl Instances {
    pub fn new(urls: &[String]) -> Self {
        Self { all: RwLock::new(instances(urls)), turn: AtomicUsize::new(0) }
    }

    pub fn replace(&self, urls: &[String]) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = instances(urls);
    }

    /// Prefers ready instances.
    pub fn next(&self) -> Arc<Instance> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = |step: usize| &all[turn.wrapping_add(step) % all.len()];
        let ready = (0..all.len()).map(in_turn).find(|instance| instance.ready.load(Ordering::Relaxed));
        Arc::clone(ready.unwrap_or_else(|| in_turn(0)))
    }

    pub async fn probe_all(&self, http: &reqwest::Client) -> Infallible {
        let mut ticks = interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let all = self.all.read().unwrap_or_else(PoisonError::into_inner).clone();
            join_all(all.into_iter().map(|instance| instance.probe(http.clone()))).await;
        }
    }
}

impl Instance {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Excludes the instance until `/readyz` returns 200.
    pub fn pass_over(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    async fn probe(self: Arc<Self>, http: reqwest::Client) {
        let answer = http.get(format!("{}/readyz", self.url)).timeout(PROBE_WITHIN).send().await;
        let ready = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
        self.ready.store(ready, Ordering::Relaxed);
    }
}

fn instances(urls: &[String]) -> Vec<Arc<Instance>> {
    let instance = |url: &String| {
        Arc::new(Instance { url: url.trim_end_matches('/').to_owned(), ready: AtomicBool::new(true) })
    };
    urls.iter().map(instance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(instances: &Instances, times: usize) -> Vec<String> {
        (0..times).map(|_| instances.next().url().to_owned()).collect()
    }

    #[test]
    fn instances_are_used_in_turn_and_one_that_is_not_ready_is_passed_over() {
        let instances = Instances::new(&["a", "b", "c"].map(str::to_owned));
        assert_eq!(next(&instances, 4), ["a", "b", "c", "a"]);
        instances.next().pass_over();
        assert!(!next(&instances, 6).contains(&"b".to_owned()));
    }

    #[test]
    fn when_none_is_ready_they_are_tried_anyway() {
        let instances = Instances::new(&["a".to_owned()]);
        instances.next().pass_over();
        assert_eq!(next(&instances, 2), ["a", "a"]);
    }
}
