//! `POST /orders`.
//!
//! Every 2xx body for one key has the same bytes: the kind of the first response is recorded, and both kinds
//! can be rebuilt from the order.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, ContentType, HeaderValue},
    },
    web::Data,
};
use aws_lc_rs::digest;
use runtime::{
    auth::{Token, UserOnly},
    http::{
        IdempotencyKeyHeader, JsonBody, PreferredWait, Problem, RequestContext, idempotency_key,
        release_admission,
    },
};
use uuid::Uuid;

use super::{
    Addresses,
    bodies::{OrderView, PlaceOrderBody, PriceChangedView},
    errors::{invalid, not_priced, refusal},
    wait,
};
use crate::{
    actors::{FetchProducts, FetchedProducts, RecordResponse, ShowOrder, Subscription},
    domain::{
        Cart, CartLine, IdempotencyKey, Money, Order, OrderRequest, PaymentMethod, Placed, PricingError,
        ResponseKind, Violation,
    },
};

/// Bytes for an order of one line.
const TYPICAL_RESPONSE: usize = 768;

/// Places an order.
///
/// 202: the order is stored and will be charged. Follow its Location. With `Prefer: wait=N` (at most 30
/// seconds): 201 with the final order, if it gets there in time.
#[utoipa::path(post, path = "/orders", tag = "orders", operation_id = "placeOrder",
    params(
        IdempotencyKeyHeader,
        ("Prefer" = Option<String>, Header, description = "`wait=N`: waits up to N seconds, 0 to 30.",
            example = "wait=10")),
    request_body = PlaceOrderBody, security(("bearer" = ["USER"])),
    responses(
        (status = 201, description = "The final order.", body = OrderView,
            headers(("Location"), ("Idempotency-Replayed"), ("Preference-Applied"))),
        (status = 202, description = "The order, which will be charged.", body = OrderView,
            headers(("Location"), ("Idempotency-Replayed"), ("Preference-Applied"))),
        (status = 404, description = "unknown-product"),
        (status = 409, description = "price-changed", content_type = "application/problem+json",
            body = PriceChangedView),
        (status = 422, description = "idempotency-key-reused"),
        (status = 429),
        (status = 503, description = "catalogue-unavailable")))]
pub async fn place_order(
    token: Token<UserOnly>,
    request: HttpRequest,
    addresses: Data<Addresses>,
    body: JsonBody<PlaceOrderBody>,
) -> Result<HttpResponse, Problem> {
    addresses.orders_by_user.admit(token.sub)?;
    admit(&addresses)?;
    let wait = PreferredWait::read(request.headers());
    let _place = wait.map(|_| wait::place(&addresses, token.sub)).transpose()?;
    let order = parse(token.sub, &request, body.value, wait.is_some())?;
    let mut response = place_and_wait(&addresses, &request, order, wait.map(PreferredWait::duration)).await?;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("prefer"));
    if let Some((name, value)) = wait.map(PreferredWait::applied) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

async fn place_and_wait(
    addresses: &Addresses,
    request: &HttpRequest,
    order: OrderRequest,
    wait: Option<Duration>,
) -> Result<HttpResponse, Problem> {
    // Before the commit, so that no transition is missed.
    let waiting = wait.map(|timeout| (timeout, addresses.notifier.subscribe(order.order_id)));
    match place(request, addresses, order).await? {
        Placed::Created(order) => match waiting {
            None => Ok(respond(StatusCode::ACCEPTED, &order, false)),
            Some((timeout, subscription)) => {
                release_admission(request);
                respond_after(addresses, subscription, Arc::unwrap_or_clone(order), timeout, false).await
            }
        },
        Placed::Replayed(order) if !order.is_awaited() => Ok(respond_as_recorded(&order, true)),
        Placed::Replayed(order) => {
            release_admission(request);
            let subscription = addresses.notifier.subscribe(order.id);
            let order = addresses.orders.send(ShowOrder(order.id)).await?.map_err(refusal)?;
            let order = order.ok_or_else(Problem::internal)?; // deleted by hand since its key was found
            respond_after(addresses, subscription, order, wait.unwrap_or_default(), true).await
        }
        Placed::KeyReused => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "This Idempotency-Key was used for another request. Use a new key for a new order.",
        )),
        Placed::NotPriced(why) => Err(not_priced(why)),
    }
}

fn admit(addresses: &Addresses) -> Result<(), Problem> {
    let detail = if addresses.backlog.is_full() {
        "Too many orders wait for their charge. This one was not placed; retry after a moment."
    } else if !addresses.throttle.admit() {
        "Orders take too long to finish, so new ones are throttled. This one was not placed; retry after a moment."
    } else {
        return Ok(());
    };
    metrics::counter!("orderflow_admission_rejected_total", "service" => "payment").increment(1);
    Err(Problem::unavailable("overloaded", detail))
}

