//! `/products/{sku}/stock`

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use runtime::{
    auth::Token,
    http::{AuditNotes, JsonBody, Problem, idempotency_key},
};

use super::{
    Addresses,
    bodies::{AdjustBody, StockBody},
    errors::sku,
    rights::StockWriter,
};
use crate::{
    actors::{AdjustStock, ToProduct},
    domain::Adjustment,
};

/// Adds or takes stock, once per Idempotency-Key.
#[utoipa::path(post, path = "/products/{sku}/stock", tag = "stock", request_body = AdjustBody, security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 characters; the same key and body replay the first response")),
    responses((status = 200, body = StockBody), (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "insufficient-stock", body = Problem), (status = 422, description = "idempotency-key-reused", body = Problem)))]
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
    let adjustment =
        Adjustment { sku: sku.clone(), delta, reason, actor: token.sub, key, request: body.bytes.to_vec() };
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
