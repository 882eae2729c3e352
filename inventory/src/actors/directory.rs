//! The products in memory. The least recently used are dropped, which loses only a view. Rounds keep two
//! actors of one SKU from deciding at the same time.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Instant};

use actix::{Actor, Addr, Handler, Message, dev::ToEnvelope};
use runtime::db::{DbError, Failure};

use super::{InventoryError, Product, ProductParts};
use crate::{
    domain::Sku,
    store::{self, StoredProduct},
};

struct Live {
    address: Addr<Product>,
    last_used: Instant,
}

/// All clones share the products.
#[derive(Clone)]
pub(super) struct Directory {
    products: Rc<RefCell<HashMap<Sku, Live>>>,
    bound: usize,
    parts: Rc<ProductParts>,
}

impl Directory {
    pub(super) fn new(bound: usize, parts: Rc<ProductParts>) -> Self {
        Self { products: Rc::default(), bound, parts }
    }

    /// Leaves out unknown SKUs. One SELECT reads all that are not in memory.
    pub(super) async fn find(&self, skus: &[Sku]) -> Result<HashMap<Sku, Addr<Product>>, DbError> {
        let mut found: HashMap<Sku, Addr<Product>> =
            skus.iter().filter_map(|sku| Some((sku.clone(), self.get(sku)?))).collect();
        let missing: Vec<Sku> = skus.iter().filter(|sku| !found.contains_key(*sku)).cloned().collect();
        if !missing.is_empty() {
            let connection = self.parts.database.connection().await?;
            for stored in store::load_all(&connection, &missing).await? {
                found.insert(stored.record.sku.clone(), self.insert(stored));
            }
        }
        Ok(found)
    }

    pub(super) async fn send<M, R>(&self, sku: Sku, message: M) -> Result<R, InventoryError>
    where
        M: Message<Result = Result<R, InventoryError>> + Send + 'static,
        R: Send + 'static,
        Product: Handler<M>,
        <Product as Actor>::Context: ToEnvelope<Product, M>,
    {
        let address =
            self.find(std::slice::from_ref(&sku)).await?.remove(&sku).ok_or(InventoryError::Absent)?;
        address.send(message).await.unwrap_or_else(|_| {
            self.forget([&sku]);
            Err(Failure::Unavailable(format!("{sku} is being reloaded")).into())
        })
    }

    /// Keeps a product that another caller inserted meanwhile.
    pub(super) fn insert(&self, stored: StoredProduct) -> Addr<Product> {
        let mut products = self.products.borrow_mut();
        let live = products.entry(stored.record.sku.clone()).or_insert_with(|| Live {
            last_used: Instant::now(),
            address: Product::new(stored, Rc::clone(&self.parts)).start(),
        });
        let address = live.address.clone();
        if products.len() > self.bound {
            evict(&mut products, self.bound);
        }
        address
    }

    /// Drops products whose views are in doubt.
    pub(super) fn forget<'a>(&self, skus: impl IntoIterator<Item = &'a Sku>) {
        let mut products = self.products.borrow_mut();
        for sku in skus {
            products.remove(sku);
        }
    }

    fn get(&self, sku: &Sku) -> Option<Addr<Product>> {
        let mut products = self.products.borrow_mut();
        let live = products.get_mut(sku)?;
        live.last_used = Instant::now();
        Some(live.address.clone())
    }
}

/// Drops an eighth, so that the next eighth of insertions evicts none.
fn evict(products: &mut HashMap<Sku, Live>, bound: usize) {
    let mut ages: Vec<Instant> = products.values().map(|live| live.last_used).collect();
    let surplus = (products.len() - bound + bound / 8).min(ages.len() - 1);
    let (_, youngest_to_go, _) = ages.select_nth_unstable(surplus);
    let youngest_to_go = *youngest_to_go;
    products.retain(|_, live| live.last_used >= youngest_to_go);
}
