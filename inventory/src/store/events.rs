use events::{Envelope, MoneyData, Origin, ProductChanged};
use runtime::outbox::{OutboxEvent, Retention, TooLarge};

use crate::{SERVICE, domain::ProductRecord};

pub fn product_changed(product: &ProductRecord, origin: Origin) -> Result<OutboxEvent, TooLarge> {
    let event = ProductChanged {
        sku: product.sku.to_string(),
        name: product.name.clone(),
        price: MoneyData { amount: product.price, currency: product.currency.clone() },
        version: product.version,
        deleted: product.deleted,
    };
    let envelope = Envelope::new(&event, SERVICE, event.sku.clone(), origin);
    // Consumers send no confirmation, so the event is published twice. A comparison repairs a copy that
    // misses both.
    OutboxEvent::new::<ProductChanged>(envelope, Retention::Repeated(1))
}
