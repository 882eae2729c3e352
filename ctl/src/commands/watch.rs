use std::time::Duration;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::{Api, ApiError, Order, Transition};
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::terminal::{Paint, render_order, render_transition};

/// `shopctl watch ID`
#[derive(Debug, clap::Args)]
#[command(after_help = "With --json: one transition a line, as it happens.")]
pub struct Args {
    /// Id of the order
    id: Uuid,
    /// Seconds to wait for the final state
    #[arg(long, default_value_t = 300)]
    timeout: u64,
    /// Account whose orders are visible
    #[arg(long = "as", value_enum, default_value = "admin")]
    role: Role,
}

/// Succeeds if the order is confirmed in time.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(args.role).await?;
    let print = |transition: &Transition| match serde_json::to_string(transition) {
        Ok(json) if context.output.json => println!("{json}"),
        _ => print_transition(transition, context.output.paint),
    };
    let (order, _) = follow(&api, &args.id.to_string(), Duration::from_secs(args.timeout), print).await?;
    if !context.output.json {
        println!("{}", render_order(&order, context.output.paint));
    }
    Ok(if order.status == "confirmed" { Exit::Success } else { Exit::Failure })
}

/// Passes each transition to `seen` once, by the timeline: an order may take two between two polls.
pub async fn follow(
    api: &Api,
    id: &str,
    within: Duration,
    mut seen: impl FnMut(&Transition),
) -> anyhow::Result<(Order, Vec<Transition>)> {
    let mut shown = 0;
    let followed = timeout(within, async {
        let mut order = api.order(id, None).await?;
        loop {
            let timeline = api.timeline(id).await?;
            timeline.iter().skip(shown).for_each(&mut seen);
            shown = shown.max(timeline.len());
            if order.is_final() {
                return Ok::<_, ApiError>((order, timeline));
            }
            order = api.order(id, Some(order.version)).await?;
        }
    });
    let outcome =
        followed.await.with_context(|| format!("order {id} has no final state within {within:?}"))?;
    Ok(outcome?)
}

pub fn print_transition(transition: &Transition, paint: Paint) {
    println!("{}", render_transition(transition, &TimeZone::system(), paint));
}
