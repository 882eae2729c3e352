use std::sync::Arc;

use runtime::db::Commits;

use super::DeskError;
use crate::{
    domain::{OrderRequest, Placed},
    store::PlaceOrders,
};

#[derive(Clone)]
pub struct OrderWriter(Commits<PlaceOrders>);

impl OrderWriter {
    pub fn new(orders: Commits<PlaceOrders>) -> Self {
        Self(orders)
    }

    /// Returns after the commit of the order.
    pub async fn place(&self, request: Arc<OrderRequest>) -> Result<Placed, DeskError> {
        Ok(self.0.commit(request).await?)
    }
}
