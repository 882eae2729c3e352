//! The local stack: PostgreSQL, Redis and the service processes on top.
//!
//! `shopctl up` runs one for a person, the end-to-end tests run one each. A stack that is dropped leaves no
//! process; so does one whose process is killed with SIGKILL (see `servers`).
//!
//! ```no_run
//! # async fn example() -> Result<(), ctl::stack::StackError> {
//! use ctl::stack::{Kind, Stack, StackOptions};
//!
//! let mut stack = Stack::start(StackOptions::private("/tmp/orderflow-example")?).await?;
//! stack.start_services().await?;
//! let second = stack.start_service(Kind::Inventory).await?;
//! stack.kill9(second).await?;
//! stack.restart(second).await?;
//! stack.stop_all().await?;
//! # Ok(())
//! # }
//! ```

mod binaries;
mod error;
mod kind;
mod output;
mod servers;
mod service;
mod wiring;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use ::servers::{Durability, Postgres, Redis};
use tokio::time::sleep;

pub use binaries::find as find_binary;
pub use error::StackError;
pub use kind::{Kind, ServiceId};
pub use output::{Listening, Output, Sink};
pub use servers::{ExternalServers, ServerChoice};
pub use service::{Plan, Service};
pub use wiring::{Addresses, Network};

use crate::state::Credentials;
use servers::Servers;

/// How soon a service that ended by itself is noticed.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// Environment variables for one service.
pub type Env = Vec<(String, String)>;

/// How to run a stack.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Private servers, or running ones.
    pub servers: ServerChoice,
    /// Where the first instance of each service listens.
    pub network: Network,
    /// The first ADMIN and the secret of `payment`.
    pub credentials: Credentials,
    /// Settings of every instance of a service; they win over the stack's own.
    pub env: BTreeMap<Kind, Env>,
    /// Where the services' programs are, if not beside the running one.
    pub binaries: Option<PathBuf>,
    /// Where the services' log lines go.
    pub sink: Sink,
}

impl StackOptions {
    /// What a test wants: private servers in `data_dir` that survive `kill -9`, free ports, random
    /// credentials, no output.
    ///
    /// # Errors
    /// [`StackError::NoPort`].
    pub fn private(data_dir: impl Into<PathBuf>) -> Result<Self, StackError> {
        Ok(Self {
            servers: ServerChoice::Private {
                data_dir: data_dir.into(),
                durability: Durability::ProcessCrash,
                postgres: Vec::new(),
            },
            network: Network::free()?,
            credentials: Credentials::random(),
            env: BTreeMap::new(),
            binaries: None,
            sink: Sink::none(),
        })
    }

    /// Adds a setting for every instance of `kind`.
    #[must_use]
    pub fn with_env(mut self, kind: Kind, name: &str, value: &str) -> Self {
        self.env.entry(kind).or_default().push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A part of the stack that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// An instance of a service.
    Service(ServiceId),
    /// `PostgreSQL` or `Redis`.
    Server(&'static str),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(id) => id.fmt(f),
            Self::Server(name) => f.pad(name),
        }
    }
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    // Fields drop in this order: first the services, then what they stand on.
    services: BTreeMap<ServiceId, Service>,
    servers: Servers,
    network: Network,
    credentials: Credentials,
    env: BTreeMap<Kind, Env>,
    binaries: Option<PathBuf>,
    sink: Sink,
}

