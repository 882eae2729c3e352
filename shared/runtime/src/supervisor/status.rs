use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU32, Ordering},
};

use tokio::sync::watch;

use super::ExitReason;

/// The phase of a supervised actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Before the first life.
    Starting,
    Running,
    /// In backoff.
    Waiting,
    /// For good.
    Ended,
}

/// The status of a child.
#[derive(Debug)]
pub struct ChildStatus {
    pub kind: &'static str,
    pub name: String,
    restarts: AtomicU32,
    queue_depth: AtomicI64,
    depth_gauge: metrics::Gauge,
    state: watch::Sender<State>,
    last_exit: Mutex<Option<ExitReason>>,
}

impl ChildStatus {
    pub(super) fn new(kind: &'static str, name: String) -> Self {
        let depth_gauge =
            metrics::gauge!("orderflow_actor_queue_depth", "actor" => kind, "name" => name.clone());
        ExitReason::LABELS.iter().for_each(|reason| _ = restarts(kind, reason)); // shows 0
        Self {
            kind,
            name,
            restarts: AtomicU32::new(0),
            queue_depth: AtomicI64::new(0),
            depth_gauge,
            state: watch::Sender::new(State::Starting),
            last_exit: Mutex::new(None),
        }
    }

    /// Lives after the first.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Accepted, unfinished items.
    pub fn queue_depth(&self) -> i64 {
        self.queue_depth.load(Ordering::Relaxed)
    }

    /// The current phase.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// The reason of the last end.
    pub fn last_exit(&self) -> Option<ExitReason> {
        self.last_exit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Called by the actor.
    pub fn set_queue_depth(&self, depth: usize) {
        self.queue_depth.store(i64::try_from(depth).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.depth_gauge.set(depth as f64);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn enter(&self, state: State) {
        self.state.send_replace(state);
    }

    pub(super) fn record_exit(&self, reason: &ExitReason) {
        *self.last_exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
    }

    pub(super) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// Replaced actors.
pub(super) fn restarts(kind: &'static str, reason: &'static str) -> metrics::Counter {
    metrics::counter!("orderflow_actor_restarts_total", "actor" => kind, "reason" => reason)
}
