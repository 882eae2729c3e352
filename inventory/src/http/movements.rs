//! `/products/{sku}/movements`

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use runtime::{
    auth::{AdminOnly, Token},
    http::{Page, PageQuery, Problem, Query},
};

use super::{
    Addresses,
    bodies::{MovementBody, SkuPath},
    errors::sku,
};
use crate::actors::ListMovements;

/// Lists the stock ledger of a product, newest entry first. A product that is off sale keeps its ledger.
#[utoipa::path(get, path = "/products/{sku}/movements", tag = "stock", operation_id = "listStockMovements",
    params(SkuPath, PageQuery), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "A page of the ledger.", body = Page<MovementBody>),
        (status = 404)))]
pub(super) async fn list(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    path: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit()?;
    let found = addresses
        .desk
        .send(ListMovements {
            sku: sku(&path)?,
            before: query.after(|key| key.parse().ok())?,
            limit: limit + 1,
        })
        .await??;
    let bodies: Vec<MovementBody> = found.into_iter().map(MovementBody::from).collect();
    Ok(HttpResponse::Ok().json(Page::cut(bodies, limit, |last| last.id.to_string())))
}
