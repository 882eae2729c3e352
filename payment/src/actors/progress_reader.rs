//! ProgressReader: reads the orders that requests wait for, because another instance may move them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{
    db::{Database, DbError},
    drains_at_once,
    supervisor::Life,
};

use super::OrderNotifier;
use crate::store;

/// Pause between two reads: what a request waits longer if another instance moves its order.
const PAUSE: Duration = Duration::from_millis(10);
/// Pauses are at least this many times as long as the read before, so that a slow database gets few reads.
const PAUSE_FACTOR: u32 = 20;
/// Pause after a read that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

pub struct ProgressReader {
    database: Database,
    notifier: OrderNotifier,
    life: Life,
}

impl ProgressReader {
    pub fn new(database: Database, notifier: OrderNotifier, life: Life) -> Self {
        Self { database, notifier, life }
    }
}

impl Actor for ProgressReader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(read_progress(self.database.clone(), self.notifier.clone()).into_actor(self));
    }
}

drains_at_once!(ProgressReader);

async fn read_progress(database: Database, notifier: OrderNotifier) {
    let mut pause = PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        pause = match read_once(&database, &notifier).await {
            Ok(()) => PAUSE.max(began.elapsed() * PAUSE_FACTOR),
            Err(error) => {
                tracing::debug!(%error, "the orders that requests wait for were not read");
                RETRY_PAUSE
            }
        };
    }
}

/// Reads the orders of the requests that have waited for one pause already: most end sooner.
async fn read_once(database: &Database, notifier: &OrderNotifier) -> Result<(), DbError> {
    let waiting = notifier.waiting_for(PAUSE);
    if waiting.is_empty() {
        return Ok(());
    }
    for (order, progress) in store::progress_of(&database.connection().await?, &waiting).await? {
        notifier.notify(order, &Arc::new(progress));
    }
    Ok(())
}
