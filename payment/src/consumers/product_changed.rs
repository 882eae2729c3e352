use events::ProductChanged;
use runtime::{
    stream::{EventHandler, Outcome, Received},
    supervisor::Supervised,
};
use uuid::Uuid;

use super::outcomes::all_transient;
use crate::{
    actors::{ApplyProductChanges, Catalogue},
    domain::{Money, Product},
};

#[derive(Clone)]
pub struct ProductChangedHandler {
    pub catalogue: Supervised<Catalogue>,
}

impl EventHandler for ProductChangedHandler {
    type Event = ProductChanged;

    async fn handle(&self, batch: &[Received<ProductChanged>]) -> Vec<Outcome> {
        match self.catalogue.send(ApplyProductChanges(batch.iter().map(product).collect())).await {
            Ok(Ok(fresh)) => fresh
                .into_iter()
                .map(|fresh| if fresh { Outcome::Done } else { Outcome::Duplicate })
                .collect(),
            Ok(Err(error)) => vec![error.into(); batch.len()],
            Err(unavailable) => all_transient(batch.len(), unavailable),
        }
    }
}

fn product(received: &Received<ProductChanged>) -> (Uuid, Product) {
    let ProductChanged { sku, name, price, version, deleted } = received.event.clone();
    (
        received.envelope.id,
        Product { sku, name, price: Money::new(price.amount, price.currency), version, deleted },
    )
}
