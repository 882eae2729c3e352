//! The private stack of a run. Inventory and payment reach their servers through proxies.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use servers::{Postgres, Redis, through_port};
use tokio::sync::watch;

use super::buyer::Buyer;
use super::direct::{Database, DirectRedis};
use super::folder::RunFolder;
use super::network::{Lane, Network};
use super::process_state::stopped;
use super::products::{PLENTY, SCARCE, one};
use super::profile::Profile;
use super::progress::Progress;
use super::recovery::{PendingRecovery, RecoveryProbe};
use super::run_invariants::RunInvariants;
use super::sustained_load::SustainedLoad;
use ctl::instance::{Admin, http};
use ctl::wait;

use super::ChaosError;
use ctl::api::{Api, Endpoints};
use ctl::client_log::ClientLog;
use ctl::load::ServiceUrls;
use ctl::stack::{Kind, Service, ServiceId, Stack, StackOptions};
use ctl::verify::Sources;

/// Eight for each of two instances.
const PARTITIONS: &str = "16";

#[derive(Debug, Clone)]
pub struct ArenaOptions {
    pub profile: Profile,
    pub instances: usize,
    /// Sixteen partitions of each stream.
    pub partitions: bool,
    pub sustained_load: SustainedLoad,
    /// Rows of `outbox-large`; 0 for its default.
    pub orders: u64,
    /// PostgreSQL's data on a disk that can be filled.
    pub small_disk: bool,
}

pub struct Arena {
    pub stack: Stack,
    pub network: Network,
    pub profile: Profile,
    pub admin: Admin,
    pub buyer: Buyer,
    pub http: reqwest::Client,
    pub progress: Progress,
    pub log: ClientLog,
    /// Observed breaches. Each makes the verdict red.
    pub findings: Vec<String>,
    pub invariants: RunInvariants,
    pub sustained_load: SustainedLoad,
    pub orders: u64,
    /// Whether a group names consumers that are gone for good.
    pub has_stale_names: bool,
    /// The second Redis, primary while the first is demoted.
    pub second_redis: Option<Redis>,
    pub measured: Vec<String>,
    pub folder: RunFolder,
    /// Replaced by a failover.
    current_sources: watch::Sender<Sources>,
}

impl Arena {
    /// Also registers a customer, and creates the products of canaries.
    pub async fn start(
        options: &ArenaOptions,
        mut folder: RunFolder,
        progress: Progress,
    ) -> Result<Self, ChaosError> {
        if options.small_disk {
            folder.shrink_disk()?;
        }
        let mut stack = Stack::start(stack_options(options, &folder)?).await?;
        let network = start_services(&mut stack, options.instances).await?;
        let api = Api::new(endpoints(&stack)?)?;
        let admin = Admin::new(http()?, api.clone(), stack.credentials().admin.clone());
        let log = ClientLog::append_to(&folder.client_log()).map_err(ChaosError::io("write a client log"))?;
        let buyer = Buyer::register(http()?, api, log.clone(), urls(&stack, Kind::Payment)).await?;
        // Fetches a token for the time when `user` is down.
        buyer.account.token().await?;
        let inventory = stack.first(Kind::Inventory)?.url();
        admin.create_product(&inventory, PLENTY, 1_000_000).await?;
        admin.create_product(&inventory, SCARCE, 1).await?;
        let current_sources = watch::Sender::new(sources(&stack));
        let sustained_load = options.sustained_load.clone();
        let orders = options.orders;
        let (findings, measured, invariants) = Default::default();
        let profile = options.profile;
        let http = http()?;
        let second_redis = None;
        Ok(Self {
            stack,
            network,
            profile,
            admin,
            buyer,
            http,
            progress,
            log,
            findings,
            invariants,
            sustained_load,
            orders,
            has_stale_names: false,
            second_redis,
            measured,
            folder,
            current_sources,
        })
    }

    #[must_use]
    pub fn ids(&self, kind: Kind) -> Vec<ServiceId> {
        self.stack.services().map(Service::id).filter(|id| id.kind == kind).collect()
    }

    pub fn url(&self, id: ServiceId) -> Result<String, ChaosError> {
        Ok(self.stack.service(id)?.url())
    }

    pub fn consumer(&self, id: ServiceId) -> Result<String, ChaosError> {
        self.stack.service(id)?;
        Ok(format!("chaos-{id}"))
    }

    /// The proxies of an instance. Fails for `user`, which has none.
    pub fn lane(&self, id: ServiceId) -> Result<&Lane, ChaosError> {
        self.network.lane(id)
    }

    /// Past the proxies.
    #[must_use]
    pub fn database(&self, kind: Kind) -> Database {
        Database::at(self.stack.database_url(kind))
    }

    /// Past the proxies.
    pub fn redis(&self) -> Result<DirectRedis, ChaosError> {
        DirectRedis::at(&self.stack.redis_url())
    }

    pub fn postgres_server(&mut self) -> Result<&mut Postgres, ChaosError> {
        self.stack.postgres().ok_or_else(|| ChaosError::Impossible("PostgreSQL is not private".to_owned()))
    }

    pub fn redis_server(&mut self) -> Result<&mut Redis, ChaosError> {
        self.stack.redis().ok_or_else(|| ChaosError::Impossible("Redis is not private".to_owned()))
    }

    #[must_use]
    pub fn shop(&self) -> ServiceUrls {
        ServiceUrls {
            user: urls(&self.stack, Kind::User),
            inventory: urls(&self.stack, Kind::Inventory),
            payment: urls(&self.stack, Kind::Payment),
        }
    }

    #[must_use]
    pub fn sources(&self) -> Sources {
        sources(&self.stack)
    }

    /// Updated by each failover.
    #[must_use]
    pub fn current_sources(&self) -> watch::Receiver<Sources> {
        self.current_sources.subscribe()
    }

