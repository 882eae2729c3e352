//! Catalogue: keeps payment's copy of the products.

use std::sync::Arc;

use actix::{Actor, ActorContext, Context, Handler, Message, ResponseFuture};
use shared::{
    db::{Database, DbError},
    supervisor::{Drain, ExitReason, Life},
};
use uuid::Uuid;

use super::DeskError;
use crate::{domain::Product, product_source::ProductSource, store};

/// The actor.
pub struct Catalogue {
    database: Database,
    source: Arc<ProductSource>,
    consumer: &'static str,
    life: Life,
}

impl Catalogue {
    /// `consumer` is the group whose inbox the events go through.
    pub fn new(database: Database, source: Arc<ProductSource>, consumer: &'static str, life: Life) -> Self {
        Self { database, source, consumer, life }
    }
}

impl Actor for Catalogue {
    type Context = Context<Self>;
}

impl Handler<Drain> for Catalogue {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.life.ends(ExitReason::Drained);
        context.stop();
    }
}

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
        let (database, source) = (self.database.clone(), Arc::clone(&self.source));
        Box::pin(async move { learn(&database, &source, message.0).await })
    }
}

async fn learn(database: &Database, source: &ProductSource, skus: Vec<String>) -> Result<Learned, DeskError> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for sku in skus {
        match source.find(&sku).await.map_err(|error| DeskError::Unavailable(error.to_string()))? {
            Some(product) => found.push(product),
            None => absent.push(sku),
        }
    }
    if !found.is_empty() {
        store::learn_products(&database.connection().await?, &found).await?;
    }
    Ok(if absent.is_empty() { Learned::All } else { Learned::Absent(absent) })
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
            let taken = async { store::product_changes(&database.connection().await?, consumer, &events, &products).await };
            taken.await.map_err(|error: DbError| error.into())
        })
    }
}
