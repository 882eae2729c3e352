//! CatalogueSync: repairs payment's copy of the products (I12). `product_changed` is unconfirmed, so a lost
//! event would leave a stale price for ever.

use std::{sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{db::Database, drains_at_once, supervisor::Life};

use super::CatalogueError;
use crate::{product_source::ProductSource, store};

/// First pause after a failed request; doubles up to the interval.
const PAUSE: Duration = Duration::from_secs(1);

pub struct CatalogueSync {
    database: Database,
    source: Arc<ProductSource>,
    interval: Duration,
    life: Life,
}

impl CatalogueSync {
    /// `interval`: time between two requests without changes.
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
                tracing::debug!(%error, "the catalogue was not compared");
                tokio::time::sleep(pause.min(interval)).await;
                pause = (pause * 2).min(interval);
            }
        }
    }
}

/// Repairs the page after `after` and advances it. Returns whether more pages follow.
async fn compare_page(
    database: &Database,
    source: &ProductSource,
    after: &mut i64,
) -> Result<bool, CatalogueError> {
    let page = source.changes(*after).await?;
    if !page.products.is_empty() {
        let repaired = store::upsert_products(&database.connection().await?, &page.products).await?;
        if repaired > 0 {
            tracing::info!(products = repaired, "the copy of the catalogue was outdated and is repaired");
            metrics::counter!("orderflow_catalogue_repairs_total").increment(repaired);
        }
    }
    let has_more = page.has_more && page.next > *after;
    *after = page.next;
    Ok(has_more)
}