    /// Returns the old server.
    pub fn follow_postgres(&mut self, other: Postgres) -> Option<Postgres> {
        let old = self.stack.replace_postgres(other);
        self.current_sources.send_replace(sources(&self.stack));
        old
    }

    pub fn database_through_proxy(&self, id: ServiceId) -> Result<String, ChaosError> {
        Ok(through_port(&self.stack.database_url(id.kind), self.lane(id)?.postgres.port()))
    }

    #[must_use]
    pub fn begin_recovery(&self, limit: Duration) -> PendingRecovery {
        let urls = self.stack.services().map(Service::url).collect();
        RecoveryProbe {
            buyer: self.buyer.clone(),
            payment: self.database(Kind::Payment),
            http: self.http.clone(),
            urls,
        }
        .begin(limit)
    }

    /// Sends SIGKILL. Returns the exit status as evidence.
    pub async fn kill9(&self, id: ServiceId) -> Result<String, ChaosError> {
        let pid = self.stack.service(id)?.pid();
        self.stack.kill9(id).await?;
        let status = self.stack.service(id)?.exit_status();
        match status.and_then(|status| status.signal()) {
            Some(9) => Ok(format!("{id} (pid {pid}) ended by signal 9")),
            _ => Err(ChaosError::NotLanded(format!("{id} (pid {pid}): {status:?}"))),
        }
    }

    /// Records each instance that ended by itself as a finding.
    pub async fn revive(&mut self) -> Result<(), ChaosError> {
        let ended: Vec<_> = self
            .stack
            .services()
            .filter_map(|service| Some((service.id(), service.exit_status()?)))
            .collect();
        for (id, status) in ended {
            let tail = self.stack.service(id)?.output().tail();
            self.findings.push(format!("{id} ended by itself ({status}); its last lines:\n{tail}"));
            self.invariants.readiness.note(&id.to_string(), Some(format!("ended by itself ({status})")));
            self.stack.restart(id).await?;
        }
        Ok(())
    }

    /// Sends orders of every kind and creates a product.
    pub async fn exercise_every_step(&self, payment: &str) -> Result<(), ChaosError> {
        for sku in [PLENTY, SCARCE] {
            let key = uuid::Uuid::now_v7().to_string();
            self.buyer.send(payment, &one(sku), &key).await?;
        }
        let standing =
            |service: &&Service| service.id().kind == Kind::Inventory && stopped(service.pid()).is_err();
        let Some(inventory) = self.stack.services().find(standing).map(Service::url) else { return Ok(()) };
        let sku = format!("CHAOS-{}", uuid::Uuid::new_v4().simple().to_string().to_uppercase());
        // Ignored: the fault may have killed this instance already.
        _ = self.admin.create_product(&inventory, &sku, 1).await;
        Ok(())
    }

    /// Sends orders until the evidence is there.
    pub async fn landed<T>(
        &self,
        payment: &str,
        within: Duration,
        mut look: impl AsyncFnMut() -> Result<T, String>,
    ) -> Result<T, ChaosError> {
        let mut looks = 0_u32;
        let seen = wait::until("evidence", within, async || {
            let seen = look().await;
            looks += 1;
            // Twice a second: too little to be a load.
            if seen.is_err() && looks.is_multiple_of(10) {
                self.exercise_every_step(payment).await.map_err(|error| error.to_string())?;
            }
            seen
        });
        seen.await.map_err(|error| ChaosError::NotLanded(error.to_string()))
    }
}

fn stack_options(options: &ArenaOptions, folder: &RunFolder) -> Result<StackOptions, ChaosError> {
    let mut stack = StackOptions::private(folder.path())?;
    stack.sink = folder.sink();
    for kind in Kind::ALL {
        for (name, value) in options.profile.settings(kind) {
            stack = stack.with_env(kind, name, value);
        }
        if options.partitions && kind != Kind::User {
            stack = stack.with_env(kind, "STREAM_PARTITIONS", PARTITIONS);
        }
    }
    Ok(stack)
}

async fn start_services(stack: &mut Stack, instances: usize) -> Result<Network, ChaosError> {
    stack.start_service(Kind::User).await?;
    let postgres = stack.postgres().map(|server| server.port());
    let redis = stack.redis().map(|server| server.port());
    let mut network = Network::new()?;
    for kind in [Kind::Inventory, Kind::Payment] {
        for instance in 1..=instances {
            let id = ServiceId { kind, instance };
            let lane = network.add(id, postgres.unwrap_or_default(), redis.unwrap_or_default())?;
            let database = through_port(&stack.database_url(kind), lane.postgres.port());
            let redis = through_port(&stack.redis_url(), lane.redis.port());
            let name = format!("chaos-{id}");
            let env = [
                ("DATABASE_URL", database.as_str()),
                ("REDIS_URL", redis.as_str()),
                ("CONSUMER_NAME", name.as_str()),
            ];
            stack.start_service_with(kind, &env).await?;
        }
    }
    Ok(network)
}

fn sources(stack: &Stack) -> Sources {
    Sources {
        user_database: stack.database_url(Kind::User),
        inventory_database: stack.database_url(Kind::Inventory),
        payment_database: stack.database_url(Kind::Payment),
        redis: stack.redis_url(),
    }
}

fn urls(stack: &Stack, kind: Kind) -> Vec<String> {
    stack.services().filter(|service| service.id().kind == kind).map(Service::url).collect()
}

fn endpoints(stack: &Stack) -> Result<Endpoints, ChaosError> {
    let url = |kind| stack.first(kind).map(Service::url);
    Ok(Endpoints { user: url(Kind::User)?, inventory: url(Kind::Inventory)?, payment: url(Kind::Payment)? })
}
