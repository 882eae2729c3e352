//! `/products/{sku}/movements`

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use jiff::Timestamp;
use runtime::{
    auth::{AdminOnly, Token},
    http::{FieldError, Page, PageQuery, Problem, Query},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Addresses, errors::sku};
use crate::{actors::ListMovements, domain::Movement};

/// An entry of the stock ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MovementBody {
    id: i64,
    /// Pieces that came; negative: that went.
    delta: i32,
    /// On hand afterwards.
    balance: i32,
    /// `order`, `product created`, or what the operator said.
    reason: String,
    order_id: Option<Uuid>,
    /// The event that took them.
    event_id: Option<Uuid>,
    at: Timestamp,
}

impl From<Movement> for MovementBody {
    fn from(movement: Movement) -> Self {
        let Movement { id, delta, balance, reason, order_id, event_id, at } = movement;
        Self { id, delta, balance, reason, order_id, event_id, at }
    }
}

/// The stock ledger of a product, newest entry first. A product that was taken off sale keeps it.
#[utoipa::path(get, path = "/products/{sku}/movements", tag = "stock", params(PageQuery), security(("bearer" = [])),
    responses((status = 200, body = Page<MovementBody>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    path: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit()?;
    let found = addresses
        .desk
        .send(ListMovements { sku: sku(&path)?, before: before(&query)?, limit: limit + 1 })
        .await??;
    let bodies: Vec<MovementBody> = found.into_iter().map(MovementBody::from).collect();
    Ok(HttpResponse::Ok().json(Page::cut(bodies, limit, |last| last.id.to_string())))
}

fn before(query: &PageQuery) -> Result<Option<i64>, Problem> {
    let foreign = |_| Problem::invalid(vec![FieldError::new("cursor", "is not a cursor this list gave out")]);
    query.after()?.map(|key| key.parse().map_err(foreign)).transpose()
}
