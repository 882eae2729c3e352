use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::api::{Api, Order, Transition};
use crate::commands::watch;
use crate::demo::{self, DemoOrder};
use crate::terminal::{Colour, Output, Paint, Progress, render_order};

const ENDS_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize)]
pub struct Shown {
    order: Order,
    timeline: Vec<Transition>,
}

/// Fails if an order ends in an unexpected state.
pub async fn place_all(api: &Api, progress: &mut Progress, output: Output) -> anyhow::Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for demo in demo::orders() {
        progress.step(format!("demo order: {}", demo.ends));
        let order = place(api, &demo).await?;
        progress.done();
        output.line(rendered(&demo, &order, output.paint))?;
        shown.push(order);
    }
    Ok(shown)
}

async fn place(api: &Api, demo: &DemoOrder) -> anyhow::Result<Shown> {
    let placed = api.place_order(&demo.lines, demo.method, &Uuid::now_v7().to_string()).await?;
    let (order, timeline) = watch::follow(api, &placed.id, ENDS_WITHIN, |_| Ok(())).await?;
    anyhow::ensure!(
        order.status == demo.ends,
        "order {} ended {} instead of {}",
        order.id,
        order.status,
        demo.ends
    );
    Ok(Shown { order, timeline })
}

fn rendered(demo: &DemoOrder, shown: &Shown, paint: Paint) -> String {
    let lines: Vec<String> =
        demo.lines.iter().map(|line| format!("{} x {}", line.quantity, line.sku)).collect();
    let title = paint.paint(Colour::Bold, demo.title);
    let mut text =
        vec![format!("\n{title} ({}, {})", lines.join(", "), demo.method), render_order(&shown.order, paint)];
    text.extend(shown.timeline.iter().map(|transition| watch::rendered(transition, paint)));
    text.join("\n")
}
