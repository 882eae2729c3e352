//! Products, their prices and their stock.

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    answer::{page, see},
    api::{
        Page,
        products::{self, Details, Movement, Product},
    },
    chart::StockChart,
    failure::Failure,
    frame::{Frame, Place},
    viewer::{Admin, Change},
};

#[derive(Template)]
#[template(path = "products.html")]
struct ProductsPage {
    frame: Frame,
    products: Page<Product>,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    product: Product,
    movements: Page<Movement>,
    chart: Option<StockChart>,
    /// Makes a form that is sent twice harmless.
    key: Uuid,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    cursor: String,
}

#[derive(Deserialize)]
pub struct NewProduct {
    sku: String,
    name: String,
    description: String,
    amount: i64,
    currency: String,
    stock: i64,
}

#[derive(Deserialize)]
pub struct ChangedProduct {
    /// The version that the form shows.
    version: i64,
    name: String,
    description: String,
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
pub struct Adjustment {
    delta: i64,
    reason: String,
    key: String,
}

pub async fn list(admin: Admin, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let products = admin.read(products::list(&wanted.cursor)).await?;
    page(ProductsPage { frame: admin.frame(Place::Products, "Products"), products }.render())
}

pub async fn show(admin: Admin, sku: Path<String>, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let product = admin.read(products::show(&sku)).await?;
    let movements = admin.read(products::movements(&sku, &wanted.cursor)).await?;
    let chart = StockChart::of(&movements.data);
    let frame = admin.frame(Place::Products, format!("Product {}", product.sku));
    page(ProductPage { frame, product, movements, chart, key: Uuid::new_v4() }.render())
}

pub async fn create(change: Change<NewProduct>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form } = change;
    let admin = viewer.into_admin()?;
    let NewProduct { sku, name, description, amount, currency, stock } = form;
    let details = Details { name, description, amount, currency };
    let product = admin.read(products::create(&sku, stock, &details)).await?;
    admin.session.tell(format!("{} is on sale.", product.sku));
    Ok(see(&admin.site.base, &format!("/products/{}", product.sku)))
}

pub async fn change(change: Change<ChangedProduct>, sku: Path<String>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form } = change;
    let admin = viewer.into_admin()?;
    let ChangedProduct { version, name, description, amount, currency } = form;
    let details = Details { name, description, amount, currency };
    let product = admin.read(products::change(&sku, version, &details)).await?;
    admin.session.tell(format!("{} costs {} now.", product.sku, product.price));
    Ok(see(&admin.site.base, &format!("/products/{}", product.sku)))
}

pub async fn adjust(change: Change<Adjustment>, sku: Path<String>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form: Adjustment { delta, reason, key } } = change;
    let admin = viewer.into_admin()?;
    let stock = admin.read(products::adjust(&sku, delta, &reason, &key)).await?;
    admin.session.tell(format!("{} on hand now.", stock.stock));
    Ok(see(&admin.site.base, &format!("/products/{}", stock.sku)))
}
