//! Messages about products that need not be in memory.

use std::rc::Rc;

use actix::{Handler, Message, ResponseFuture};
use events::Origin;
use runtime::db::Failure;

use super::{
    InventoryError, ProductParts, ProductView, StockDesk, product::TakeStored, product_changes::ATTEMPTS,
};
use crate::{
    domain::{Movement, NewProduct, Prefix, ProductChange, ProductRecord, SearchPosition, Sku},
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
            // The product that was deleted may be in memory.
            let product = directory.insert(created.clone());
            _ = product.send(TakeStored(created)).await; // one that ended is read anew
            Ok(view)
        })
    }
}

/// The SKU of a deleted product is sold again, under its next version: copies go by it.
async fn create(
    parts: &ProductParts,
    CreateProduct { product, origin }: &CreateProduct,
) -> Result<StoredProduct, InventoryError> {
    let connection = parts.connection().await?;
    for _ in 0..ATTEMPTS {
        let before = store::load(&connection, &product.sku).await?.map(|stored| stored.record);
        if before.as_ref().is_some_and(|record| !record.deleted) {
            return Err(InventoryError::SkuTaken);
        }
        let version = before.map_or(0, |record| record.version);
        let event = store::product_changed(&created(product, version + 1), origin.clone())?;
        let created = match version {
            0 => store::create(&connection, product, &event, parts.lease).await?,
            _ => store::revive(&connection, version, product, &event, parts.lease).await?,
        };
        if let Some(created) = created {
            parts.publish(event);
            return Ok(created);
        }
    }
    Err(Failure::Unavailable(format!("{} is being changed by others; retry", product.sku)).into())
}

fn created(product: &NewProduct, version: i64) -> ProductRecord {
    let now = jiff::Timestamp::now();
    let details = &product.details;
    ProductRecord {
        sku: product.sku.clone(),
        name: details.name.as_str().to_owned(),
        description: details.description.as_str().to_owned(),
        price: details.price.amount(),
        currency: details.price.currency().to_owned(),
        version,
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

/// Products on sale by the beginning of their SKU or name.
#[derive(Debug, Message)]
#[rtype(result = "Result<FoundProducts, InventoryError>")]
pub struct SearchProducts {
    pub prefix: Prefix,
    pub after: Option<SearchPosition>,
    pub limit: usize,
}

#[derive(Debug)]
pub struct FoundProducts {
    pub products: Vec<(ProductView, SearchPosition)>,
    /// Where the search stopped before it had enough.
    pub scanned_to: Option<SearchPosition>,
}

impl Handler<SearchProducts> for StockDesk {
    type Result = ResponseFuture<Result<FoundProducts, InventoryError>>;

    fn handle(&mut self, query: SearchProducts, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
            let connection = parts.connection().await?;
            let after = query.after.as_ref();
            let page = store::search(&connection, &query.prefix, after, limit, store::SCAN_LIMIT).await?;
            let products = page.found.iter().map(|(product, at)| (view(product), at.clone())).collect();
            Ok(FoundProducts { products, scanned_to: page.scanned_to })
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
