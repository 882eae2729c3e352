//! Reads keys and revocations again and again, so that all instances publish, obey and sign with the same.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use runtime::{
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};
use uuid::Uuid;

use super::{AccountsError, Keyring};
use crate::domain::{KeyRecord, KeyRetirement, KeyRotation};

pub struct SigningKeys {
    keyring: Keyring,
    interval: Duration,
    life: Life,
}

/// Newest first.
#[derive(Message)]
#[rtype(result = "Result<Vec<KeyRecord>, AccountsError>")]
pub struct ListKeys;

/// `actor`: the requesting account.
#[derive(Message)]
#[rtype(result = "Result<KeyRotation, AccountsError>")]
pub struct RotateKey {
    pub actor: Uuid,
}

/// `actor`: the requesting account.
#[derive(Message)]
#[rtype(result = "Result<KeyRetirement, AccountsError>")]
pub struct RetireKey {
    pub actor: Uuid,
    pub kid: String,
}

impl SigningKeys {
    /// `interval`: time between two looks.
    pub fn start(supervisor: &SupervisorHandle, keyring: Keyring, interval: Duration) -> Supervised<Self> {
        let make = move |life| Self { keyring: keyring.clone(), interval, life };
        supervisor.supervise("signing-keys", "signing-keys", RestartPolicy::default(), make)
    }
}

impl Actor for SigningKeys {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(watch(self.keyring.clone(), self.interval).into_actor(self));
    }
}

async fn watch(keyring: Keyring, interval: Duration) {
    loop {
        if let Err(error) = keyring.refresh().await {
            tracing::debug!(%error, "keys and revocations stay as they were last read");
        }
        tokio::time::sleep(interval).await;
    }
}

impl Handler<ListKeys> for SigningKeys {
    type Result = ResponseFuture<Result<Vec<KeyRecord>, AccountsError>>;

    fn handle(&mut self, _: ListKeys, _: &mut Self::Context) -> Self::Result {
        let keyring = self.keyring.clone();
        Box::pin(async move { keyring.list().await })
    }
}

impl Handler<RotateKey> for SigningKeys {
    type Result = ResponseFuture<Result<KeyRotation, AccountsError>>;

    fn handle(&mut self, RotateKey { actor }: RotateKey, _: &mut Self::Context) -> Self::Result {
        let keyring = self.keyring.clone();
        Box::pin(async move { keyring.rotate(actor).await })
    }
}

impl Handler<RetireKey> for SigningKeys {
    type Result = ResponseFuture<Result<KeyRetirement, AccountsError>>;

    fn handle(&mut self, RetireKey { actor, kid }: RetireKey, _: &mut Self::Context) -> Self::Result {
        let keyring = self.keyring.clone();
        Box::pin(async move { keyring.retire(actor, &kid).await })
    }
}

drains_at_once!(SigningKeys);
