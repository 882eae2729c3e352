//! Catalogue: maintains payment's copy of the products.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
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
    store,
};

/// Time before an absent SKU is looked up again.
const ABSENT_FOR: Duration = Duration::from_secs(1);
/// About 100 bytes each. At the limit all are dropped.
const REMEMBERED: usize = 10_000;

pub struct Catalogue {
    database: Database,
    source: Arc<ProductSource>,
    consumer: &'static str,
    absent_skus: AbsentSkus,
    life: Life,
}

impl Catalogue {
    pub fn new(database: Database, source: Arc<ProductSource>, consumer: &'static str, life: Life) -> Self {
        Self { database, source, consumer, absent_skus: AbsentSkus::default(), life }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;
}

drains_at_once!(Catalogue);

/// Fetch SKUs that the copy lacks from inventory.
#[derive(Debug, Message)]
#[rtype(result = "Result<FetchedProducts, CatalogueError>")]
pub struct FetchProducts(pub Vec<String>);

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
        let database = self.database.clone();
        let source = Arc::clone(&self.source);
        let absent_skus = self.absent_skus.clone();
        Box::pin(async move { fetch(&database, &source, &absent_skus, message.0).await })
    }
}

async fn fetch(
    database: &Database,
    source: &ProductSource,
    absent_skus: &AbsentSkus,
    skus: Vec<String>,
) -> Result<FetchedProducts, CatalogueError> {
    let (mut absent, asked): (Vec<String>, Vec<String>) =
        skus.into_iter().partition(|sku| absent_skus.contains(sku));
    if !asked.is_empty() {
        let found = source.find_all(&asked).await?;
        if !found.is_empty() {
            store::upsert_products(&database.connection().await?, &found).await?;
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
        let database = self.database.clone();
        let consumer = self.consumer;
        Box::pin(async move {
            let (events, products): (Vec<Uuid>, Vec<Product>) = message.0.into_iter().unzip();
            let taken = async {
                store::apply_product_changes(&database.connection().await?, consumer, &events, &products)
                    .await
            };
            taken.await.map_err(|error: DbError| error.into())
        })
    }
}
