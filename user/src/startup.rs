//! The composition root.

use runtime::{
    auth::{KeyDocument, KeySet, Verifier},
    down,
    service::{Api, Service},
    shutdown::Cause,
};

use crate::{
    SERVICE,
    actors::{
        AccountRepository, Accounts, Clients, ClientsParts, KeyWatch, KeyWatchParts, PasswordHasher,
        Sessions, SessionsParts,
    },
    http::{self, Addresses},
    preparation,
    settings::Settings,
    store::revocations,
    tokens::{Issuer, PublishedKeys, key_set},
};
pub use crate::{preparation::migrations, start_error::StartError};

/// Runs until a signal or a fault.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    let hasher = PasswordHasher::new(settings.hash_concurrency, settings.hash_queue)?;
    let service = Service::prepare(SERVICE, &settings.common, migrations).await?;
    let keys = preparation::prepare(&settings, &hasher, &service.database).await?;
    let issuer = Issuer::new(keys.first().ok_or(StartError::NoSigningKey)?, settings.token_rules());
    let public_keys = key_set(&keys);
    // Read before serving: a document without revocations would undo them elsewhere until the next look.
    let connection = service.background_database.connection().await?;
    let not_before = revocations::current(&connection, settings.access_token_ttl).await?;
    drop(connection);
    let document = KeyDocument { keys: public_keys.clone(), not_before };

    let deadline = settings.common.database.commit_deadline;
    let repository = AccountRepository { database: service.requests.clone(), hasher, deadline };
    let accounts = Accounts::start(&service.core, repository.clone());
    let sessions_parts = SessionsParts {
        repository,
        issuer: issuer.clone(),
        refresh_life: settings.refresh_token_ttl,
        limits: settings.attempt_limits,
    };
    let sessions = Sessions::start(&service.core, sessions_parts);
    let clients_parts = ClientsParts { database: service.requests.clone(), deadline, issuer };
    let clients = Clients::start(&service.core, clients_parts);

    let key_set = KeySet::local(&public_keys);
    key_set.replace(&document);
    let published = PublishedKeys::new(document);
    let watch = KeyWatchParts {
        database: service.background_database.clone(),
        keys: key_set.clone(),
        published: published.clone(),
        encryption: settings.key_encryption.clone(),
        known: keys,
        interval: settings.jwks_interval,
        token_life: settings.access_token_ttl,
    };
    let watch = KeyWatch::start(&service.background, watch);
    let verifier = Verifier::new(key_set.clone(), &settings.verification());
    let addresses =
        Addresses { accounts: accounts.clone(), sessions: sessions.clone(), clients: clients.clone() };
    let routes = http::routes(addresses, published);
    let api = Api { keys: key_set, verifier, openapi: http::openapi(), routes };
    let stages =
        down!["accounts" => accounts, "sessions" => sessions, "clients" => clients, "key-watch" => watch];
    Ok(service.run(api, None, stages).await?)
}
