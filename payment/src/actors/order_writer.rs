use std::sync::Arc;

use runtime::db::Commits;

use super::DeskError;
use crate::{
    domain::{OrderRequest, Placed},
    store::PlaceOrders,
};

/// Places orders through their group commit. Cheap to clone.
#[derive(Clone)]
pub struct OrderWriter(Commits<PlaceOrders>);

impl OrderWriter {
    pub fn new(orders: Commits<PlaceOrders>) -> Self {
        Self(orders)
    }

    /// Places an order. Returns after the commit that holds it.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn place(&self, request: Arc<OrderRequest>) -> Result<Placed, DeskError> {
        Ok(self.0.commit(request).await?)
    }
}
