use uuid::Uuid;

use crate::api::{Listed, Movement};
use crate::context::{Context, Role};
use crate::exit::Exit;
use crate::terminal::{left_out, moment, printable, table};
use crate::values::{at_least_one, sku};

const EXAMPLES: &str = "\
Examples:
  shopctl stock adjust TEA 25 --reason 'delivery 4711'
  shopctl stock adjust TEA -2 --reason broken
  shopctl stock movements TEA";

/// `shopctl stock ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// Add pieces to the stock of a product, or take some
    #[command(after_help = EXAMPLES)]
    Adjust {
        /// SKU of the product
        #[arg(value_parser = sku)]
        sku: String,
        /// Pieces to add; negative to take them
        #[arg(allow_negative_numbers = true)]
        delta: i64,
        /// Reason, for the stock ledger
        #[arg(long)]
        reason: String,
        /// Idempotency key: the same key adjusts once [default: a new key]
        #[arg(long)]
        key: Option<String>,
    },
    /// List the stock ledger of a product, newest entry first
    Movements {
        /// SKU of the product
        #[arg(value_parser = sku)]
        sku: String,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
        limit: usize,
    },
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    match command {
        Command::Adjust { sku, delta, reason, key } => {
            let key = key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
            let stock = api.adjust_stock(sku, *delta, reason, &key).await?;
            context.output.print(&stock, |stock| format!("{} of {} on hand", stock.stock, stock.sku))?;
        }
        Command::Movements { sku, limit } => {
            context.output.print(&api.movements(sku, *limit).await?, rendered)?;
        }
    }
    Ok(Exit::Success)
}

fn rendered(movements: &Listed<Movement>) -> String {
    let mut rows = vec![["TIME", "PIECES", "ON HAND", "REASON", "ORDER"].map(str::to_owned).to_vec()];
    rows.extend(movements.data.iter().map(|movement| {
        let Movement { at, delta, balance, reason, order_id, .. } = movement;
        let order = order_id.clone().unwrap_or_else(|| "-".to_owned());
        vec![moment(*at), format!("{delta:+}"), balance.to_string(), printable(reason), order]
    }));
    table(&rows) + left_out(movements.has_more)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn pieces_that_are_taken_are_no_option() {
        let cli = Cli::try_parse_from(["stock", "adjust", "TEA", "-2", "--reason", "broken"]).expect("valid");
        assert!(matches!(cli.command, Command::Adjust { delta: -2, .. }));
    }
}
