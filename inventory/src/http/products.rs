//! `/products`

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header,
    web::{Data, Path},
};
use runtime::{
    auth::{AdminOnly, Token},
    http::{AuditNotes, EntityTag, FieldError, JsonBody, Page, PageQuery, Problem, Query, RequestContext},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Addresses,
    bodies::{ChangeBody, CreateBody, ProductBody, SkuPath},
    errors::sku,
    preconditions,
    rights::CatalogueReader,
};
use crate::{
    actors::{
        ChangeProduct, CreateProduct, FindProducts, ListProducts, ProductView, RemoveProduct, SearchProducts,
        ShowProduct, ToProduct,
    },
    domain::{Prefix, SearchPosition, Sku},
};

/// The lines of an order.
const MOST_SKUS: usize = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ProductsQuery {
    /// Up to 50 SKUs, separated by commas. The page then holds all of these products that are on sale.
    #[serde(rename = "sku")]
    skus: Option<String>,
    /// Only products whose SKU or name begins with this text, in small or capital letters: first by SKU, then by
    /// name. A page may hold fewer than the limit.
    #[param(min_length = 1, max_length = 255)]
    q: Option<String>,
}

/// Lists the products on sale, by SKU.
#[utoipa::path(get, path = "/products", tag = "products", operation_id = "listProducts",
    params(PageQuery, ProductsQuery),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["products:read"])),
    responses((status = 200, description = "A page of products.", body = Page<ProductBody>)))]
pub(super) async fn list(
    _: CatalogueReader,
    addresses: Data<Addresses>,
    query: Query<PageQuery>,
    wanted: Query<ProductsQuery>,
) -> Result<HttpResponse, Problem> {
    if let Some(text) = &wanted.q {
        return search(&addresses, text, wanted.skus.is_some(), &query).await;
    }
    if let Some(skus) = &wanted.skus {
        let found = addresses.desk.send(FindProducts(parse_skus(skus)?)).await??;
        let data: Vec<ProductBody> = found.into_iter().map(ProductBody::from).collect();
        return Ok(HttpResponse::Ok().json(Page { data, has_more: false, next_cursor: None }));
    }
    let limit = query.limit()?;
    let found = addresses
        .desk
        .send(ListProducts { after: query.after(|key| Sku::parse(key).ok())?, limit: limit + 1 })
        .await??;
    let bodies: Vec<ProductBody> = found.into_iter().map(ProductBody::from).collect();
    Ok(HttpResponse::Ok().json(Page::cut(bodies, limit, |last| last.sku.clone())))
}

async fn search(
    addresses: &Addresses,
    text: &str,
    has_skus: bool,
    page: &PageQuery,
) -> Result<HttpResponse, Problem> {
    let wrong = |rule: String| Problem::invalid(vec![FieldError::new("q", rule)]);
    if has_skus {
        return Err(wrong("cannot be combined with sku".to_owned()));
    }
    let prefix = Prefix::parse(text).map_err(|rule| wrong(rule.to_string()))?;
    let limit = page.limit()?;
    let message = SearchProducts { prefix, after: page.after(SearchPosition::parse)?, limit: limit + 1 };
    let found = addresses.desk.send(message).await??;
    let scanned_to = found.scanned_to.map(|position| position.to_string());
    let page = Page::cut(found.products, limit, |(_, position)| position.to_string())
        .going_on_after(scanned_to.as_deref());
    let data: Vec<ProductBody> = page.data.into_iter().map(|(product, _)| product.into()).collect();
    Ok(HttpResponse::Ok().json(Page { data, has_more: page.has_more, next_cursor: page.next_cursor }))
}

/// Puts a product on sale. The SKU may be that of a deleted product: its version and its ledger go on, and
/// nothing else does.
#[utoipa::path(post, path = "/products", tag = "products", operation_id = "createProduct",
    request_body = CreateBody, security(("bearer" = ["ADMIN"])),
    responses(
        (status = 201, description = "The product.", body = ProductBody, headers(("Location"), ("ETag"))),
        (status = 409, description = "sku-taken")))]
