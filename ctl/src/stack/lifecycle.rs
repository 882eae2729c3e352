//! Starts, restarts and stops the processes of a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use servers::{Postgres, Redis};
use tokio::time::sleep;

use super::binaries;
use super::ended::Ended;
use super::error::StackError;
use super::kind::{Kind, ServiceId};
use super::options::{Env, StackOptions};
use super::output::Sink;
use super::servers::Servers;
use super::service::{Plan, Service};
use super::wiring::{self, Addresses, Network};
use crate::state::Credentials;

/// Time between two checks for ended processes.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    // Fields drop in order: the services before the servers that they use.
    services: BTreeMap<ServiceId, Service>,
    servers: Servers,
    network: Network,
    credentials: Credentials,
    env: BTreeMap<Kind, Env>,
    binaries: Option<PathBuf>,
    sink: Sink,
}

impl Stack {
    /// Starts the servers and creates the databases, without a service.
    ///
    /// # Errors
    /// [`StackError::Server`].
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let StackOptions { servers, network, credentials, env, binaries, sink } = options;
        let servers = Servers::start(servers).await?;
        Ok(Self { services: BTreeMap::new(), servers, network, credentials, env, binaries, sink })
    }

    /// Starts one instance of every service, in the order of their dependencies.
    ///
    /// # Errors
    /// The error of the first service that does not start.
    pub async fn start_services(&mut self) -> Result<(), StackError> {
        for kind in Kind::ALL {
            self.start_service(kind).await?;
        }
        Ok(())
    }

    /// Starts an instance. The first of its kind listens on the planned address, further ones on free ports.
    ///
    /// # Errors
    /// See [`Service::start`].
    pub async fn start_service(&mut self, kind: Kind) -> Result<ServiceId, StackError> {
        self.start_service_with(kind, &[]).await
    }

    /// Starts an instance with additional settings, which win over all others.
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
    /// [`StackError::Unknown`] before the first start.
    pub fn first(&self, kind: Kind) -> Result<&Service, StackError> {
        self.service(ServiceId { kind, instance: 1 })
    }

    /// All instances that were started.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// Sends SIGKILL. See [`Service::kill9`].
    ///
    /// # Errors
    /// [`StackError::Unknown`].
    pub async fn kill9(&self, id: ServiceId) -> Result<(), StackError> {
        self.service(id)?.kill9().await;
        Ok(())
    }

    /// Sends SIGTERM. See [`Service::terminate`].
    ///
    /// # Errors
    /// [`StackError::Unknown`], [`StackError::NotEnded`].
    pub async fn terminate(&self, id: ServiceId) -> Result<ExitStatus, StackError> {
        self.service(id)?.terminate().await
    }

    /// Restarts an instance with the same settings and addresses. Ends a running one first.
    ///
    /// # Errors
    /// [`StackError::Unknown`], [`StackError::NotEnded`], and those of [`Service::start`].
    pub async fn restart(&mut self, id: ServiceId) -> Result<(), StackError> {
        self.restart_with(id, &[]).await
    }

    /// [`Stack::restart`] with settings that replace those of the instance, also for later restarts.
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

    /// Replaces the private PostgreSQL and returns the old one, which stops when it is dropped.
    pub fn replace_postgres(&mut self, other: Postgres) -> Option<Postgres> {
        self.postgres().map(|postgres| std::mem::replace(postgres, other))
    }

    /// Restarts an ended part with the same settings, addresses and data.
    ///
    /// # Errors
    /// The errors of its first start.
    pub async fn revive(&mut self, ended: Ended) -> Result<(), StackError> {
        match ended {
            Ended::Service(id) => self.restart(id).await,
            Ended::Server(_) => self.servers.revive().await,
        }
    }

    /// Stops the services, then the servers. Upstream services stop first, and downstream services finish the
    /// events in flight. An error does not end the shutdown.
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

    /// Waits until a part of the stack ends by itself.
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

    /// The private PostgreSQL, to stop, kill and restart it; `None` for an external one.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        match &mut self.servers {
            Servers::Private { postgres, .. } => Some(postgres),
            Servers::External(_) => None,
        }
    }

    /// The private Redis; `None` for an external one.
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
