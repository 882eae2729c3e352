//! The database decides, and the actor takes over the result.

use std::rc::Rc;

use actix::{ActorFutureExt, Handler, Message, ResponseActFuture, WrapFuture};
use events::Origin;
use runtime::{db::Failure, outbox::OutboxEvent};

use super::{InventoryError, Product, ProductParts, ProductView};
use crate::{
    domain::{Adjustment, Details, Precondition, ProductRecord, Sku},
    store::{self, Adjusted, Changed},
};

/// Other changes may interfere.
pub(super) const ATTEMPTS: usize = 5;

#[derive(Debug, Message)]
#[rtype(result = "Result<ProductView, InventoryError>")]
pub struct ChangeProduct {
    pub precondition: Precondition,
    pub details: Details,
    pub origin: Origin,
}

impl Handler<ChangeProduct> for Product {
    type Result = ResponseActFuture<Self, Result<ProductView, InventoryError>>;

    fn handle(&mut self, message: ChangeProduct, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        let sku = self.record.sku.clone();
        let changing = async move { change(&parts, &sku, message).await };
        Box::pin(changing.into_actor(self).map(|changed, product, _| {
            product.update_record(changed?);
            product.view()
        }))
    }
}

async fn change(
    parts: &ProductParts,
    sku: &Sku,
    message: ChangeProduct,
) -> Result<ProductRecord, InventoryError> {
    let connection = parts.connection().await?;
    let current =
        store::load(&connection, sku).await?.map(|stored| stored.record).filter(|record| !record.deleted);
    let current = current.ok_or(InventoryError::Absent)?;
    if !message.precondition.admits(current.version) {
        return Err(InventoryError::Stale { current: current.version });
    }
    let event = store::product_changed(&changed(&current, &message.details), message.origin.clone())?;
    match store::change(&connection, (sku, current.version), &message.details, &event, parts.lease).await? {
        Changed::Done(record) => Ok(published(parts, event, record)),
        Changed::Stale => Err(InventoryError::Stale { current: current.version + 1 }),
    }
}

fn changed(record: &ProductRecord, details: &Details) -> ProductRecord {
    ProductRecord {
        name: details.name.as_str().to_owned(),
        description: details.description.as_str().to_owned(),
        price: details.price.amount(),
        currency: details.price.currency().to_owned(),
        version: record.version + 1,
        ..record.clone()
    }
}

fn published(parts: &ProductParts, event: OutboxEvent, record: ProductRecord) -> ProductRecord {
    parts.publish(event);
    record
}

/// Orders already placed keep their price and are still fulfilled.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), InventoryError>")]
pub struct RemoveProduct {
    pub precondition: Precondition,
    pub origin: Origin,
}

impl Handler<RemoveProduct> for Product {
    type Result = ResponseActFuture<Self, Result<(), InventoryError>>;

    fn handle(&mut self, message: RemoveProduct, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        let sku = self.record.sku.clone();
        let removing = async move { remove(&parts, &sku, message).await };
        Box::pin(removing.into_actor(self).map(|removed, product, _| {
            product.update_record(removed?);
            Ok(())
        }))
    }
}

/// The event carries the new version, so the current one is read first.
async fn remove(
    parts: &ProductParts,
    sku: &Sku,
    message: RemoveProduct,
) -> Result<ProductRecord, InventoryError> {
    let connection = parts.connection().await?;
    for _ in 0..ATTEMPTS {
        let current =
            store::load(&connection, sku).await?.map(|stored| stored.record).filter(|record| !record.deleted);
        let current = current.ok_or(InventoryError::Absent)?;
        if !message.precondition.admits(current.version) {
            return Err(InventoryError::Stale { current: current.version });
        }
        let gone = ProductRecord { version: current.version + 1, deleted: true, ..current };
        let event = store::product_changed(&gone, message.origin.clone())?;
        if let Changed::Done(record) =
            store::remove(&connection, (sku, gone.version - 1), &event, parts.lease).await?
        {
            return Ok(published(parts, event, record));
        }
    }
    Err(Failure::Unavailable(format!("{sku} is being changed by others; retry")).into())
}

/// Once per idempotency key.
#[derive(Debug, Message)]
#[rtype(result = "Result<StockAdjusted, InventoryError>")]
pub struct AdjustStock(pub Adjustment);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockAdjusted {
    pub on_hand: i32,
    /// An earlier request with the same key did it.
    pub replayed: bool,
}

impl Handler<AdjustStock> for Product {
    type Result = ResponseActFuture<Self, Result<StockAdjusted, InventoryError>>;

    fn handle(&mut self, message: AdjustStock, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        let takes = message.0.delta.get() < 0;
        let adjusting = async move { Ok(store::adjust(&parts.connection().await?, &message.0).await?) };
        Box::pin(adjusting.into_actor(self).map(
            move |adjusted: Result<Adjusted, InventoryError>, product, _| {
                if let Ok(Adjusted::Done(level)) = adjusted {
                    product.update_level(level);
                }
                answer(adjusted?, takes)
            },
        ))
    }
}

fn answer(adjusted: Adjusted, takes: bool) -> Result<StockAdjusted, InventoryError> {
    match adjusted {
        Adjusted::Done(level) => {
            Ok(StockAdjusted { on_hand: i32::try_from(level.on_hand).unwrap_or(i32::MAX), replayed: false })
        }
        Adjusted::Replayed { on_hand } => Ok(StockAdjusted { on_hand, replayed: true }),
        Adjusted::KeyReused => Err(InventoryError::KeyReused),
        Adjusted::Absent => Err(InventoryError::Absent),
        Adjusted::OutOfRange { on_hand } if takes => {
            Err(InventoryError::InsufficientStock { available: on_hand })
        }
        Adjusted::OutOfRange { on_hand } => Err(InventoryError::StockTooLarge { on_hand }),
    }
}
