//! Messages about products that need not be in memory.

use std::rc::Rc;

use actix::{Handler, Message, ResponseFuture};
use events::Origin;

use super::{InventoryError, ProductParts, ProductView, StockDesk};
use crate::{
    domain::{Movement, NewProduct, ProductChange, ProductRecord, Sku},
    store::{self, StoredProduct},
};

#[derive(Debug, Message)]
#[rtype(result = "Result<ProductView, InventoryError>")]
pub struct CreateProduct {
    pub product: NewProduct,
    pub origin: Origin,
}

impl Handler<CreateProduct> for StockDesk {
    type Result = ResponseFuture<Result<ProductView, InventoryError>>;

    fn handle(&mut self, message: CreateProduct, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        let directory = self.directory.clone();
        Box::pin(async move {
            let created = create(&parts, &message).await?;
            let view = view(&created);
            directory.insert(created);
            Ok(view)
        })
    }
}

async fn create(parts: &ProductParts, message: &CreateProduct) -> Result<StoredProduct, InventoryError> {
    let event = store::product_changed(&first_version(&message.product), message.origin.clone())?;
    let connection = parts.connection().await?;
    let created = store::create(&connection, &message.product, &event, parts.lease)
        .await?
        .ok_or(InventoryError::SkuTaken)?;
    parts.publish(event);
    Ok(created)
}

fn first_version(product: &NewProduct) -> ProductRecord {
    let now = jiff::Timestamp::now();
    let details = &product.details;
    ProductRecord {
        sku: product.sku.clone(),
        name: details.name.as_str().to_owned(),
        description: details.description.as_str().to_owned(),
        price: details.price.amount(),
        currency: details.price.currency().to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
        deleted: false,
    }
}

fn view(stored: &StoredProduct) -> ProductView {
    ProductView { record: stored.record.clone(), available: stored.level.on_hand }
}

#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<ProductView>, InventoryError>")]
pub struct ListProducts {
    pub after: Option<Sku>,
    pub limit: usize,
}

impl Handler<ListProducts> for StockDesk {
    type Result = ResponseFuture<Result<Vec<ProductView>, InventoryError>>;

    fn handle(&mut self, query: ListProducts, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
            let page =
                store::page(&parts.connection().await?, query.after.as_ref().map(Sku::as_str), limit).await?;
            Ok(page.iter().map(view).collect())
        })
    }
}

/// The products on sale among these.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<ProductView>, InventoryError>")]
pub struct FindProducts(pub Vec<Sku>);

impl Handler<FindProducts> for StockDesk {
    type Result = ResponseFuture<Result<Vec<ProductView>, InventoryError>>;

    fn handle(&mut self, query: FindProducts, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let found = store::load_all(&parts.connection().await?, &query.0).await?;
            Ok(found.iter().filter(|product| !product.record.deleted).map(view).collect())
        })
    }
}

/// Products by their last change.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<ProductChange>, InventoryError>")]
pub struct ListChanges {
    pub after: i64,
    pub limit: u32,
}

impl Handler<ListChanges> for StockDesk {
    type Result = ResponseFuture<Result<Vec<ProductChange>, InventoryError>>;

    fn handle(&mut self, query: ListChanges, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            Ok(store::changes(&parts.connection().await?, query.after, i64::from(query.limit)).await?)
        })
    }
}

/// Newest first.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<Movement>, InventoryError>")]
pub struct ListMovements {
    pub sku: Sku,
    /// Only entries with a smaller id.
    pub before: Option<i64>,
    pub limit: usize,
}

impl Handler<ListMovements> for StockDesk {
    type Result = ResponseFuture<Result<Vec<Movement>, InventoryError>>;

    fn handle(&mut self, query: ListMovements, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
            let found = store::movements(&parts.connection().await?, &query.sku, query.before, limit).await?;
            if found.is_empty() && query.before.is_none() { Err(InventoryError::Absent) } else { Ok(found) }
        })
    }
}
