//! The composition root.

use runtime::{
    auth::{KeySet, Verifier},
    down,
    service::{Api, Service},
    shutdown::Cause,
};

use crate::{
    SERVICE,
    actors::{AccountRepository, Accounts, AccountsParts, PasswordHasher, ServiceTokens},
    http::{self, Addresses},
    preparation,
    settings::Settings,
    tokens::{Issuer, key_set},
};
pub use crate::{preparation::migrations, start_error::StartError};

/// Runs until a signal or a fault.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    let hasher = PasswordHasher::new(settings.hash_concurrency, settings.hash_queue)?;
    let service = Service::prepare(SERVICE, &settings.common, migrations).await?;
    let keys = preparation::prepare(&settings, &hasher, &service.database).await?;
    let issuer = Issuer::new(keys.first().ok_or(StartError::NoSigningKey)?, settings.token_rules());
    let public_keys = key_set(&keys);

    let deadline = settings.common.database.commit_deadline;
    let repository = AccountRepository { database: service.requests.clone(), hasher, deadline };
    let accounts = Accounts::start(&service.core, AccountsParts { repository, issuer: issuer.clone() });
    let service_tokens = ServiceTokens::start(&service.core, settings.service_clients.clone(), issuer);

    let keys = KeySet::fixed(&public_keys);
    let verifier = Verifier::new(keys.clone(), &settings.verification());
    let addresses = Addresses { accounts: accounts.clone(), service_tokens: service_tokens.clone() };
    let routes = http::routes(addresses, public_keys);
    let api = Api { keys, verifier, openapi: http::openapi(), routes };
    let stages = down!["accounts" => accounts, "service-tokens" => service_tokens];
    Ok(service.run(api, None, stages).await?)
}
