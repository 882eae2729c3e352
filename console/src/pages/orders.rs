//! Orders, newest first: an ADMIN sees all, a USER the own ones.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{
        Page,
        orders::{self, Order, OrderFilter, STATUSES},
    },
    failure::Failure,
    frame::{Frame, Place},
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    frame: Frame,
    is_admin: bool,
    statuses: Vec<Choice>,
    filter: OrderFilter,
    orders: Page<Order>,
    /// The query of the next page.
    older: Option<String>,
}

struct Choice {
    name: &'static str,
    is_chosen: bool,
}

#[derive(Deserialize)]
pub struct Search {
    /// The id of an order.
    #[serde(default)]
    id: String,
}

pub async fn list(
    viewer: Viewer,
    search: Query<Search>,
    filter: Query<OrderFilter>,
) -> Result<HttpResponse, Failure> {
    let id = search.id.trim();
    if !id.is_empty() {
        let id: uuid::Uuid =
            id.parse().map_err(|_| Failure::Malformed(format!("`{id}` is no id of an order")))?;
        return Ok(see(&viewer.site.base, &format!("/orders/{id}")));
    }
    let filter = filter.into_inner();
    let orders = viewer.read(orders::list(&filter)).await?;
    if let ([order], false) = (&orders.data[..], filter.key.is_empty()) {
        return Ok(see(&viewer.site.base, &format!("/orders/{}", order.id)));
    }
    let choice = |name: &'static str| Choice { name, is_chosen: name == filter.status };
    let page_of = OrdersPage {
        frame: viewer.frame(Place::Orders, "Orders"),
        is_admin: viewer.is_admin(),
        statuses: STATUSES.map(choice).into(),
        older: orders.next_cursor.as_deref().map(|cursor| at(&filter, cursor)),
        filter,
        orders,
    };
    page(page_of.render())
}

/// The same list from `cursor` on.
fn at(filter: &OrderFilter, cursor: &str) -> String {
    let filter = OrderFilter { cursor: cursor.to_owned(), ..filter.clone() };
    serde_urlencoded::to_string(&filter).unwrap_or_default()
}
