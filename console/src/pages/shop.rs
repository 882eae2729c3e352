//! What a customer sees: the catalogue, and the way of an order.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    answer::{page, see},
    api::{
        Page,
        orders::{self, Order, OrderFilter},
        products::{self, Product},
    },
    failure::Failure,
    frame::{Frame, Place},
    viewer::{Change, Viewer},
};

#[derive(Template)]
#[template(path = "shop.html")]
struct ShopPage {
    frame: Frame,
    products: Page<Product>,
    orders: Vec<Order>,
    /// One order, however often the form is sent.
    key: Uuid,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    cursor: String,
}

#[derive(Deserialize)]
pub struct OrderForm {
    sku: String,
    quantity: u32,
    payment_method: String,
    key: String,
}

pub async fn show(viewer: Viewer, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let products = viewer.read(products::list(&wanted.cursor)).await?;
    let orders =
        viewer.read(orders::list(&OrderFilter::default())).await?.data.into_iter().take(10).collect();
    page(
        ShopPage { frame: viewer.frame(Place::Shop, "Shop"), products, orders, key: Uuid::new_v4() }.render(),
    )
}

pub async fn order(change: Change<OrderForm>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form: OrderForm { sku, quantity, payment_method, key } } = change;
    let key = format!("{key}-{sku}");
    let order = viewer.read(orders::place(&sku, quantity, &payment_method, &key)).await?;
    Ok(see(&viewer.site.base, &format!("/orders/{}", order.id)))
}
