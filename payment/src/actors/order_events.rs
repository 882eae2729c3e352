//! The transitions of one order as they happen, for a client that listens.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::Subscription;
use crate::domain::{Order, Transition};

/// Ends after the final state, at the end of the service, and when its time is up. Memory: one order.
#[derive(Debug)]
pub struct OrderEvents {
    order: Order,
    subscription: Subscription,
    /// The version that the client has.
    seen: i32,
    heartbeat: Interval,
    ends_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderEvent {
    /// One or more.
    Transitions(Vec<Transition>),
    /// Nothing happened for a while.
    Heartbeat,
}

impl OrderEvents {
    /// `subscription` is older than the read of `order`, so that no transition is missed.
    pub fn new(
        order: Order,
        subscription: Subscription,
        seen: i32,
        heartbeat: Duration,
        time: Duration,
    ) -> Self {
        let now = Instant::now();
        let mut heartbeat = interval_at(now + heartbeat, heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { order, subscription, seen, heartbeat, ends_at: now + time }
    }

    /// `None`: the end.
    pub async fn next(&mut self) -> Option<OrderEvent> {
        loop {
            let news = self.news();
            if !news.is_empty() {
                return Some(OrderEvent::Transitions(news));
            }
            if self.order.status.is_terminal() {
                return None;
            }
            let shutdown = self.subscription.shutdown();
            tokio::select! {
                biased;
                progress = self.subscription.next() => self.order.advance(&progress),
                () = shutdown.begun() => return None,
                () = sleep_until(self.ends_at) => return None,
                _ = self.heartbeat.tick() => return Some(OrderEvent::Heartbeat),
            }
        }
    }

    /// A transition that was missed in between is in the timeline.
    fn news(&mut self) -> Vec<Transition> {
        let news: Vec<Transition> =
            self.order.timeline().filter(|transition| transition.version > self.seen).collect();
        self.seen = news.last().map_or(self.seen, |last| last.version);
        news
    }
}
