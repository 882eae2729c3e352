//! One order: its way as a timeline, and the order itself.

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use serde_json::Value;

use crate::{
    answer::page,
    api::orders::{self, Order, Timeline, Transition},
    failure::Failure,
    frame::{Frame, Place},
    session::CallError,
    settings::TRACE_ID,
    sse::{Fragment, Look, watch},
    text::Seconds,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    base: String,
    shown: Shown,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "order_state.html")]
struct OrderState<'a> {
    base: &'a str,
    shown: &'a Shown,
}

struct Shown {
    order: Order,
    steps: Vec<Step>,
    trace: Option<Trace>,
    json: String,
}

/// A transition, and the time since the one before.
struct Step {
    transition: Transition,
    after: Option<Seconds>,
}

struct Trace {
    id: String,
    /// Its page, where `--trace-url` names one.
    url: Option<String>,
}

pub async fn show(viewer: Viewer, id: Path<String>) -> Result<HttpResponse, Failure> {
    let order = viewer.read(orders::show(&id)).await?;
    let shown = Shown::read(&viewer, order).await?;
    let frame = viewer.frame(Place::Orders, format!("Order {}", shown.order.id));
    page(OrderPage { frame, base: viewer.site.base.clone(), shown }.render())
}

/// Ends with the final state.
pub async fn live(viewer: Viewer, id: Path<String>) -> HttpResponse {
    let mut version = None;
    watch(viewer, async move |viewer: &Viewer| {
        let order = match version {
            None => orders::show(&id),
            Some(version) => orders::next_version(&id, version),
        };
        let order = viewer.read(order).await?;
        let shown = Shown::read(viewer, order).await?;
        version = Some(shown.order.version);
        let html = OrderState { base: &viewer.site.base, shown: &shown }.render().unwrap_or_default();
        let fragments = vec![Fragment { part: "order", html }];
        Ok(if shown.order.is_final() { Look::Final(fragments) } else { Look::Live(fragments) })
    })
}

impl Shown {
    async fn read(viewer: &Viewer, json: Value) -> Result<Self, CallError> {
        let order = orders::parse(&json)?;
        let Timeline { data: timeline, trace_id } = viewer.read(orders::timeline(&order.id)).await?;
        let before = std::iter::once(None).chain(timeline.iter().map(|before| Some(before.at)));
        let steps = timeline.iter().zip(before).map(|(transition, before)| Step {
            transition: transition.clone(),
            after: before.map(|before| Seconds::between(before, transition.at)),
        });
        let json = serde_json::to_string_pretty(&json).unwrap_or_default();
        let trace = trace_id.map(|id| Trace::of(id, &viewer.site.trace_url));
        Ok(Self { steps: steps.collect(), order, trace, json })
    }
}

impl Trace {
    fn of(id: String, template: &str) -> Self {
        let url = (!template.is_empty()).then(|| template.replace(TRACE_ID, &id));
        Self { id, url }
    }
}
