//! The proxies of all instances, in a thread that other work leaves undelayed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::runtime::{Builder, Runtime};

use super::ChaosError;
use super::proxy::{Protocol, Proxy};
use ctl::stack::ServiceId;

#[derive(Debug)]
pub struct Lane {
    pub postgres: Proxy,
    pub redis: Proxy,
}

#[derive(Debug)]
pub struct Network {
    lanes: BTreeMap<ServiceId, Lane>,
    thread: Option<Runtime>,
}

impl Network {
    pub fn new() -> Result<Self, ChaosError> {
        let thread =
            Builder::new_multi_thread().worker_threads(1).thread_name("proxies").enable_all().build();
        Ok(Self {
            lanes: BTreeMap::new(),
            thread: Some(thread.map_err(ChaosError::io("start a thread for proxies"))?),
        })
    }

    /// The servers are on these ports of 127.0.0.1.
    pub fn add(&mut self, id: ServiceId, postgres: u16, redis: u16) -> Result<&Lane, ChaosError> {
        // Tasks spawned under this guard run on the thread of the proxies.
        let _there = self.thread.as_ref().map(Runtime::enter);
        let start = |protocol, port| {
            let proxy = Proxy::start(protocol, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            proxy.map_err(ChaosError::io("start a proxy"))
        };
        let lane =
            Lane { postgres: start(Protocol::Postgres, postgres)?, redis: start(Protocol::Redis, redis)? };
        Ok(self.lanes.entry(id).insert_entry(lane).into_mut())
    }

    pub fn lane(&self, id: ServiceId) -> Result<&Lane, ChaosError> {
        self.lanes.get(&id).ok_or_else(|| ChaosError::Impossible(format!("{id} has no proxy")))
    }

    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.lanes.clear();
        // A plain drop blocks, which is forbidden inside a runtime.
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}
