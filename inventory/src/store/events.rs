//! `product_changed`, on its way into the outbox.

use events::{Envelope, MoneyData, Origin, ProductChanged};
use runtime::outbox::{OutboxEvent, Retention, TooLarge};

use crate::{SERVICE, domain::ProductRecord};

/// The event that tells others how a product is now.
///
/// # Errors
/// It is too large to publish.
pub fn product_changed(product: &ProductRecord, origin: Origin) -> Result<OutboxEvent, TooLarge> {
    let event = ProductChanged {
        sku: product.sku.to_string(),
        name: product.name.clone(),
        price: MoneyData { amount: product.price, currency: product.currency.clone() },
        version: product.version,
        deleted: product.deleted,
    };
    let envelope = Envelope::new(&event, SERVICE, event.sku.clone(), origin);
    // Nobody confirms it. Twice: a copy of the catalogue that missed one catches up with the other, or when
    // it compares.
    OutboxEvent::new::<ProductChanged>(envelope, Retention::Repeated(1))
}
