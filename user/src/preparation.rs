//! The rows needed before serving: a signing key, the first ADMIN and the OAuth clients of the settings.

use std::time::Duration;

use refinery::Runner;
use runtime::{
    audit,
    auth::{Role, Scope},
    db::{Database, DbError},
};
use serde_json::Map;
use uuid::Uuid;

use crate::{
    actors::{AccountRepository, OURSELVES, PasswordHasher},
    domain::{KeyRecord, KeyState, Registration, SigningKey, StoredKey},
    settings::{NewAdmin, Settings},
    start_error::StartError,
    store::{
        accounts,
        clients::{self, NewClient},
        signing_keys,
    },
    tokens,
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Creates missing rows and returns the signing keys, first the one that signs.
pub(crate) async fn prepare(
    settings: &Settings,
    hasher: &PasswordHasher,
    database: &Database,
) -> Result<Vec<SigningKey>, StartError> {
    let keys = signing_keys(database, settings).await?;
    let repository = AccountRepository {
        database: database.clone(),
        hasher: hasher.clone(),
        deadline: settings.common.database.commit_deadline,
    };
    if let Some(admin) = &settings.first_admin {
        create_unless_there(&repository, admin).await?;
    }
    create_clients(settings, database).await?;
    Ok(keys)
}

/// Loads the signing keys, or makes the first one. Stores them in the form that the settings ask for.
async fn signing_keys(database: &Database, settings: &Settings) -> Result<Vec<SigningKey>, StartError> {
    let (encryption, schedule) = (&settings.key_encryption, settings.key_schedule());
    let key = tokens::generate()?;
    let secret = encryption.seal(&key)?;
    let fresh = StoredKey { kid: key.kid, public_key: key.public_key, secret };
    let records = patiently(async || {
        signing_keys::load_or_insert(&database.connection().await?, &fresh, schedule).await
    })
    .await?;
    let mut keys = Vec::new();
    for KeyRecord { key: stored, state, .. } in &records {
        let key = encryption.open(stored)?;
        if !encryption.is_current(stored) {
            let secret = encryption.seal(&key)?;
            let replace =
                async || signing_keys::replace_secret(&database.connection().await?, &key.kid, &secret).await;
            patiently(replace).await?;
            tracing::info!(kid = key.kid, "a signing key was encrypted with key-encryption-key");
        }
        let at = if *state == KeyState::Signing { 0 } else { keys.len() };
        keys.insert(at, key);
    }
    if encryption.current.is_none() {
        tracing::warn!("signing keys are stored in plaintext; the setting key-encryption-key encrypts them");
    }
    Ok(keys)
}

/// Covers a database lost after the migration.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, DbError>) -> Result<T, DbError> {
    loop {
        match ask().await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the signing keys cannot be loaded yet; retrying")
            }
            answer => return answer,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Keeps an existing account.
async fn create_unless_there(
    repository: &AccountRepository,
    NewAdmin { email, password }: &NewAdmin,
) -> Result<(), StartError> {
    if accounts::find_by_email(&repository.database.connection().await?, email).await?.is_some() {
        return Ok(());
    }
    if let Registration::Created(account) =
        repository.create(OURSELVES, email.clone(), password.clone(), Role::Admin).await?
    {
        tracing::info!(account = %account.id, "the first ADMIN was created");
        if let Err(error) = record_admin(&repository.database, "user serve", account.id).await {
            tracing::error!(%error, "the audit trail has no record of it");
        }
    }
    Ok(())
}

/// Keeps existing clients: a rotated secret stays, and a revoked client too. Each may read products, which is
/// what payment needs.
async fn create_clients(settings: &Settings, database: &Database) -> Result<(), StartError> {
    let deadline = settings.common.database.commit_deadline;
    for (id, secret_hash) in settings.service_clients.iter() {
        let new = NewClient {
            id: id.clone(),
            subject: tokens::subject_of(id),
            secret_hash: secret_hash.to_vec(),
            scopes: [Scope::ProductsRead].into_iter().collect(),
        };
        let create = async |connection: &_| clients::insert_unless_there(connection, &new).await;
        let stored = database.until_known(deadline, create).await.map_err(StartError::Clients)?;
        match stored {
            Some(found) if found.client.revoked_at.is_some() => {
                tracing::warn!(client = %id, "a client of the setting service-clients stays revoked")
            }
            Some(found) if found.secret_hash != secret_hash => tracing::warn!(
                client = %id,
                "the secret in the setting service-clients is not that of the client, which keeps its own"
            ),
            _ => {}
        }
    }
    Ok(())
}

/// Writes into the audit trail what `command` did to an ADMIN.
pub(crate) async fn record_admin(database: &Database, command: &str, account: Uuid) -> Result<(), DbError> {
    let details = Map::from_iter([("role".to_owned(), Role::Admin.as_str().into())]);
    audit::record_command(&database.connection().await?, command, account.to_string(), details).await
}
