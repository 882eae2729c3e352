//! OrderDesk: shows orders and confirms them.

use std::rc::Rc;

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{db::Database, drains_at_once, supervisor::Life};
use uuid::Uuid;

use super::{ApplyResult, DeskError, OrderDeskParts};
use crate::{
    domain::{Applied, Order, OrderFilter, OrderStatus},
    store::{self, OrderOutcome, OrderPage},
};

/// The actor.
pub struct OrderDesk {
    parts: Rc<OrderDeskParts>,
    life: Life,
}

impl OrderDesk {
    pub fn new(parts: OrderDeskParts, life: Life) -> Self {
        Self { parts: Rc::new(parts), life }
    }
}

impl Actor for OrderDesk {
    type Context = Context<Self>;
}

drains_at_once!(OrderDesk);

/// Returns the recorded kind, possibly of an earlier response, and the order to show.
#[derive(Debug, Message)]
#[rtype(result = "Result<Order, DeskError>")]
pub struct RecordResponse(pub Order);

impl Handler<RecordResponse> for OrderDesk {
    type Result = ResponseFuture<Result<Order, DeskError>>;

    fn handle(&mut self, message: RecordResponse, _: &mut Self::Context) -> Self::Result {
        let database = self.parts.database.clone();
        Box::pin(async move {
            let connection = database.connection().await?;
            Ok(store::record_response(&connection, message.0).await?)
        })
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Order>, DeskError>")]
pub struct ShowOrder(pub Uuid);

impl Handler<ShowOrder> for OrderDesk {
    type Result = ResponseFuture<Result<Option<Order>, DeskError>>;

    fn handle(&mut self, message: ShowOrder, _: &mut Self::Context) -> Self::Result {
        let database = self.parts.database.clone();
        Box::pin(async move { find(&database, message.0).await })
    }
}

async fn find(database: &Database, id: Uuid) -> Result<Option<Order>, DeskError> {
    Ok(store::find_order(&database.connection().await?, id).await?)
}

#[derive(Debug, Message)]
#[rtype(result = "Result<OrderPage, DeskError>")]
pub struct ListOrders {
    pub filter: OrderFilter,
    pub limit: usize,
}

impl Handler<ListOrders> for OrderDesk {
    type Result = ResponseFuture<Result<OrderPage, DeskError>>;

    fn handle(&mut self, message: ListOrders, _: &mut Self::Context) -> Self::Result {
        let database = self.parts.database.clone();
        Box::pin(async move {
            let connection = database.connection().await?;
            Ok(store::list_orders(&connection, &message.filter, message.limit as i64, store::SCAN_LIMIT)
                .await?)
        })
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Vec<ApplyResult>")]
pub struct ConfirmOrders(pub Vec<Confirmation>);

/// One `stock_reserved`.
#[derive(Debug, Clone)]
pub struct Confirmation {
    pub event_id: Uuid,
    /// The answered `order_completed`.
    pub answers: Option<Uuid>,
    pub order_id: Uuid,
    pub awaited: bool,
}

impl Handler<ConfirmOrders> for OrderDesk {
    type Result = ResponseFuture<Vec<ApplyResult>>;

    fn handle(&mut self, message: ConfirmOrders, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { confirm(&parts, message.0).await })
    }
}

async fn confirm(parts: &OrderDeskParts, confirmations: Vec<Confirmation>) -> Vec<ApplyResult> {
    let confirmed = |confirmation: &Confirmation| {
        let Confirmation { event_id, answers, order_id, awaited } = *confirmation;
        OrderOutcome {
            event_id,
            answers,
            order_id,
            status: OrderStatus::Confirmed,
            refund_id: None,
            reason: None,
            awaited,
        }
    };
    let commits = parts.outcomes.commit_all(confirmations.iter().map(confirmed).collect());
    let mut results = Vec::with_capacity(confirmations.len());
    for (Confirmation { order_id, .. }, commit) in confirmations.into_iter().zip(commits) {
        let result = commit.await.map_err(DeskError::from);
        if let Ok(Applied::Moved(progress)) = &result {
            parts.throttle.record_end(progress);
            parts.notifier.notify(order_id, progress);
        }
        results.push(result);
    }
    results
}
