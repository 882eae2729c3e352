//! The composition root.

mod metrics;

use std::{collections::HashMap, sync::Arc};

use runtime::{
    auth::{KeyDocument, KeySet, Verifier},
    down,
    service::{Api, Service},
    shutdown::Cause,
    supervisor::Supervised,
};
use tokio::sync::Mutex;

use crate::{
    SERVICE,
    actors::{
        AccountRepository, Accounts, Clients, ClientsParts, Keyring, PasswordHasher, RateLimits, Sessions,
        SessionsParts, SigningKeys,
    },
    http::{self, Addresses, Limit, Limits},
    preparation,
    settings::{Settings, SourceLimits},
    tokens::{Issuer, PublishedKeys, key_set},
};
pub use crate::{preparation::migrations, start_error::StartError};

/// Runs until a signal or a fault.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    let hasher = PasswordHasher::new(settings.hash_concurrency, settings.hash_queue, settings.hash_share)?;
    let service = Service::prepare(SERVICE, &settings.common, migrations).await?;
    metrics::register();
    let keys = preparation::prepare(&settings, &hasher, &service.database).await?;
    let issuer = Issuer::new(keys.first().ok_or(StartError::NoSigningKey)?, settings.token_rules());
    let deadline = settings.common.database.commit_deadline;
    let repository = AccountRepository { database: service.requests.clone(), hasher, deadline };
    let accounts = Accounts::start(&service.core, repository.clone());
    let rate_limits = RateLimits::start(&service.core, repository.clone());
    let limits = limits(&settings.source_limits, &rate_limits);
    let sessions_parts = SessionsParts {
        repository,
        issuer: issuer.clone(),
        refresh_life: settings.refresh_token_ttl,
        limits: settings.attempt_limits,
    };
    let sessions = Sessions::start(&service.core, sessions_parts);
    let clients_parts = ClientsParts { database: service.requests.clone(), deadline, issuer: issuer.clone() };
    let clients = Clients::start(&service.core, clients_parts);

    let public_keys = key_set(&keys);
    let key_set = KeySet::local(&public_keys);
    let published = PublishedKeys::new(KeyDocument { keys: public_keys, not_before: HashMap::new() });
    let keyring = Keyring {
        database: service.background_database.clone(),
        deadline,
        encryption: settings.key_encryption.clone(),
        schedule: settings.key_schedule(),
        token_life: settings.access_token_ttl,
        issuer,
        keys: key_set.clone(),
        published: published.clone(),
        known: Arc::new(Mutex::new(keys)),
    };
    // Before serving: a document without revocations would undo them elsewhere until the next look.
    keyring.refresh().await?;
    let signing_keys = SigningKeys::start(&service.background, keyring, settings.jwks_interval);
    let verifier = Verifier::new(key_set.clone(), &settings.verification());
    let addresses = Addresses {
        accounts: accounts.clone(),
        sessions: sessions.clone(),
        clients: clients.clone(),
        signing_keys: signing_keys.clone(),
    };
    let routes = http::routes(addresses, limits, published, settings.public_url.as_str());
    let api = Api { keys: key_set, verifier, openapi: http::openapi(), routes, own_history: &[] };
    let stages = down!["accounts" => accounts, "sessions" => sessions, "clients" => clients,
              "rate-limits" => rate_limits, "signing-keys" => signing_keys];
    Ok(service.run(api, None, stages).await?)
}

fn limits(policies: &SourceLimits, everywhere: &Supervised<RateLimits>) -> Limits {
    let limit = |policy| Limit::new(policy, everywhere);
    Limits {
        logins: limit(policies.logins),
        registrations: limit(policies.registrations),
        refreshes: limit(policies.refreshes),
        token_requests: limit(policies.token_requests),
        client_token_requests: limit(policies.client_token_requests),
    }
}
