//! Products that were looked up a moment ago: a round trip less for every batch of orders. The copy of the catalogue follows
//! inventory with a delay anyway; this adds `price-age` to it at most.

use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use shared::db::{Connection, DbError};

use super::catalogue;
use crate::domain::Product;

/// Products remembered; about 200 bytes each. Beyond, all are forgotten.
const REMEMBERED: usize = 10_000;

/// Products by SKU, and when they were looked up.
#[derive(Debug)]
pub(super) struct Prices {
    products: RefCell<HashMap<String, (Product, Instant)>>,
    age: Duration,
}

impl Prices {
    pub(super) fn new(age: Duration) -> Self {
        Self { products: RefCell::default(), age }
    }

    /// The products among `skus` that the copy of the catalogue has. One that it lacked is looked for every time.
    pub(super) async fn of(&self, connection: &Connection, skus: &[&str]) -> Result<HashMap<String, Product>, DbError> {
        let mut found = self.fresh(skus);
        let missing: Vec<&str> = skus.iter().filter(|sku| !found.contains_key(**sku)).copied().collect();
        if !missing.is_empty() {
            let products = catalogue::products(connection, &missing).await?;
            self.remember(&products);
            found.extend(products);
        }
        Ok(found)
    }

    fn fresh(&self, skus: &[&str]) -> HashMap<String, Product> {
        let products = self.products.borrow();
        let fresh = |sku: &&str| products.get(*sku).filter(|(_, at)| at.elapsed() < self.age).map(|(product, _)| product.clone());
        skus.iter().filter_map(|sku| Some(((*sku).to_owned(), fresh(sku)?))).collect()
    }

    fn remember(&self, found: &HashMap<String, Product>) {
        let mut products = self.products.borrow_mut();
        if products.len() + found.len() > REMEMBERED {
            products.clear();
        }
        products.extend(found.iter().map(|(sku, product)| (sku.clone(), (product.clone(), Instant::now()))));
    }
}
