//! OrderDesk: shows orders, waits for them, and confirms them.

use std::{rc::Rc, time::Duration};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{db::Database, drains_at_once, supervisor::Life};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{ApplyResult, DeskError, OrderDeskParts};
use crate::{
    domain::{Applied, Order, OrderFilter, OrderStatus, ResponseKind},
    store::{self, OrderOutcome, OrderPage},
};

/// Another instance may move the order without a wake-up.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

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
#[rtype(result = "Result<(ResponseKind, Order), DeskError>")]
pub struct RecordResponse(pub Order);

impl Handler<RecordResponse> for OrderDesk {
    type Result = ResponseFuture<Result<(ResponseKind, Order), DeskError>>;

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

/// Returns the order once it is past a version, or after the timeout.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Order>, DeskError>")]
pub struct AwaitOrder {
    pub id: Uuid,
    /// `None`: wait for the final state.
    pub after_version: Option<i32>,
    pub timeout: Duration,
}

impl Handler<AwaitOrder> for OrderDesk {
    type Result = ResponseFuture<Result<Option<Order>, DeskError>>;

    fn handle(&mut self, message: AwaitOrder, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { await_order(&parts, message).await })
    }
}

async fn await_order(parts: &OrderDeskParts, wanted: AwaitOrder) -> Result<Option<Order>, DeskError> {
    let deadline = Instant::now() + wanted.timeout;
    let subscription = parts.notifier.subscribe(wanted.id);
    loop {
        let mut moved = std::pin::pin!(subscription.next_move());
        moved.as_mut().enable(); // subscribed before the read, so that no move is missed
        let Some(order) = find(&parts.database, wanted.id).await? else { return Ok(None) };
        let arrived = order.status.is_terminal()
            || wanted.after_version.is_some_and(|version| order.version() > version);
        if arrived || Instant::now() >= deadline || parts.shutdown.has_begun() {
            return Ok(Some(order));
        }
        // Err: no wake-up in time. Read the order anyway.
        _ = timeout_at(deadline.min(Instant::now() + POLL_INTERVAL), moved).await;
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
        let Confirmation { event_id, answers, order_id } = *confirmation;
        OrderOutcome {
            event_id,
            answers,
            order_id,
            status: OrderStatus::Confirmed,
            refund_id: None,
            reason: None,
        }
    };
    let commits = parts.outcomes.commit_all(confirmations.iter().map(confirmed).collect());
    let mut results = Vec::with_capacity(confirmations.len());
    for (Confirmation { order_id, .. }, commit) in confirmations.into_iter().zip(commits) {
        let result = commit.await.map_err(DeskError::from);
        if let Ok(Applied::Moved { after }) = result {
            parts.throttle.record_end(after);
        }
        if result.is_ok() {
            parts.notifier.notify(order_id);
        }
        results.push(result);
    }
    results
}
