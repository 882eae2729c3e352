use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use events::Event;
use futures_util::future::{LocalBoxFuture, join_all};

use super::{Broker, Consumer, ConsumerSpec, EventHandler, consumer_state::ConsumerState, partitions};
use crate::{
    stream::StreamSettings,
    supervisor::{Drainable, RestartPolicy, SupervisorHandle},
};

/// The consumers of a service: one actor per partition.
pub struct ConsumerSet {
    supervisor: SupervisorHandle,
    group: &'static str,
    settings: StreamSettings,
    broker: Broker,
    specs: Vec<ConsumerSpec>,
    actors: Vec<Box<dyn Drainable>>,
}

impl ConsumerSet {
    /// Creates an empty set.
    #[must_use]
    pub fn new(
        supervisor: &SupervisorHandle,
        group: &'static str,
        settings: &StreamSettings,
        broker: &Broker,
    ) -> Self {
        let supervisor = supervisor.clone();
        let settings = settings.clone();
        let broker = broker.clone();
        Self { supervisor, group, settings, broker, specs: Vec::new(), actors: Vec::new() }
    }

    /// Starts a consumer per partition; `handler` runs once per actor life.
    #[must_use]
    pub fn with<H, F>(mut self, handler: F) -> Self
    where
        H: EventHandler,
        F: FnMut() -> H + Clone + Send + 'static,
    {
        for key in partitions(H::Event::STREAM, self.settings.partitions) {
            let spec = ConsumerSpec::new(H::Event::STREAM, &key, self.group, &self.settings, &self.broker);
            self.specs.push(spec.clone());
            let state = Arc::<Mutex<ConsumerState>>::default();
            let mut handler = handler.clone();
            let start = move |life| Consumer::new(spec.clone(), handler(), Arc::clone(&state), life);
            let actor = self.supervisor.supervise("consumer", key, RestartPolicy::default(), start);
            self.actors.push(Box::new(actor));
        }
        self
    }

    /// The consumers, for the operations API.
    #[must_use]
    pub fn specs(&self) -> &[ConsumerSpec] {
        &self.specs
    }

    /// False if one consumer exceeds `limit`.
    pub async fn drain(&self, limit: Duration) -> bool {
        let drained = join_all(self.actors.iter().map(|actor| actor.drain(limit))).await;
        drained.into_iter().all(|in_time| in_time)
    }
}

impl Drainable for ConsumerSet {
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool> {
        Box::pin(Self::drain(self, limit))
    }
}
