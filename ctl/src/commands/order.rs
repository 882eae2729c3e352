use std::str::FromStr;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::watch;
use crate::api::Line;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::terminal::render_order;
use crate::values::duration;

const EXAMPLES: &str = "\
Examples:
  shopctl order DEMO-MUG                          one mug
  shopctl order DEMO-MUG:2 DEMO-SHIRT             several lines: all of them, or none
  shopctl order DEMO-RARE-PRINT                   sold out: the order is refunded
  shopctl order DEMO-MUG --method tok_declined    the card is declined
  shopctl order DEMO-MUG --key once               run twice: one order";

/// `shopctl order SKU[:QTY]...`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Product and quantity; 1 unless given
    #[arg(required = true, value_name = "SKU[:QTY]")]
    items: Vec<Item>,
    /// Payment method, which decides what the simulated provider does
    #[arg(long, default_value = "tok_ok", value_parser = METHODS)]
    method: String,
    /// Idempotency key: the same key with the same order places one order [default: a new key]
    #[arg(long)]
    key: Option<String>,
    /// Longest wait for the final state
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    timeout: Duration,
}

const METHODS: [&str; 5] = ["tok_ok", "tok_declined", "tok_insufficient_funds", "tok_timeout", "tok_flaky"];

/// `SKU` or `SKU:QTY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item(Line);

impl FromStr for Item {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sku, quantity) = text.split_once(':').unwrap_or((text, "1"));
        if sku.is_empty() {
            return Err("the SKU before the colon is missing".to_owned());
        }
        let quantity = quantity.parse().ok().filter(|quantity| (1..=1000).contains(quantity));
        let quantity = quantity.ok_or_else(|| "the quantity is a whole number from 1 to 1000".to_owned())?;
        Ok(Self(Line { sku: sku.to_owned(), quantity }))
    }
}

/// Succeeds if the order is confirmed in time.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::User).await?;
    let lines: Vec<Line> = args.items.iter().map(|item| item.0.clone()).collect();
    let key = args.key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    let placed = api.place_order(&lines, &args.method, &key).await?;
    let output = context.output;
    output.line(render_order(&placed, output.paint))?;
    let print = |transition: &_| output.line(watch::rendered(transition, output.paint));
    let (order, timeline) = watch::follow(&api, &placed.id, args.timeout, print).await?;
    output.print(&json!({"order": order, "timeline": timeline}), |_| render_order(&order, output.paint))?;
    Ok(if order.status == "confirmed" { Exit::Success } else { Exit::Failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Result<(String, u32), String> {
        text.parse().map(|Item(line)| (line.sku, line.quantity))
    }

    #[test]
    fn an_item_is_a_sku_with_or_without_a_quantity() {
        assert_eq!(item("DEMO-MUG"), Ok(("DEMO-MUG".to_owned(), 1)));
        assert_eq!(item("DEMO-MUG:12"), Ok(("DEMO-MUG".to_owned(), 12)));
    }

    #[test]
    fn a_quantity_that_cannot_be_ordered_is_a_usage_error() {
        for text in ["A:0", "A:1001", "A:-1", "A:many", "A:", "A:1:2", ":3", "", "A:4294967297"] {
            assert!(item(text).is_err(), "{text}");
        }
    }
}
