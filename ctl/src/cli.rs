//! The command line. One command a file in [`crate::commands`].

use clap::{Parser, Subcommand};

use crate::commands::{
    admin, completions, dead_letters, demo, load, order, rehearse, seed, streams, token, up, verify, watch,
};
use crate::context::Global;
use crate::exit;

/// Runs and operates Orderflow: three services that take an order from "POST" to "stock taken and money
/// settled".
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
    /// Let consumer actors panic in a system that runs already, under load, and check what is left
    Rehearse(rehearse::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
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