pub(super) async fn create(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    request: HttpRequest,
    notes: AuditNotes,
    body: JsonBody<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let product = body.value.parse()?;
    notes.subject(&product.sku);
    notes.detail("price", product.details.price.amount());
    notes.detail("stock", product.stock.get());
    let created = addresses
        .desk
        .send(CreateProduct { product, origin: RequestContext::of(&request).origin() })
        .await??;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/products/{}", created.record.sku)));
    Ok(answer(response, created))
}

/// Shows a product.
#[utoipa::path(get, path = "/products/{sku}", tag = "products", operation_id = "getProduct",
    params(SkuPath,
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has, or `*`.",
            example = "\"7\"")),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"]), ("bearer" = ["products:read"])),
    responses(
        (status = 200, description = "The product.", body = ProductBody, headers(("ETag"))),
        (status = 304, description = "The client has this version.", headers(("ETag"))),
        (status = 404),
        (status = 412, description = "stale-version")))]
pub(super) async fn show(
    _: CatalogueReader,
    addresses: Data<Addresses>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let shown = addresses.desk.send(ToProduct { sku: sku(&path)?, message: ShowProduct }).await??;
    Ok(answer(HttpResponse::Ok(), shown))
}

/// Replaces name, description and price of a product that still has the version in If-Match.
#[utoipa::path(put, path = "/products/{sku}", tag = "products", operation_id = "changeProduct",
    params(SkuPath,
        ("If-Match" = String, Header, description = "The ETag of the product as last read, or `*`.",
            example = "\"7\"")),
    request_body = ChangeBody, security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "The product.", body = ProductBody, headers(("ETag"))),
        (status = 404),
        (status = 412, description = "stale-version"),
        (status = 428, description = "precondition-required")))]
pub(super) async fn change(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    request: HttpRequest,
    notes: AuditNotes,
    path: Path<String>,
    body: JsonBody<ChangeBody>,
) -> Result<HttpResponse, Problem> {
    let precondition = preconditions::required(&request)?;
    let details = body.value.parse()?;
    notes.detail("price", details.price.amount());
    let message = ChangeProduct { precondition, details, origin: RequestContext::of(&request).origin() };
    let changed = addresses.desk.send(ToProduct { sku: sku(&path)?, message }).await??;
    Ok(answer(HttpResponse::Ok(), changed))
}

/// Takes a product off sale. Orders already placed keep their price and are still fulfilled. POST puts the SKU
/// on sale again.
#[utoipa::path(delete, path = "/products/{sku}", tag = "products", operation_id = "deleteProduct",
    params(SkuPath,
        ("If-Match" = Option<String>, Header, description = "ETags that the product may have, or `*`.",
            example = "\"7\"")),
    security(("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "The product is off sale."),
        (status = 404),
        (status = 412, description = "stale-version")))]
pub(super) async fn remove(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let precondition = preconditions::optional(request.headers())?;
    let message = RemoveProduct { precondition, origin: RequestContext::of(&request).origin() };
    addresses.desk.send(ToProduct { sku: sku(&path)?, message }).await??;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(mut response: HttpResponseBuilder, view: ProductView) -> HttpResponse {
    response
        .insert_header((header::ETAG, EntityTag::of_version(view.record.version)))
        .json(ProductBody::from(view))
}

fn parse_skus(text: &str) -> Result<Vec<Sku>, Problem> {
    let wrong = |rule: String| Problem::invalid(vec![FieldError::new("sku", rule)]);
    let skus: Vec<&str> = text.split(',').collect();
    if skus.len() > MOST_SKUS {
        return Err(wrong(format!("must be at most {MOST_SKUS} SKUs, got {}", skus.len())));
    }
    skus.into_iter().map(|sku| Sku::parse(sku).map_err(|rule| wrong(rule.to_string()))).collect()
}