/// Products that the catalogue copy lacks are fetched once; so are those of another total than the client
/// expects, because the client may know a newer price.
async fn place(request: &HttpRequest, addresses: &Addresses, order: OrderRequest) -> Result<Placed, Problem> {
    let order = Arc::new(order);
    let placed = addresses.writer.place(Arc::clone(&order)).await.map_err(refusal)?;
    let (skus, is_known) = match &placed {
        Placed::NotPriced(PricingError::UnknownProducts(skus)) => (skus.clone(), false),
        Placed::NotPriced(PricingError::PriceChanged { .. }) => (order.cart.skus(), true),
        _ => return Ok(placed),
    };
    let origin = RequestContext::of(request).origin();
    match addresses.catalogue.send(FetchProducts { skus: skus.clone(), origin }).await? {
        Ok(FetchedProducts::All) => addresses.writer.place(order).await.map_err(refusal),
        Ok(FetchedProducts::Absent(absent)) => Ok(Placed::NotPriced(PricingError::UnknownProducts(absent))),
        Err(_) if is_known => Ok(placed),
        Err(_) => Err(not_looked_up(&skus)),
    }
}

fn not_looked_up(skus: &[String]) -> Problem {
    let skus = skus.join(", ");
    let detail = format!("{skus} cannot be looked up now. The order was not placed; retry after a moment.");
    Problem::unavailable("catalogue-unavailable", detail)
}

/// Waits for the final state, and sends the recorded kind of response. The transition to the final state
/// records it; a wait that ends earlier records its own.
async fn respond_after(
    addresses: &Addresses,
    mut subscription: Subscription,
    mut order: Order,
    timeout: Duration,
    replayed: bool,
) -> Result<HttpResponse, Problem> {
    subscription.until(&mut order, |order| order.status.is_terminal(), timeout).await;
    if order.is_awaited() {
        order = addresses.orders.send(RecordResponse(order)).await?.map_err(refusal)?;
    }
    Ok(respond_as_recorded(&order, replayed))
}

fn respond_as_recorded(order: &Order, replayed: bool) -> HttpResponse {
    match order.response {
        Some(ResponseKind::Terminal) => respond(StatusCode::CREATED, order, replayed),
        _ => respond(StatusCode::ACCEPTED, &order.as_accepted(), replayed),
    }
}

fn respond(status: StatusCode, order: &Order, replayed: bool) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    let id = order.id.hyphenated();
    response.insert_header((
        header::LOCATION,
        ["/orders/", id.encode_lower(&mut Uuid::encode_buffer())].concat(),
    ));
    if replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    let mut body = Vec::with_capacity(TYPICAL_RESPONSE);
    match serde_json::to_writer(&mut body, &OrderView::from(order)) {
        Ok(()) => response.content_type(ContentType::json()).body(body),
        Err(defect) => unreachable!("an order is plain data: {defect}"),
    }
}

fn parse(
    user_id: Uuid,
    request: &HttpRequest,
    body: PlaceOrderBody,
    waits: bool,
) -> Result<OrderRequest, Problem> {
    let mut violations = Vec::new();
    let mut wrong =
        |pointer: &str, rule: String| violations.push(Violation { pointer: pointer.to_owned(), rule });
    let key = idempotency_key(request).map_err(|mistake| wrong(&mistake.pointer, mistake.reason));
    let key = key.ok().and_then(IdempotencyKey::parse);
    let method = match body.payment_method.as_deref() {
        None => Some(PaymentMethod::default()),
        Some(text) => PaymentMethod::parse(text),
    };
    if method.is_none() {
        wrong(
            "/payment_method",
            format!("must be one of {}", PaymentMethod::ALL.map(PaymentMethod::as_str).join(", ")),
        );
    }
    let expected_total = body.expected_total.map(|total| total.parse(&mut wrong));
    let lines = body
        .items
        .into_iter()
        .map(|item| CartLine { sku: item.sku, quantity: item.quantity.try_into().unwrap_or(0) })
        .collect();
    let cart = Cart::parse(lines).map_err(|found| violations.extend(found)).ok();
    let (Some(key), Some(method), Some(cart), true) = (key, method, cart, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let RequestContext { request_id, trace, .. } = RequestContext::of(request);
    Ok(OrderRequest {
        order_id: Uuid::now_v7(),
        user_id,
        key,
        request_hash: request_hash(&cart, method, expected_total.as_ref()),
        cart,
        expected_total,
        method,
        traceparent: trace.carried(),
        request_id,
        response: (!waits).then_some(ResponseKind::Accepted),
    })
}

/// Independent of white space and the order of fields.
fn request_hash(cart: &Cart, method: PaymentMethod, expected_total: Option<&Money>) -> Vec<u8> {
    let mut text = method.as_str().to_owned();
    for line in cart.lines() {
        text.extend(["\n", &line.sku, " ", &line.quantity.to_string()]);
    }
    // No SKU begins with `=`.
    if let Some(Money { amount, currency }) = expected_total {
        text.push_str(&format!("\n={amount} {currency}"));
    }
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
