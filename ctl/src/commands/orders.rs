use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::watch;
use crate::api::{Item, Listed, Order, Transition};
use crate::context::{Context, Role};
use crate::exit::Exit;
use crate::terminal::{Output, left_out, moment, printable, render_order, table};
use crate::values::{at_least_one, sku, time};

const EXAMPLES: &str = "\
Examples:
  shopctl orders list --status refunded
  shopctl orders list --sku DEMO-MUG --since 1h
  shopctl orders show 0198c0de-0000-7000-8000-000000000000";

/// `shopctl orders ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List the newest orders
    #[command(after_help = EXAMPLES)]
    List(List),
    /// Show an order with its lines and its timeline
    Show {
        /// Id of the order
        id: Uuid,
        /// Account whose orders are visible; an ADMIN sees all
        #[arg(long = "as", value_enum, default_value = "admin")]
        role: Role,
    },
}

/// The orders to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Status of the orders [default: any]
    #[arg(long, value_parser = statuses())]
    status: Option<String>,
    /// Id of the account that placed the orders [default: any]
    #[arg(long, value_name = "ID")]
    user: Option<Uuid>,
    /// SKU that the orders contain [default: any]
    #[arg(long, value_parser = sku)]
    sku: Option<String>,
    /// Earliest time: 2026-11-30T08:00:00Z, 2026-11-30 (UTC), or 15m for that long ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Time before which the orders were placed, given likewise
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Maximum number of orders
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    limit: usize,
    /// Account whose orders are visible; an ADMIN sees all
    #[arg(long = "as", value_enum, default_value = "admin")]
    role: Role,
}

fn statuses() -> PossibleValuesParser {
    ["pending", "completed", "confirmed", "refunded", "declined"].into()
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let output = context.output;
    match command {
        Command::List(args) => {
            let api = context.api_as(args.role).await?;
            output.print(&api.orders(&filter(args), args.limit).await?, |orders| rendered(orders, output))?;
        }
        Command::Show { id, role } => {
            let api = context.api_as(*role).await?;
            let order = api.order(&id.to_string(), None).await?;
            let timeline = api.timeline(&order.id).await?;
            output.print(&json!({"order": order, "timeline": timeline}), |_| {
                described(&order, &timeline, output)
            })?;
        }
    }
    Ok(Exit::Success)
}

fn filter(args: &List) -> Vec<(&'static str, String)> {
    let List { status, user, sku, since, until, .. } = args;
    let given = [
        ("status", status.clone()),
        ("user_id", user.map(|id| id.to_string())),
        ("sku", sku.clone()),
        ("created_from", since.map(|time| time.to_string())),
        ("created_to", until.map(|time| time.to_string())),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn rendered(orders: &Listed<Order>, output: Output) -> String {
    if orders.data.is_empty() {
        return "no such order".to_owned();
    }
    let mut rows = vec![["ID", "PLACED", "STATUS", "TOTAL"].map(str::to_owned).to_vec()];
    rows.extend(orders.data.iter().map(|order| {
        let status = output.paint.status(&order.status);
        vec![order.id.clone(), moment(order.created_at), status, order.total.to_string()]
    }));
    table(&rows) + left_out(orders.has_more)
}

fn described(order: &Order, timeline: &[Transition], output: Output) -> String {
    let mut lines = vec![render_order(order, output.paint)];
    lines.extend(order.items.iter().map(|Item { sku, name, quantity, line_total, .. }| {
        format!("  {quantity} x {sku} ({}), {line_total}", printable(name))
    }));
    lines.extend(timeline.iter().map(|transition| watch::rendered(transition, output.paint)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_shows_its_lines_and_its_timeline() {
        let order = r#"{"id":"o-1","status":"confirmed","version":2,"created_at":"2026-01-01T00:00:00Z",
            "total":{"amount":900,"currency":"EUR"},"items":[{"sku":"TEA","name":"Green tea","quantity":2,
            "line_total":{"amount":900,"currency":"EUR"}}]}"#;
        let order: Order = serde_json::from_str(order).expect("the wire shape");
        let text = described(&order, &[], Output::new(true));
        assert_eq!(text, "order o-1  9.00 EUR  confirmed\n  2 x TEA (Green tea), 9.00 EUR");
    }
}
