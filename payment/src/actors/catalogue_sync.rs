//! CatalogueSync: looks for changed products at inventory, without Redis (I12).
//!
//! Guarantee: a price that changed is in payment's copy after `catalogue-compare-interval` and one request, as
//! long as inventory answers. `product_changed` is faster, but unconfirmed, and Redis may be away.
//!
//! ```text
//!   changes of inventory:  1 2 3 4 │ 5 . 7 8        each one has a number, and the last of a product counts
//!                           cursor ┘   └ may still be committed
//! ```
//!
//! A look reads every change after the cursor. The cursor passes a change once no smaller number can appear.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use runtime::{db::Database, drains_at_once, supervisor::Life};
use tokio::time::{Instant, sleep_until};

use super::CatalogueError;
use crate::{
    domain::Product,
    product_source::{Change, ProductSource},
    store::{self, CatalogueChanges},
};

/// The longest pause after failures: a tenth of the token requests that `user` grants a client, so that
/// refused tokens leave room.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct CatalogueSyncParts {
    pub database: Database,
    pub source: Arc<ProductSource>,
    pub changes: CatalogueChanges,
    /// From the begin of one look to the begin of the next.
    pub interval: Duration,
}

pub struct CatalogueSync {
    parts: CatalogueSyncParts,
    life: Life,
}

impl CatalogueSync {
    pub fn new(parts: CatalogueSyncParts, life: Life) -> Self {
        Self { parts, life }
    }
}

impl Actor for CatalogueSync {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.spawn(follow(self.parts.clone()).into_actor(self));
    }
}

drains_at_once!(CatalogueSync);

async fn follow(parts: CatalogueSyncParts) {
    let mut position = Position::default();
    let mut failures = 0;
    loop {
        let began = Instant::now();
        match look(&parts, &mut position).await {
            Ok(()) => {
                if failures > 1 {
                    tracing::info!(failures, "inventory shows its changes again");
                }
                failures = 0;
            }
            Err(error) => {
                // The first one may be a restart.
                if failures == 1 {
                    tracing::warn!(%error, "changed prices may be missed: inventory does not show its changes");
                }
                failures += 1;
            }
        }
        sleep_until(began + pause(parts.interval, failures)).await;
    }
}

/// The interval after a success or a first failure, then twice as long each time.
fn pause(interval: Duration, failures: u32) -> Duration {
    let doubled = interval.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE.max(interval))
}

#[derive(Debug, Default)]
struct Position {
    cursor: i64,
    /// Changes after the cursor that the copy has.
    known: BTreeSet<i64>,
}

/// Reads page by page to the last change. The cursor stays before a change that may come late, and its
/// followers are read again for some seconds.
async fn look(parts: &CatalogueSyncParts, position: &mut Position) -> Result<(), CatalogueError> {
    let mut from = position.cursor;
    loop {
        let page = parts.source.changes(from).await?;
        let last = page.changes.last().map(|change| change.number);
        take(parts, position, page.changes).await?;
        if from == position.cursor {
            position.move_to(page.next);
        }
        match last.filter(|last| page.is_full && *last > from) {
            Some(last) => from = last,
            None => return Ok(()),
        }
    }
}

async fn take(
    parts: &CatalogueSyncParts,
    position: &mut Position,
    changes: Vec<Change>,
) -> Result<(), CatalogueError> {
    let news = changes.into_iter().filter(|change| !position.known.contains(&change.number));
    let (numbers, products): (Vec<i64>, Vec<Product>) =
        news.map(|Change { number, product }| (number, product)).unzip();
    if products.is_empty() {
        return Ok(());
    }
    let repaired = store::upsert_products(&parts.database.connection().await?, &products).await?;
    // Another instance may have written the copy: prices in memory are outdated then, too.
    parts.changes.record();
    position.known.extend(numbers);
    if repaired > 0 {
        tracing::debug!(products = repaired, "changes came from inventory before their events");
        metrics::counter!("orderflow_catalogue_repairs_total").increment(repaired);
    }
    Ok(())
}

impl Position {
    fn move_to(&mut self, cursor: i64) {
        self.cursor = self.cursor.max(cursor);
        self.known = self.known.split_off(&(self.cursor + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_failures_up_to_ten_seconds_or_the_interval() {
        let seconds = |interval, failures| pause(Duration::from_secs(interval), failures).as_secs();
        let pauses = |interval| [0, 1, 2, 3, 4, 5, 60].map(|failures| seconds(interval, failures));
        assert_eq!(pauses(1), [1, 1, 2, 4, 8, 10, 10]);
        assert_eq!(pauses(60), [60, 60, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn changes_behind_the_cursor_are_forgotten() {
        let mut position = Position { cursor: 3, known: BTreeSet::from([5, 7, 8]) };
        position.move_to(7);
        assert_eq!((position.cursor, position.known), (7, BTreeSet::from([8])));
    }
}
