//! Reads keys and revocations again and again, so that all instances publish and obey the same.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{
    auth::{KeyDocument, KeySet},
    db::{Database, DbError},
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};

use crate::{
    domain::{SigningKey, StoredKey},
    store::{revocations, signing_keys},
    tokens::{KeyEncryption, PublishedKeys, key_set},
};

#[derive(Clone)]
pub struct KeyWatchParts {
    pub database: Database,
    /// For the verifier of this service.
    pub keys: KeySet,
    /// For the verifiers of others.
    pub published: PublishedKeys,
    pub encryption: KeyEncryption,
    /// The keys known so far. They stay known when another instance encrypts them with another key.
    pub known: Vec<SigningKey>,
    pub interval: Duration,
    /// Of an access token.
    pub token_life: Duration,
}

pub struct KeyWatch {
    parts: KeyWatchParts,
    life: Life,
}

impl KeyWatch {
    pub fn start(supervisor: &SupervisorHandle, parts: KeyWatchParts) -> Supervised<Self> {
        let make = move |life| Self { parts: parts.clone(), life };
        supervisor.supervise("key-watch", "signing-keys", RestartPolicy::default(), make)
    }
}

impl Actor for KeyWatch {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(watch(self.parts.clone()).into_actor(self));
    }
}

drains_at_once!(KeyWatch);

async fn watch(mut parts: KeyWatchParts) {
    loop {
        match read(&mut parts).await {
            Ok(document) => {
                parts.keys.replace(&document);
                parts.published.replace(document);
            }
            Err(error) => tracing::debug!(%error, "keys and revocations stay as they were last read"),
        }
        tokio::time::sleep(parts.interval).await;
    }
}

async fn read(parts: &mut KeyWatchParts) -> Result<KeyDocument, DbError> {
    let connection = parts.database.connection().await?;
    let stored = signing_keys::load(&connection).await?;
    let opened = |stored: &StoredKey| {
        let known = parts.known.iter().find(|known| known.kid == stored.kid).cloned();
        let opened = known.map_or_else(|| parts.encryption.open(stored), Ok);
        opened.inspect_err(|error| tracing::error!(%error, "a signing key is left out")).ok()
    };
    parts.known = stored.iter().filter_map(opened).collect();
    let not_before = revocations::current(&connection, parts.token_life).await?;
    Ok(KeyDocument { keys: key_set(&parts.known), not_before })
}
