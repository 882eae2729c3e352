//! CatalogueSync: compares payment's copy of the products with inventory's, and repairs it (I12).
//!
//! `product_changed` brings changes within milliseconds, but nobody confirms it: an event that is lost each
//! time it is published would leave a stale price for ever. So a cursor goes through inventory's products by
//! their last change: all of them at start, then what has changed since, one request each
//! `catalogue-compare-interval`. Nothing waits for it.

use std::{sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{
    db::{Database, DbError},
    drains_at_once,
    supervisor::Life,
};

use crate::{
    product_source::{ProductSource, SourceError},
    store,
};

/// Pause after inventory could not be asked (doubling up to the interval): it may be starting beside us.
const PAUSE: Duration = Duration::from_secs(1);

/// The actor.
pub struct CatalogueSync {
    database: Database,
    source: Arc<ProductSource>,
    interval: Duration,
    life: Life,
}

impl CatalogueSync {
    /// `interval`: between two requests when nothing has changed.
    pub fn new(database: Database, source: Arc<ProductSource>, interval: Duration, life: Life) -> Self {
        Self { database, source, interval, life }
    }
}

impl Actor for CatalogueSync {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let comparing = compare(self.database.clone(), Arc::clone(&self.source), self.interval);
        context.spawn(comparing.into_actor(self));
    }
}

drains_at_once!(CatalogueSync);

/// Why a page could not be compared. The next look begins with the same one.
#[derive(Debug, thiserror::Error)]
enum CompareError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Database(#[from] DbError),
}

async fn compare(database: Database, source: Arc<ProductSource>, interval: Duration) {
    let mut after = 0;
    let mut pause = PAUSE;
    loop {
        match compare_page(&database, &source, &mut after).await {
            Ok(true) => pause = PAUSE,
            Ok(false) => {
                pause = PAUSE;
                tokio::time::sleep(interval).await;
            }
            Err(error) => {
                tracing::debug!(%error, "the catalogue could not be compared");
                tokio::time::sleep(pause.min(interval)).await;
                pause = (pause * 2).min(interval);
            }
        }
    }
}

/// Takes over what differs in the page after `after`, and moves that on. Whether there is more right now.
async fn compare_page(
    database: &Database,
    source: &ProductSource,
    after: &mut i64,
) -> Result<bool, CompareError> {
    let page = source.changes(*after).await?;
    if !page.products.is_empty() {
        let repaired = store::upsert_products(&database.connection().await?, &page.products).await?;
        if repaired > 0 {
            tracing::info!(products = repaired, "the copy of the catalogue was behind; it is repaired");
            metrics::counter!("orderflow_catalogue_repairs_total").increment(repaired);
        }
    }
    let has_more = page.has_more && page.next > *after;
    *after = page.next;
    Ok(has_more)
}
