//! Looks at the key set again and again, so that a retired key and a revoked token are refused soon.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};

use crate::{
    auth::KeySet,
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};

pub struct KeyWatch {
    keys: KeySet,
    interval: Duration,
    life: Life,
}

impl KeyWatch {
    /// `interval`: time between two looks.
    pub fn start(supervisor: &SupervisorHandle, keys: &KeySet, interval: Duration) -> Supervised<Self> {
        let keys = keys.clone();
        let make = move |life| Self { keys: keys.clone(), interval, life };
        supervisor.supervise("key-watch", "key-watch", RestartPolicy::default(), make)
    }
}

impl Actor for KeyWatch {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(watch(self.keys.clone(), self.interval).into_actor(self));
    }
}

drains_at_once!(KeyWatch);

/// Tells an outage once.
async fn watch(keys: KeySet, interval: Duration) {
    let mut is_away = false;
    loop {
        tokio::time::sleep(interval).await;
        let fetched = keys.fetch_again().await;
        match &fetched {
            Ok(()) if is_away => tracing::info!("the key set is fetched again"),
            Err(error) if !is_away => tracing::warn!(%error, "the last key set stays in use"),
            _ => {}
        }
        is_away = fetched.is_err();
    }
}
