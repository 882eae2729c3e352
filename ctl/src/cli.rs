//! Each command has its file in [`crate::commands`].

use clap::{Parser, Subcommand};

use crate::commands::{
    admin, audit, clients, completions, dead_letters, demo, keys, load, man, order, orders, products,
    rehearse, seed, stock, streams, token, up, users, verify, watch,
};
use crate::context::Global;
use crate::exit;

/// Runs and operates Orderflow: three services that take an order from "POST" to "stock taken and money
/// settled".
#[derive(Debug, Parser)]
#[command(
    name = "shopctl",
    version = crate::VERSION,
    after_help = format!("{EXAMPLES}\n\n{}", exit::HELP),
    max_term_width = 100
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  shopctl up                     start everything, place three demo orders, follow the logs
  shopctl order DEMO-MUG:2       in a second terminal: order two mugs and follow the order
  shopctl streams                show the backlog and the dead letters of each stream
  shopctl dead-letters list      list the events that could not be processed, with the reason

Addresses and accounts default to those of the stack that `shopctl up` started.";

/// The command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole stack on this machine until Ctrl-C: PostgreSQL, Redis, three services
    Up(up::Args),
    /// Create the demo products
    Seed(seed::Args),
    /// Show the three final states of an order on a running system
    Demo(demo::Args),
    /// Manage administrators
    #[command(subcommand)]
    Admin(admin::Command),
    /// Manage OAuth clients: services that call this system
    #[command(subcommand)]
    Clients(clients::Command),
    /// Manage the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Log in and print the access token
    Token(token::Args),
    /// Place an order and follow it to its final state
    Order(order::Args),
    /// Follow an order, transition by transition
    Watch(watch::Args),
    /// List and show orders
    #[command(subcommand)]
    Orders(orders::Command),
    /// Manage the products on sale
    #[command(subcommand)]
    Products(products::Command),
    /// Adjust the stock of a product, and show its ledger
    #[command(subcommand)]
    Stock(stock::Command),
    /// Manage accounts: roles, disabling, deletion
    #[command(subcommand)]
    Users(users::Command),
    /// Show the streams: unread, pending, idle, dead
    Streams(streams::Args),
    /// Manage events that could not be processed
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Show the audit trail: who did what to what, from where, when and with which outcome
    Audit(audit::Args),
    /// Send a load of orders and follow each order to its final state
    Load(load::Args),
    /// Check the invariants: no order lost, doubled or oversold
    Verify(verify::Args),
    /// Make consumer actors panic on a running system under load, then verify it
    Rehearse(rehearse::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
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
