//! `/products/{sku}/stock`

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use runtime::{
    auth::Token,
    http::{AuditNotes, IdempotencyKeyHeader, JsonBody, Problem, idempotency_key},
};

use super::{
    Addresses,
    bodies::{AdjustBody, SkuPath, StockBody},
    errors::sku,
    rights::StockWriter,
};
use crate::{
    actors::{AdjustStock, ToProduct},
    domain::Adjustment,
};

/// Adds or takes stock, once per Idempotency-Key.
#[utoipa::path(post, path = "/products/{sku}/stock", tag = "stock", operation_id = "adjustStock",
    params(SkuPath, IdempotencyKeyHeader), request_body = AdjustBody,
    security(("bearer" = ["ADMIN"]), ("bearer" = ["stock:write"])),
    responses(
        (status = 200, description = "The new stock.", body = StockBody, headers(("Idempotency-Replayed"))),
        (status = 404),
        (status = 409, description = "insufficient-stock, stock-too-large"),
        (status = 422, description = "idempotency-key-reused")))]
pub(super) async fn adjust(
    token: Token<StockWriter>,
    addresses: Data<Addresses>,
    request: HttpRequest,
    notes: AuditNotes,
    path: Path<String>,
    body: JsonBody<AdjustBody>,
) -> Result<HttpResponse, Problem> {
    let sku = sku(&path)?;
    let key = idempotency_key(&request).map_err(|mistake| Problem::invalid(vec![mistake]))?.to_owned();
    let (delta, reason) = body.value.parse()?;
    notes.detail("delta", delta.get());
    let adjustment = Adjustment { sku: sku.clone(), delta, reason, actor: token.sub, key };
    let adjusted =
        addresses.desk.send(ToProduct { sku: sku.clone(), message: AdjustStock(adjustment) }).await??;
    let mut response = HttpResponse::Ok();
    notes.detail("stock", adjusted.on_hand);
    if adjusted.replayed {
        notes.detail("replayed", true);
        response.insert_header(("idempotency-replayed", "true"));
    }
    Ok(response.json(StockBody { sku: sku.to_string(), delta: delta.get(), stock: adjusted.on_hand }))
}