impl Stack {
    /// Starts the servers and creates the databases; no service yet.
    ///
    /// # Errors
    /// [`StackError::Server`].
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let StackOptions { servers, network, credentials, env, binaries, sink } = options;
        let servers = Servers::start(servers).await?;
        Ok(Self { services: BTreeMap::new(), servers, network, credentials, env, binaries, sink })
    }

    /// Starts one instance of every service, each after those it needs.
    ///
    /// # Errors
    /// Of the first one that does not start.
    pub async fn start_services(&mut self) -> Result<(), StackError> {
        for kind in Kind::ALL {
            self.start_service(kind).await?;
        }
        Ok(())
    }

    /// Starts an instance: the first of its kind on the planned address, further ones on free ports.
    ///
    /// # Errors
    /// See [`Service::start`].
    pub async fn start_service(&mut self, kind: Kind) -> Result<ServiceId, StackError> {
        self.start_service_with(kind, &[]).await
    }

    /// Starts an instance with settings of its own, which win over all others.
    ///
    /// # Errors
    /// See [`Service::start`].
    pub async fn start_service_with(
        &mut self,
        kind: Kind,
        env: &[(&str, &str)],
    ) -> Result<ServiceId, StackError> {
        let instance = 1 + self.services.keys().filter(|id| id.kind == kind).count();
        let at = if instance == 1 { self.network.of(kind) } else { Addresses::free()? };
        let mut plan = wiring::plan(kind, at, &self.network, &self.servers, &self.credentials);
        plan.env.extend(self.env.get(&kind).cloned().unwrap_or_default());
        plan.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let id = ServiceId { kind, instance };
        self.run(id, plan).await?;
        Ok(id)
    }

    /// An instance that was started, running or ended.
    ///
    /// # Errors
    /// [`StackError::Unknown`].
    pub fn service(&self, id: ServiceId) -> Result<&Service, StackError> {
        self.services.get(&id).ok_or(StackError::Unknown(id))
    }

    /// The first instance of a service.
    ///
    /// # Errors
    /// [`StackError::Unknown`] before it was started.
    pub fn first(&self, kind: Kind) -> Result<&Service, StackError> {
        self.service(ServiceId { kind, instance: 1 })
    }

    /// All instances that were started.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// SIGKILL. See [`Service::kill9`].
    ///
    /// # Errors
    /// [`StackError::Unknown`].
    pub async fn kill9(&self, id: ServiceId) -> Result<(), StackError> {
        self.service(id)?.kill9().await;
        Ok(())
    }

    /// SIGTERM. See [`Service::terminate`].
    ///
    /// # Errors
    /// [`StackError::Unknown`], [`StackError::NotEnded`].
    pub async fn terminate(&self, id: ServiceId) -> Result<ExitStatus, StackError> {
        self.service(id)?.terminate().await
    }

    /// Starts an instance again, with the same settings and addresses; ends it first if it still runs.
    ///
    /// # Errors
    /// [`StackError::Unknown`], [`StackError::NotEnded`], and those of [`Service::start`].
    pub async fn restart(&mut self, id: ServiceId) -> Result<(), StackError> {
        self.restart_with(id, &[]).await
    }

    /// As [`Stack::restart`], with settings that win over those it had, from now on.
    ///
    /// # Errors
    /// As [`Stack::restart`].
    pub async fn restart_with(&mut self, id: ServiceId, env: &[(&str, &str)]) -> Result<(), StackError> {
        self.terminate(id).await?;
        let mut plan = self.service(id)?.plan().clone();
        for (name, value) in env {
            plan.env.retain(|(known, _)| known != name);
            plan.env.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.run(id, plan).await
    }

    /// Puts another PostgreSQL in the place of the private one; the old one, which is stopped when it is
    /// dropped.
    pub fn replace_postgres(&mut self, other: Postgres) -> Option<Postgres> {
        self.postgres().map(|postgres| std::mem::replace(postgres, other))
    }

    /// Starts again what has ended, with the same settings, addresses and data.
    ///
    /// # Errors
    /// As at its first start.
    pub async fn revive(&mut self, ended: Ended) -> Result<(), StackError> {
        match ended {
            Ended::Service(id) => self.restart(id).await,
            Ended::Server(_) => self.servers.revive().await,
        }
    }

    /// Stops the services, the upstream ones first so that those below can finish what is on its way; then
    /// the servers. Everything is stopped, whatever fails.
    ///
    /// # Errors
    /// The last [`StackError::NotEnded`].
    pub async fn stop_all(&mut self) -> Result<(), StackError> {
        let mut outcome = Ok(());
        while let Some((_, service)) = self.services.pop_last() {
            outcome = service.terminate().await.map(drop).and(outcome);
        }
        self.servers.stop().await;
        outcome
    }

    /// Waits until something ends that nobody asked to.
    pub async fn any_ended(&self) -> (Ended, ExitStatus) {
        loop {
            let service = || {
                self.services()
                    .find_map(|service| Some((Ended::Service(service.id()), service.exit_status()?)))
            };
            let ended = self.servers.ended().or_else(service);
            match ended {
                Some(ended) => return ended,
                None => sleep(POLL_EVERY).await,
            }
        }
    }

    /// The database of a service.
    #[must_use]
    pub fn database_url(&self, kind: Kind) -> String {
        self.servers.database_url(kind)
    }

    /// Redis.
    #[must_use]
    pub fn redis_url(&self) -> String {
        self.servers.redis_url()
    }

    /// The first ADMIN, and the secrets of this stack.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The private PostgreSQL, to stop, kill and restart it; `None` when it is somebody else's.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        match &mut self.servers {
            Servers::Private { postgres, .. } => Some(postgres),
            Servers::External(_) => None,
        }
    }

    /// The private Redis, likewise.
    pub fn redis(&mut self) -> Option<&mut Redis> {
        match &mut self.servers {
            Servers::Private { redis, .. } => Some(redis),
            Servers::External(_) => None,
        }
    }

    async fn run(&mut self, id: ServiceId, plan: Plan) -> Result<(), StackError> {
        let program = binaries::find(id.kind, self.binaries.as_deref())?;
        let service = Service::start(id, &program, plan, self.sink.clone()).await?;
        self.services.insert(id, service);
        Ok(())
    }
}
