//! Orders, newest first: an ADMIN sees all, a USER the own ones.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{
        Page,
        orders::{self, Order, STATUSES},
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
    wanted: Wanted,
    orders: Page<Order>,
    /// The query of the next page.
    older: Option<String>,
}

struct Choice {
    name: &'static str,
    is_chosen: bool,
}

#[derive(Deserialize)]
pub struct Wanted {
    /// The id of an order.
    #[serde(default)]
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    cursor: String,
}

pub async fn list(viewer: Viewer, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let wanted = wanted.into_inner();
    let id = wanted.id.trim();
    if !id.is_empty() {
        let id: uuid::Uuid =
            id.parse().map_err(|_| Failure::Malformed(format!("`{id}` is no id of an order")))?;
        return Ok(see(&viewer.site.base, &format!("/orders/{id}")));
    }
    let orders = viewer.read(orders::list(&wanted.status, wanted.user_id.trim(), &wanted.cursor)).await?;
    let choice = |name: &'static str| Choice { name, is_chosen: name == wanted.status };
    let page_of = OrdersPage {
        frame: viewer.frame(Place::Orders, "Orders"),
        is_admin: viewer.is_admin(),
        statuses: STATUSES.map(choice).into(),
        older: orders.next_cursor.as_deref().map(|cursor| wanted.at(cursor)),
        wanted,
        orders,
    };
    page(page_of.render())
}

impl Wanted {
    /// The same list from `cursor` on.
    fn at(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("status", self.status.as_str()), ("user_id", &self.user_id), ("cursor", cursor)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}
