use events::Route;

use crate::{
    db::Database,
    stream::{Broker, StreamSettings},
};

/// The parts and settings of a relay.
#[derive(Clone)]
pub struct RelayOptions {
    /// Name in Redis and metrics.
    pub service: &'static str,
    pub database: Database,
    pub broker: Broker,
    pub settings: StreamSettings,
    /// The sweep skips other streams.
    pub routes: Vec<Route>,
    /// The group that reads the replies.
    pub group: &'static str,
}

impl RelayOptions {
    /// With the routes of the contract.
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

    pub(super) fn republished(&self) -> metrics::Counter {
        metrics::counter!("orderflow_outbox_republished_total", "service" => self.service)
    }
}
