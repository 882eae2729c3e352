//! Products read a moment ago: saves a round trip per batch. They are read again after `price-age`, and after
//! each change of the copy that this process makes or sees.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use runtime::db::{Connection, DbError};

use super::catalogue;
use crate::domain::Product;

/// About 200 bytes each. At the limit all are dropped.
const REMEMBERED: usize = 10_000;

/// The changes of the copy that this process knows of; clones count together.
#[derive(Debug, Clone, Default)]
pub struct CatalogueChanges(Arc<AtomicU64>);

impl CatalogueChanges {
    /// The copy has changed: called after the commit.
    pub fn record(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

#[derive(Debug)]
pub(super) struct Prices {
    products: RefCell<HashMap<String, (Rc<Product>, Instant)>>,
    age: Duration,
    changes: CatalogueChanges,
    /// The changes that `products` include.
    included: Cell<u64>,
}

impl Prices {
    pub(super) fn new(age: Duration) -> Self {
        Self {
            products: RefCell::default(),
            age,
            changes: CatalogueChanges::default(),
            included: Cell::default(),
        }
    }

    pub(super) fn following(self, changes: CatalogueChanges) -> Self {
        Self { changes, ..self }
    }

    /// SKUs missing in the copy are read again every time.
    pub(super) async fn of<'a>(
        &self,
        connection: &Connection,
        skus: &[&'a str],
    ) -> Result<HashMap<&'a str, Rc<Product>>, DbError> {
        self.forget_changed();
        let mut found = self.fresh(skus);
        let missing: Vec<&'a str> = skus.iter().filter(|sku| !found.contains_key(**sku)).copied().collect();
        if !missing.is_empty() {
            let looked_up = catalogue::products(connection, &missing).await?;
            let looked_up: HashMap<String, Rc<Product>> =
                looked_up.into_iter().map(|(sku, product)| (sku, Rc::new(product))).collect();
            found.extend(missing.into_iter().filter_map(|sku| Some((sku, Rc::clone(looked_up.get(sku)?)))));
            self.remember(looked_up);
        }
        Ok(found)
    }

    fn forget_changed(&self) {
        let changes = self.changes.count();
        if self.included.replace(changes) != changes {
            self.products.borrow_mut().clear();
        }
    }

    fn fresh<'a>(&self, skus: &[&'a str]) -> HashMap<&'a str, Rc<Product>> {
        let products = self.products.borrow();
        let now = Instant::now();
        let fresh = |sku: &str| {
            products
                .get(sku)
                .filter(|(_, at)| now.duration_since(*at) < self.age)
                .map(|(product, _)| Rc::clone(product))
        };
        skus.iter().filter_map(|sku| Some((*sku, fresh(sku)?))).collect()
    }

    /// A change during the read makes the next call forget what is remembered here.
    fn remember(&self, found: HashMap<String, Rc<Product>>) {
        let mut products = self.products.borrow_mut();
        let now = Instant::now();
        if products.len() + found.len() > REMEMBERED {
            products.clear();
        }
        products.extend(found.into_iter().map(|(sku, product)| (sku, (product, now))));
    }
}
