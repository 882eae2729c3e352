//! The networks of all instances: a proxy before each server, on a thread of their own. What else this
//! process does must not look like a slow network.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::runtime::{Builder, Runtime};

use super::ChaosError;
use super::proxy::{Protocol, Proxy};
use ctl::stack::ServiceId;

/// The network of one instance.
#[derive(Debug)]
pub struct Lane {
    /// Between it and PostgreSQL.
    pub postgres: Proxy,
    /// Between it and Redis.
    pub redis: Proxy,
}

/// All of them.
#[derive(Debug)]
pub struct Network {
    lanes: BTreeMap<ServiceId, Lane>,
    thread: Option<Runtime>,
}

impl Network {
    /// No lane yet.
    ///
    /// # Errors
    /// [`ChaosError::Io`] when there is no thread to be had.
    pub fn new() -> Result<Self, ChaosError> {
        let thread =
            Builder::new_multi_thread().worker_threads(1).thread_name("proxies").enable_all().build();
        Ok(Self {
            lanes: BTreeMap::new(),
            thread: Some(thread.map_err(ChaosError::io("start a thread for proxies"))?),
        })
    }

    /// A lane for an instance that will be started: to the servers on these ports of 127.0.0.1.
    ///
    /// # Errors
    /// [`ChaosError::Io`] when there is no port to be had.
    pub fn add(&mut self, id: ServiceId, postgres: u16, redis: u16) -> Result<&Lane, ChaosError> {
        // What is spawned while this lives runs over there.
        let _there = self.thread.as_ref().map(Runtime::enter);
        let start = |protocol, port| {
            let proxy = Proxy::start(protocol, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            proxy.map_err(ChaosError::io("start a proxy"))
        };
        let lane =
            Lane { postgres: start(Protocol::Postgres, postgres)?, redis: start(Protocol::Redis, redis)? };
        Ok(self.lanes.entry(id).insert_entry(lane).into_mut())
    }

    /// The network of an instance of inventory or payment.
    ///
    /// # Errors
    /// [`ChaosError::Impossible`] for another one.
    pub fn lane(&self, id: ServiceId) -> Result<&Lane, ChaosError> {
        self.lanes.get(&id).ok_or_else(|| ChaosError::Impossible(format!("{id} has no proxy")))
    }

    /// All of them.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.lanes.clear();
        // An ordinary drop waits for the thread, which a runtime forbids.
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}
