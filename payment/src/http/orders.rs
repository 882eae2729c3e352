//! `GET /orders`, `/orders/{id}` and `/orders/{id}/timeline`.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};
use jiff::Timestamp;
use runtime::{
    auth::{Allows, Claims, Role, Scope, Token},
    http::{EntityTag, FieldError, Page, PageQuery, Problem, Query, is_head, release_admission, trace_id},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    Addresses,
    bodies::{OrderView, StatusName, Timeline, TransitionView},
    errors::refusal,
    wait,
};
use crate::{
    actors::{ListOrders, ShowOrder},
    domain::{IdempotencyKey, Order, OrderFilter, OrderStatus, SKU_RULE, is_sku},
};

/// Customers, for their own orders; for all orders operators, and services with `orders:read`.
pub struct OrderReader;

impl Allows for OrderReader {
    const ROLES: &'static [Role] = &[Role::User, Role::Admin];
    const SCOPE: Option<Scope> = Some(Scope::OrdersRead);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowParams {
    /// Maximum wait in seconds for the order to move.
    #[param(minimum = 0, maximum = 30)]
    #[serde(default, deserialize_with = "runtime::http::number::<0, 30, _, _>")]
    wait: Option<u64>,
    /// The version the client has. With `wait`, the response comes once the order is past it. Without
    /// `after_version` it comes at the final state.
    #[serde(default, deserialize_with = "runtime::http::number::<0, 2_147_483_647, _, _>")]
    #[param(minimum = 0)]
    after_version: Option<i32>,
}

/// Shows an order. An order of another user is a 404, like an unknown one.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", operation_id = "getOrder",
    params(("id" = Uuid, Path, description = "The order."), ShowParams,
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has, or `*`.",
            example = "\"7\"")),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["orders:read"])),
    responses(
        (status = 200, description = "The order.", body = OrderView, headers(("ETag"))),
        (status = 304, description = "The client has this version.", headers(("ETag"))),
        (status = 404),
        (status = 412, description = "stale-version"),
        (status = 429)))]
pub async fn show(
    token: Token<OrderReader>,
    request: HttpRequest,
    addresses: Data<Addresses>,
    id: Path<Uuid>,
    params: Query<ShowParams>,
) -> Result<HttpResponse, Problem> {
    let timeout = params.wait.filter(|_| !is_head(&request)).map(Duration::from_secs);
    let _place = timeout.map(|_| wait::place(&addresses, token.sub)).transpose()?;
    // Before the read, so that no transition is missed.
    let subscription = timeout.map(|_| addresses.notifier.subscribe(*id));
    let mut order = visible(&token, &addresses, *id).await?;
    if let (Some(timeout), Some(mut subscription)) = (timeout, subscription) {
        release_admission(&request);
        let arrived = |order: &Order| {
            order.status.is_terminal()
                || params.after_version.is_some_and(|version| order.version() > version)
        };
        subscription.until(&mut order, arrived, timeout).await;
    }
    let etag = EntityTag::of_version(order.version());
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag)).json(OrderView::from(&order)))
}

/// Lists every transition of an order, with its time and cause.
#[utoipa::path(get, path = "/orders/{id}/timeline", tag = "orders", operation_id = "getOrderTimeline",
    params(("id" = Uuid, Path, description = "The order.")),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["orders:read"])),
    responses((status = 200, description = "The transitions.", body = Timeline), (status = 404)))]
