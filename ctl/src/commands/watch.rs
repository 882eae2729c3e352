use std::time::Duration;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::{Api, Order, Transition};
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::terminal::{OutputError, Paint, render_order, render_transition};
use crate::values::duration;

/// `shopctl watch ID`
#[derive(Debug, clap::Args)]
#[command(after_help = "With --json: one transition a line, as it happens.")]
pub struct Args {
    /// Id of the order
    id: Uuid,
    /// Longest wait for the final state
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Account whose orders are visible
    #[arg(long = "as", value_enum, default_value = "admin")]
    role: Role,
}

/// Succeeds if the order is confirmed in time.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(args.role).await?;
    let output = context.output;
    let print =
        |transition: &Transition| output.print(transition, |transition| rendered(transition, output.paint));
    let (order, _) = follow(&api, &args.id.to_string(), args.timeout, print).await?;
    output.line(render_order(&order, output.paint))?;
    Ok(if order.status == "confirmed" { Exit::Success } else { Exit::Failure })
}

/// Passes each transition to `seen` once, by the timeline: an order may take two between two polls.
pub async fn follow(
    api: &Api,
    id: &str,
    within: Duration,
    mut seen: impl FnMut(&Transition) -> Result<(), OutputError>,
) -> anyhow::Result<(Order, Vec<Transition>)> {
    let mut shown = 0;
    let followed = timeout(within, async {
        let mut order = api.order(id, None).await?;
        loop {
            let timeline = api.timeline(id).await?;
            timeline.iter().skip(shown).try_for_each(&mut seen)?;
            shown = shown.max(timeline.len());
            if order.is_final() {
                return Ok::<_, anyhow::Error>((order, timeline));
            }
            order = api.order(id, Some(order.version)).await?;
        }
    });
    followed.await.with_context(|| format!("order {id} has no final state within {within:?}"))?
}

/// In the time zone of this machine.
pub fn rendered(transition: &Transition, paint: Paint) -> String {
    render_transition(transition, &TimeZone::system(), paint)
}
