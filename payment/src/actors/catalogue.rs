//! Catalogue: maintains payment's copy of the products.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use events::Origin;
use runtime::{
    db::{Database, DbError},
    drains_at_once,
    supervisor::Life,
};
use uuid::Uuid;

use super::DeskError;
use crate::{
    domain::Product,
    product_source::{ProductSource, SourceError},
    store::{self, CatalogueChanges},
};

/// Time before an absent SKU is looked up again.
const ABSENT_FOR: Duration = Duration::from_secs(1);
/// About 100 bytes each. At the limit all are dropped.
const REMEMBERED: usize = 10_000;

#[derive(Clone)]
pub struct CatalogueParts {
    pub database: Database,
    pub source: Arc<ProductSource>,
    pub changes: CatalogueChanges,
    /// The consumer group of the inbox rows.
    pub consumer: &'static str,
}

pub struct Catalogue {
    parts: CatalogueParts,
    absent_skus: AbsentSkus,
    life: Life,
}

impl Catalogue {
    pub fn new(parts: CatalogueParts, life: Life) -> Self {
        Self { parts, absent_skus: AbsentSkus::default(), life }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;
}

drains_at_once!(Catalogue);

/// Fetch products from inventory that the copy lacks, or may have at an old price.
#[derive(Debug, Message)]
#[rtype(result = "Result<FetchedProducts, CatalogueError>")]
pub struct FetchProducts {
    pub skus: Vec<String>,
    /// The request that needs them.
    pub origin: Origin,
}

/// The products are unknown for now: a later request may find them.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Database(#[from] DbError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedProducts {
    All,
    Absent(Vec<String>),
}

impl Handler<FetchProducts> for Catalogue {
    type Result = ResponseFuture<Result<FetchedProducts, CatalogueError>>;

    fn handle(&mut self, message: FetchProducts, _: &mut Self::Context) -> Self::Result {
        let parts = self.parts.clone();
        let absent_skus = self.absent_skus.clone();
        let FetchProducts { skus, origin } = message;
        Box::pin(async move { fetch(&parts, &absent_skus, skus, &origin).await })
    }
}

async fn fetch(
    parts: &CatalogueParts,
    absent_skus: &AbsentSkus,
    skus: Vec<String>,
    origin: &Origin,
) -> Result<FetchedProducts, CatalogueError> {
    let (mut absent, asked): (Vec<String>, Vec<String>) =
        skus.into_iter().partition(|sku| absent_skus.contains(sku));
    if !asked.is_empty() {
        let found = parts.source.find_all(&asked, origin).await?;
        if !found.is_empty() {
            store::upsert_products(&parts.database.connection().await?, &found).await?;
            parts.changes.record();
        }
        let unknown: Vec<String> =
            asked.into_iter().filter(|sku| found.iter().all(|product| product.sku != *sku)).collect();
        absent_skus.insert(&unknown);
        absent.extend(unknown);
    }
    Ok(if absent.is_empty() { FetchedProducts::All } else { FetchedProducts::Absent(absent) })
}

/// Saves repeated fetches for repeated orders of absent SKUs.
#[derive(Debug, Clone, Default)]
struct AbsentSkus(Rc<RefCell<HashMap<String, Instant>>>);

impl AbsentSkus {
    fn contains(&self, sku: &str) -> bool {
        self.0.borrow().get(sku).is_some_and(|at| at.elapsed() < ABSENT_FOR)
    }

    fn insert(&self, skus: &[String]) {
        let mut absent = self.0.borrow_mut();
        let now = Instant::now();
        if absent.len() + skus.len() > REMEMBERED {
            absent.clear();
        }
        absent.extend(skus.iter().map(|sku| (sku.clone(), now)));
    }
}

/// Returns which events were new.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<bool>, DeskError>")]
pub struct ApplyProductChanges(pub Vec<(Uuid, Product)>);

impl Handler<ApplyProductChanges> for Catalogue {
    type Result = ResponseFuture<Result<Vec<bool>, DeskError>>;

    fn handle(&mut self, message: ApplyProductChanges, _: &mut Self::Context) -> Self::Result {
        let parts = self.parts.clone();
        Box::pin(async move { Ok(apply(&parts, message.0).await?) })
    }
}

async fn apply(parts: &CatalogueParts, changes: Vec<(Uuid, Product)>) -> Result<Vec<bool>, DbError> {
    let (events, products): (Vec<Uuid>, Vec<Product>) = changes.into_iter().unzip();
    let connection = parts.database.connection().await?;
    let fresh = store::apply_product_changes(&connection, parts.consumer, &events, &products).await?;
    parts.changes.record();
    Ok(fresh)
}
