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
use crate::{domain::Product, product_source::ProductSource, store};

/// How long a SKU counts as absent. A product created meanwhile can be ordered a second later.
const ABSENT_FOR: Duration = Duration::from_secs(1);
/// Maximum number of absent SKUs, about 100 bytes each. At the limit all are dropped.
const REMEMBERED: usize = 10_000;

/// The actor.
pub struct Catalogue {
    database: Database,
    source: Arc<ProductSource>,
    consumer: &'static str,
    absent_skus: AbsentSkus,
    life: Life,
}

impl Catalogue {
    /// `consumer` is the group whose inbox records the events.
    pub fn new(database: Database, source: Arc<ProductSource>, consumer: &'static str, life: Life) -> Self {
        Self { database, source, consumer, absent_skus: AbsentSkus::default(), life }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;
}

drains_at_once!(Catalogue);

/// Fetch these SKUs from inventory, because the copy lacks them.
#[derive(Debug, Message)]
#[rtype(result = "Result<FetchedProducts, DeskError>")]
pub struct FetchProducts(pub Vec<String>);

/// The result of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedProducts {
    /// The copy has all of them now.
    All,
    /// Inventory lacks these SKUs too.
    Absent(Vec<String>),
}

impl Handler<FetchProducts> for Catalogue {
    type Result = ResponseFuture<Result<FetchedProducts, DeskError>>;

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
) -> Result<FetchedProducts, DeskError> {
    let (mut absent, asked): (Vec<String>, Vec<String>) =
        skus.into_iter().partition(|sku| absent_skus.contains(sku));
    if !asked.is_empty() {
        let found =
            source.find_all(&asked).await.map_err(|error| DeskError::Unavailable(error.to_string()))?;
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

/// SKUs that inventory lacked a moment ago. Repeated orders of them cause no repeated fetch.
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

/// Apply product changes to the copy. The result says which events were new.
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
