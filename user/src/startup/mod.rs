//! The composition root: what is made of what, downstream first, and taken down in the order of promise 9.

mod error;
mod preparation;

use actix_rt::Arbiter;
use runtime::{
    auth::{KeySet, Verifier},
    db::Database,
    http::{HttpOptions, Readiness, RunningHttp},
    ops::{self, Operations, OpsSources},
    shutdown::{Cause, Deadline, Shutdown},
    supervisor::{Roster, Supervised, SupervisorHandle},
    telemetry,
};

pub use error::StartError;
pub use preparation::migrations;

use crate::{
    actors::{Accounts, Ledger, PasswordHasher, ServiceTokens},
    domain::SigningKey,
    http::{self, Addresses, SERVICE},
    settings::Settings,
    tokens::{Issuer, key_set},
};

/// Everything that runs, in the order it is taken down.
struct Service {
    http: RunningHttp,
    addresses: Addresses,
    operations: Supervised<Operations>,
    databases: [Database; 2],
    arbiters: [Arbiter; 2],
}

/// Runs the service until it is told to end, or cannot go on.
///
/// # Errors
/// It cannot start: see [`StartError`].
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    let metrics = telemetry::install_metrics();
    let hasher = PasswordHasher::new(settings.hash_concurrency, settings.hash_queue)?;
    let keys = preparation::prepare(&settings, &hasher).await?;
    let shutdown = Shutdown::default();
    let service = start(&settings, hasher, &keys, &shutdown, metrics)?;
    let cause = shutdown.wait().await.map_err(StartError::Signals)?;
    tracing::info!(?cause, "shutting down");
    service.stop(&settings).await;
    Ok(cause)
}

fn start(
    settings: &Settings,
    hasher: PasswordHasher,
    keys: &[SigningKey],
    shutdown: &Shutdown,
    metrics: telemetry::PrometheusHandle,
) -> Result<Service, StartError> {
    let signing = keys.first().ok_or(StartError::NoSigningKey)?;
    let (public_keys, issuer) = (key_set(keys), Issuer::new(signing, settings.token_rules()));
    let key_set = KeySet::fixed(&public_keys);
    let roster = Roster::default();

    // The accounts own one arbiter and its connections; operators look at the service from another one.
    let [core, watch] = [Arbiter::new(), Arbiter::new()];
    let watch_database = Database::open("operations", &settings.common.database)?;
    let core_database = watch_database.requests("core")?;
    let core_supervisor = SupervisorHandle::start(&core.handle(), &roster, shutdown.clone());
    let watch_supervisor = SupervisorHandle::start(&watch.handle(), &roster, shutdown.clone());

    let ledger = Ledger {
        database: core_database.clone(),
        hasher,
        deadline: settings.common.database.commit_deadline,
    };
    let accounts = Accounts::start(&core_supervisor, ledger, issuer.clone());
    let service_tokens = ServiceTokens::start(&core_supervisor, settings.service_clients.clone(), issuer);

    let readiness = Readiness::new(SERVICE, shutdown.clone(), &["database", "token-keys"]);
    let sources = OpsSources {
        database: watch_database.clone(),
        readiness: readiness.clone(),
        keys: key_set.clone(),
        streams: None,
    };
    let operations = ops::start(&watch_supervisor, &sources);

    let options = HttpOptions {
        service: SERVICE,
        settings: settings.common.clone(),
        readiness,
        verifier: Verifier::new(key_set, &settings.verification()),
        metrics,
        openapi: http::openapi(),
    };
    let addresses = Addresses { accounts, service_tokens };
    let (for_routes, for_ops, faults) = (addresses.clone(), operations.clone(), settings.common.faults);
    let http = runtime::http::start(&options, move |config| {
        config.configure(http::routes(for_routes.clone(), public_keys.clone()));
        config.configure(ops::routes(SERVICE, for_ops.clone(), roster.clone(), faults));
    })?;
    Ok(Service {
        http,
        addresses,
        operations,
        databases: [core_database, watch_database],
        arbiters: [core, watch],
    })
}

impl Service {
    /// Requests finish first, then the actors that answered them, then what watched them.
    async fn stop(self, settings: &Settings) {
        self.http.give_notice().await;
        let down = Deadline::after(settings.common.shutdown_timeout);
        self.http.stop().await;
        down.stage("accounts", self.addresses.accounts.drain(down.left())).await;
        down.stage("service-tokens", self.addresses.service_tokens.drain(down.left())).await;
        down.stage("operations", self.operations.drain(down.left())).await;
        self.databases.iter().for_each(Database::close);
        self.http.stop_metrics().await;
        for arbiter in self.arbiters {
            arbiter.stop();
        }
    }
}
