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

const POLL_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct Stack {
    // Services drop before the servers they use.
    services: BTreeMap<ServiceId, Service>,
    servers: Servers,
    network: Network,
    credentials: Credentials,
    env: BTreeMap<Kind, Env>,
    binaries: Option<PathBuf>,
    sink: Sink,
}

impl Stack {
    /// Creates the databases and starts no service.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let StackOptions { servers, network, credentials, env, binaries, sink } = options;
        let servers = Servers::start(servers).await?;
        Ok(Self { services: BTreeMap::new(), servers, network, credentials, env, binaries, sink })
    }

    /// Starts one instance of each service, in order.
    pub async fn start_services(&mut self) -> Result<(), StackError> {
        for kind in Kind::ALL {
            self.start_service(kind).await?;
        }
        Ok(())
    }

    /// The first of a kind listens on the planned address, others on free ports.
    pub async fn start_service(&mut self, kind: Kind) -> Result<ServiceId, StackError> {
        self.start_service_with(kind, &[]).await
    }

    /// `env` wins over all other settings.
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

    /// A started instance, running or ended.
    pub fn service(&self, id: ServiceId) -> Result<&Service, StackError> {
        self.services.get(&id).ok_or(StackError::Unknown(id))
    }

    /// The first instance, once started.
    pub fn first(&self, kind: Kind) -> Result<&Service, StackError> {
        self.service(ServiceId { kind, instance: 1 })
    }

    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// See [`Service::kill9`].
    pub async fn kill9(&self, id: ServiceId) -> Result<(), StackError> {
        self.service(id)?.kill9().await;
        Ok(())
    }

    /// See [`Service::terminate`].
    pub async fn terminate(&self, id: ServiceId) -> Result<ExitStatus, StackError> {
        self.service(id)?.terminate().await
    }

    /// Keeps settings and addresses; a running instance ends first.
    pub async fn restart(&mut self, id: ServiceId) -> Result<(), StackError> {
        self.restart_with(id, &[]).await
    }

    /// Replaces the settings for later restarts too.
    pub async fn restart_with(&mut self, id: ServiceId, env: &[(&str, &str)]) -> Result<(), StackError> {
        self.terminate(id).await?;
        let mut plan = self.service(id)?.plan().clone();
        for (name, value) in env {
            plan.env.retain(|(known, _)| known != name);
            plan.env.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.run(id, plan).await
    }

    /// Returns the old server, which stops when dropped.
    pub fn replace_postgres(&mut self, other: Postgres) -> Option<Postgres> {
        self.postgres().map(|postgres| std::mem::replace(postgres, other))
    }

    /// Keeps settings, addresses and data.
    pub async fn revive(&mut self, ended: Ended) -> Result<(), StackError> {
        match ended {
            Ended::Service(id) => self.restart(id).await,
            Ended::Server(_) => self.servers.revive().await,
        }
    }

    /// Upstream services first: downstream ones finish the events in flight.
    ///
    /// # Errors
    /// The last [`StackError::NotEnded`]; the shutdown continues.
    pub async fn stop_all(&mut self) -> Result<(), StackError> {
        let mut outcome = Ok(());
        while let Some((_, service)) = self.services.pop_last() {
            outcome = service.terminate().await.map(drop).and(outcome);
        }
        self.servers.stop().await;
        outcome
    }

    /// Waits for a part to end by itself.
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

    #[must_use]
    pub fn database_url(&self, kind: Kind) -> String {
        self.servers.database_url(kind)
    }

    #[must_use]
    pub fn redis_url(&self) -> String {
        self.servers.redis_url()
    }

    /// The first ADMIN, and the secrets.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// `None` for an external one.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        match &mut self.servers {
            Servers::Private { postgres, .. } => Some(postgres),
            Servers::External(_) => None,
        }
    }

    /// `None` for an external one.
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
