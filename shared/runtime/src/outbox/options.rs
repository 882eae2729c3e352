use events::Route;

use crate::{
    db::Database,
    stream::{Broker, StreamSettings},
};

/// The parts and settings of a relay.
#[derive(Clone)]
pub struct RelayOptions {
    /// The service, as it names itself in Redis.
    pub service: &'static str,
    pub database: Database,
    pub broker: Broker,
    pub settings: StreamSettings,
    /// The routes of the events that this service publishes. Rows of other streams are never swept.
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
