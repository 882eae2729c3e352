use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;
use uuid::Uuid;

use crate::api::{Api, Order, Transition};
use crate::commands::watch;
use crate::demo::{self, DemoOrder};
use crate::terminal::{Colour, Paint, Progress, render_order, render_transition};

const ENDS_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize)]
pub struct Shown {
    order: Order,
    timeline: Vec<Transition>,
}

/// Fails if an order ends in an unexpected state.
pub async fn place_all(api: &Api, progress: &mut Progress, json: bool) -> anyhow::Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for demo in demo::orders() {
        progress.step(format!("demo order: {}", demo.ends));
        let order = place(api, &demo).await?;
        progress.done();
        if !json {
            print(&demo, &order);
        }
        shown.push(order);
    }
    Ok(shown)
}

async fn place(api: &Api, demo: &DemoOrder) -> anyhow::Result<Shown> {
    let placed = api.place_order(&demo.lines, demo.method, &Uuid::now_v7().to_string()).await?;
    let (order, timeline) = watch::follow(api, &placed.id, ENDS_WITHIN, |_| {}).await?;
    anyhow::ensure!(
        order.status == demo.ends,
        "order {} ended {} instead of {}",
        order.id,
        order.status,
        demo.ends
    );
    Ok(Shown { order, timeline })
}

fn print(demo: &DemoOrder, shown: &Shown) {
    let paint = Paint::for_stdout();
    let zone = TimeZone::system();
    let lines: Vec<String> =
        demo.lines.iter().map(|line| format!("{} x {}", line.quantity, line.sku)).collect();
    println!("\n{} ({}, {})", paint.paint(Colour::Bold, demo.title), lines.join(", "), demo.method);
    println!("{}", render_order(&shown.order, paint));
    for transition in &shown.timeline {
        println!("{}", render_transition(transition, &zone, paint));
    }
}
