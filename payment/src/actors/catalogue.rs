//! Catalogue: keeps payment's copy of the products.

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

/// For how long a SKU is taken for absent: a product that is created meanwhile is ordered a second later.
const ABSENT_FOR: Duration = Duration::from_secs(1);
/// Absent SKUs remembered; about 100 bytes each. Beyond, all are forgotten.
const REMEMBERED: usize = 10_000;

/// The actor.
pub struct Catalogue {
    database: Database,
    source: Arc<ProductSource>,
    consumer: &'static str,
    absences: Absences,
    life: Life,
}

impl Catalogue {
    /// `consumer` is the group whose inbox the events go through.
    pub fn new(database: Database, source: Arc<ProductSource>, consumer: &'static str, life: Life) -> Self {
        Self { database, source, consumer, absences: Absences::default(), life }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;
}

drains_at_once!(Catalogue);

/// These SKUs are not in the copy: ask inventory for them.
#[derive(Debug, Message)]
#[rtype(result = "Result<Learned, DeskError>")]
pub struct LearnProducts(pub Vec<String>);

/// What inventory knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// The copy has them all now.
    All,
    /// Inventory does not know these either.
    Absent(Vec<String>),
}

impl Handler<LearnProducts> for Catalogue {
    type Result = ResponseFuture<Result<Learned, DeskError>>;

    fn handle(&mut self, message: LearnProducts, _: &mut Self::Context) -> Self::Result {
        let (database, source, absences) =
            (self.database.clone(), Arc::clone(&self.source), self.absences.clone());
        Box::pin(async move { learn(&database, &source, &absences, message.0).await })
    }
}

async fn learn(
    database: &Database,
    source: &ProductSource,
    absences: &Absences,
    skus: Vec<String>,
) -> Result<Learned, DeskError> {
    let (mut absent, asked): (Vec<String>, Vec<String>) =
        skus.into_iter().partition(|sku| absences.knows(sku));
    if !asked.is_empty() {
        let found =
            source.find_all(&asked).await.map_err(|error| DeskError::Unavailable(error.to_string()))?;
        if !found.is_empty() {
            store::learn_products(&database.connection().await?, &found).await?;
        }
        let unknown: Vec<String> =
            asked.into_iter().filter(|sku| found.iter().all(|product| product.sku != *sku)).collect();
        absences.remember(&unknown);
        absent.extend(unknown);
    }
    Ok(if absent.is_empty() { Learned::All } else { Learned::Absent(absent) })
}

/// SKUs that inventory did not know a moment ago: who orders them again and again does not make it look again
/// and again.
#[derive(Debug, Clone, Default)]
struct Absences(Rc<RefCell<HashMap<String, Instant>>>);

impl Absences {
    fn knows(&self, sku: &str) -> bool {
        self.0.borrow().get(sku).is_some_and(|at| at.elapsed() < ABSENT_FOR)
    }

    fn remember(&self, skus: &[String]) {
        let (mut absent, now) = (self.0.borrow_mut(), Instant::now());
        if absent.len() + skus.len() > REMEMBERED {
            absent.clear();
        }
        absent.extend(skus.iter().map(|sku| (sku.clone(), now)));
    }
}

/// Products have changed; which of the events were new.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<bool>, DeskError>")]
pub struct TakeOverProducts(pub Vec<(Uuid, Product)>);

impl Handler<TakeOverProducts> for Catalogue {
    type Result = ResponseFuture<Result<Vec<bool>, DeskError>>;

    fn handle(&mut self, message: TakeOverProducts, _: &mut Self::Context) -> Self::Result {
        let (database, consumer) = (self.database.clone(), self.consumer);
        Box::pin(async move {
            let (events, products): (Vec<Uuid>, Vec<Product>) = message.0.into_iter().unzip();
            let taken = async {
                store::product_changes(&database.connection().await?, consumer, &events, &products).await
            };
            taken.await.map_err(|error: DbError| error.into())
        })
    }
}
