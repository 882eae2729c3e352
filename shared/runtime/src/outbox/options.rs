use events::Route;

use crate::{
    db::Database,
    stream::{Broker, StreamSettings},
};

/// The parts and settings of a relay.
#[derive(Clone)]
pub struct RelayOptions {
    /// The name of the service in Redis and in metrics.
    pub service: &'static str,
    /// The pool of the relay's arbiter.
    pub database: Database,
    /// The connection to Redis.
    pub broker: Broker,
    /// Lease, interval of the sweep and backlog.
    pub settings: StreamSettings,
    /// The routes of the events that this service publishes. The sweep skips rows of other streams.
    pub routes: Vec<Route>,
    /// The group in which this service reads the replies.
    pub group: &'static str,
}

impl RelayOptions {
    /// The relay of `service`, with its routes of the contract.
    #[must_use]
    pub fn of(
        service: &'static str,
        database: &Database,
        broker: &Broker,
        settings: &StreamSettings,
    ) -> Self {
        Self {
            service,
            database: database.clone(),
            broker: broker.clone(),
            settings: settings.clone(),
            routes: events::published_by(service).copied().collect(),
            group: events::consumed_by(service).next().map_or("", |route| route.group),
        }
    }
}
