//! The command line. One command a file in [`crate::commands`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    admin, bench, chaos, completions, dead_letters, demo, load, order, rehearse, seed, streams, token, up, verify, watch,
};
use crate::exit;

/// Runs and operates Orderflow: three services that take an order from "POST" to "stock taken and money settled".
#[derive(Debug, Parser)]
#[command(name = "shopctl", version, after_help = format!("{EXAMPLES}\n\n{}", exit::HELP), max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  shopctl up                     start everything, see three orders through, follow the logs
  shopctl order DEMO-MUG:2       in a second terminal: order two mugs and watch what happens
  shopctl streams                what is on its way, what is stuck
  shopctl dead-letters list      what could not be processed, and why

Addresses and accounts come from the stack that `shopctl up` started, unless given.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Machine-readable output on standard output, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Folder of the stack's data and state [default: /var/lib/orderflow for root, else ~/.local/share/orderflow]
    #[arg(long, global = true, env = "SHOPCTL_DATA_DIR", value_name = "DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Where the service `user` is
    #[arg(long, global = true, env = "SHOPCTL_USER_URL", value_name = "URL", hide_env_values = true)]
    pub user_url: Option<String>,
    /// Where the service `inventory` is
    #[arg(long, global = true, env = "SHOPCTL_INVENTORY_URL", value_name = "URL", hide_env_values = true)]
    pub inventory_url: Option<String>,
    /// Where the service `payment` is
    #[arg(long, global = true, env = "SHOPCTL_PAYMENT_URL", value_name = "URL", hide_env_values = true)]
    pub payment_url: Option<String>,
    /// Access token to use instead of logging in (see `shopctl token`)
    #[arg(long, global = true, env = "SHOPCTL_TOKEN", value_name = "JWT", hide_env_values = true)]
    pub token: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole stack here: PostgreSQL, Redis, three services; until Ctrl-C
    Up(up::Args),
    /// Create the demo products
    Seed(seed::Args),
    /// Show the three ends of an order, in a system that runs already
    Demo(demo::Args),
    /// Administrators
    #[command(subcommand)]
    Admin(admin::Command),
    /// Log in and print the access token
    Token(token::Args),
    /// Place an order and watch it to its end
    Order(order::Args),
    /// Watch an order, transition by transition
    Watch(watch::Args),
    /// What is in the streams: unread, pending, idle, dead
    Streams(streams::Args),
    /// Events that could not be processed
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Send orders, as many and as fast as you like, and watch them to their end
    Load(load::Args),
    /// Check that nothing was lost, doubled or oversold
    Verify(verify::Args),
    /// Break things on purpose in a stack of its own, and check what is left
    Chaos(chaos::Args),
    /// Let consumer actors panic in a system that runs already, under load, and check what is left
    Rehearse(rehearse::Args),
    /// Measure how fast it is, beside yardsticks on the same machine
    Bench(bench::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// An account of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The demo administrator
    Admin,
    /// The demo customer
    User,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_follow_the_command() {
        let cli = Cli::try_parse_from(["shopctl", "streams", "--json", "--token", "t"]).expect("valid");
        assert!(cli.global.json && cli.global.token.as_deref() == Some("t"));
    }
}