pub async fn timeline(
    token: Token<OrderReader>,
    addresses: Data<Addresses>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let order = visible(&token, &addresses, *id).await?;
    Ok(HttpResponse::Ok().json(Timeline {
        data: order.timeline().map(TransitionView::from).collect(),
        trace_id: trace_id(&order.traceparent).filter(|_| sees_all(&token)),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// Rows to answer with.
    #[param(default = 20, minimum = 1, maximum = 100)]
    #[serde(default, deserialize_with = "runtime::http::number::<1, 100, _, _>")]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only orders in this status.
    #[param(value_type = Option<StatusName>)]
    status: Option<String>,
    /// Only orders of this user (ADMIN and SERVICE).
    user_id: Option<Uuid>,
    /// Only the order that this user placed under this Idempotency-Key. Needs `user_id`.
    #[param(min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    key: Option<String>,
    /// Only orders with a line of this product.
    #[param(pattern = "^[A-Z0-9][A-Z0-9._-]{0,63}$")]
    sku: Option<String>,
    /// Only orders with `created_at` at this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "runtime::http::time")]
    created_from: Option<Timestamp>,
    /// Only orders with `created_at` before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(default, deserialize_with = "runtime::http::time")]
    created_to: Option<Timestamp>,
}

impl ListParams {
    fn filter(&self, claims: &Claims, before: Option<Uuid>) -> Result<OrderFilter, Problem> {
        let wrong = |name, rule| Err(Problem::invalid(vec![FieldError::new(name, rule)]));
        if self.sku.as_deref().is_some_and(|sku| !is_sku(sku)) {
            return wrong("sku", SKU_RULE);
        }
        if self.key.is_some() && self.user_id.is_none() {
            return wrong("key", "needs user_id: a key is one of its user");
        }
        let key = self.key.as_deref().map(IdempotencyKey::parse);
        if key == Some(None) {
            return wrong("key", "must be 1 to 255 printable ASCII characters");
        }
        if self.created_from.zip(self.created_to).is_some_and(|(from, to)| from >= to) {
            return wrong("created_to", "must be later than created_from");
        }
        Ok(OrderFilter {
            user_id: listed_user(claims, self.user_id)?,
            key: key.flatten(),
            status: self.status.as_deref().map(status).transpose()?,
            sku: self.sku.clone(),
            created_from: self.created_from,
            created_to: self.created_to,
            before,
        })
    }
}

/// Lists orders, newest first: to a USER the own ones, to others all. A page with a filter other than `user_id`
/// and `key` looks at 10,000 orders, and may hold fewer than the limit, or none. Follow `next_cursor` while
/// `has_more` is true. `created_from` and `created_to` bound what is looked at.
#[utoipa::path(get, path = "/orders", tag = "orders", operation_id = "listOrders", params(ListParams),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["orders:read"])),
    responses((status = 200, description = "A page of orders.", body = Page<OrderView>)))]
pub async fn list(
    token: Token<OrderReader>,
    addresses: Data<Addresses>,
    params: Query<ListParams>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: params.limit, cursor: params.cursor.clone() };
    let limit = page.limit()?;
    let filter = params.filter(&token, page.after(|key| key.parse().ok())?)?;
    let found = addresses.orders.send(ListOrders { filter, limit: limit + 1 }).await?.map_err(refusal)?;
    let scanned_to = found.scanned_to.map(|id| id.to_string());
    let page =
        Page::cut(found.orders, limit, |order| order.id.to_string()).going_on_after(scanned_to.as_deref());
    let data = page.data.iter().map(OrderView::from).collect();
    Ok(HttpResponse::Ok().json(Page { data, has_more: page.has_more, next_cursor: page.next_cursor }))
}

/// `None`: all users.
fn listed_user(claims: &Claims, wanted: Option<Uuid>) -> Result<Option<Uuid>, Problem> {
    match wanted {
        wanted if sees_all(claims) => Ok(wanted),
        Some(other) if other != claims.sub => Err(Problem::new(
            actix_web::http::StatusCode::FORBIDDEN,
            "forbidden",
            "A USER may not list the orders of other users. Omit user_id to list your own.",
        )),
        _ => Ok(Some(claims.sub)),
    }
}

fn sees_all(claims: &Claims) -> bool {
    matches!(claims.role, Role::Admin | Role::Service)
}

fn status(text: &str) -> Result<OrderStatus, Problem> {
    let rule = || format!("must be one of {}", OrderStatus::ALL.map(OrderStatus::as_str).join(", "));
    OrderStatus::parse(text).ok_or_else(|| Problem::invalid(vec![FieldError::new("status", rule())]))
}

pub(super) async fn visible(claims: &Claims, addresses: &Addresses, id: Uuid) -> Result<Order, Problem> {
    let order = addresses.orders.send(ShowOrder(id)).await?.map_err(refusal)?;
    order
        .filter(|order| order.user_id == claims.sub || sees_all(claims))
        .ok_or_else(|| Problem::absent("order"))
}
