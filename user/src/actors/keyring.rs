use std::{sync::Arc, time::Duration};

use runtime::{
    auth::{KeyDocument, KeySet, revocation_name},
    db::{Database, DbError},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::AccountsError;
use crate::{
    domain::{KeyRecord, KeyRetirement, KeyRotation, KeySchedule, KeyState, SigningKey, StoredKey},
    store::{revocations, signing_keys},
    tokens::{self, Issuer, KeyEncryption, PublishedKeys, key_set},
};

/// The signing keys of the database, and all that uses them in this process. Clones share it.
#[derive(Clone)]
pub struct Keyring {
    pub database: Database,
    /// Limit of retries after an unknown outcome: `commit-deadline`.
    pub deadline: Duration,
    pub encryption: KeyEncryption,
    pub schedule: KeySchedule,
    /// Of an access token.
    pub token_life: Duration,
    pub issuer: Issuer,
    /// For the verifier of this service.
    pub keys: KeySet,
    /// For the verifiers of others.
    pub published: PublishedKeys,
    /// Opened keys. They stay when another instance encrypts them with another key. Also makes refreshes wait for
    /// each other.
    pub known: Arc<Mutex<Vec<SigningKey>>>,
}

impl Keyring {
    /// Reads keys and revocations, and puts them to use.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let mut known = self.known.lock().await;
        let connection = self.database.connection().await?;
        for kid in signing_keys::retire_expired(&connection, self.schedule).await? {
            tracing::info!(kid, "a signing key was retired: its last token has expired");
        }
        let records = signing_keys::load(&connection, self.schedule).await?;
        let revoked = revocations::current(&connection, self.token_life).await?;
        let not_before = revoked.iter().map(|(id, time)| (revocation_name(id), *time)).collect();
        *known = records.iter().filter_map(|record| self.opened(&record.key, &known)).collect();
        let signing = records.iter().find(|record| record.state == KeyState::Signing);
        if let Some(key) = signing.and_then(|signing| known.iter().find(|key| key.kid == signing.key.kid)) {
            self.issuer.sign_with(key);
        }
        let document = KeyDocument { keys: key_set(&known), not_before };
        self.keys.replace(&document);
        self.published.replace(document);
        Ok(())
    }

    fn opened(&self, stored: &StoredKey, known: &[SigningKey]) -> Option<SigningKey> {
        let known = known.iter().find(|known| known.kid == stored.kid).cloned();
        let opened = known.map_or_else(|| self.encryption.open(stored), Ok);
        opened.inspect_err(|error| tracing::error!(%error, "a signing key is left out")).ok()
    }

    pub async fn list(&self) -> Result<Vec<KeyRecord>, AccountsError> {
        let list = async |connection: &_| signing_keys::load(connection, self.schedule).await;
        Ok(self.database.until_known(self.deadline, list).await?)
    }

    /// Publishes a new key, for `actor`.
    pub async fn rotate(&self, actor: Uuid) -> Result<KeyRotation, AccountsError> {
        let key = tokens::generate()?;
        let secret = self.encryption.seal(&key)?;
        let fresh = StoredKey { kid: key.kid, public_key: key.public_key, secret };
        let publish =
            async |connection: &_| signing_keys::publish(connection, actor, &fresh, self.schedule).await;
        let rotation = self.database.until_known(self.deadline, publish).await?;
        self.refresh_now().await;
        Ok(rotation)
    }

    /// Retires a key, for `actor`.
    pub async fn retire(&self, actor: Uuid, kid: &str) -> Result<KeyRetirement, AccountsError> {
        let retire = async |connection: &_| signing_keys::retire(connection, actor, kid, self.schedule).await;
        let retirement = self.database.until_known(self.deadline, retire).await?;
        self.refresh_now().await;
        Ok(retirement)
    }

    /// The change is committed already: after an error the watch follows.
    async fn refresh_now(&self) {
        if let Err(error) = self.refresh().await {
            tracing::debug!(%error, "the changed keys are used after the next look");
        }
    }
}
