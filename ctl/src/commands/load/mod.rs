mod live;
mod summary;

pub use summary::render;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::client_log::ClientLog;
use crate::context::Context;
use crate::context::Role;
use crate::exit::{Exit, WrongUse};
use crate::load::{Arrivals, Load, LoadError, LoadPlan, LoadReport, Mix, ServiceUrls};
use crate::values::{above_zero, at_least_one, duration, quarter, service_url, share};

const EXAMPLES: &str = "\
Examples:
  shopctl load                              1,000 orders by 16 workers, each followed to its final state
  shopctl load --rate 500 --time 30s        500 orders a second, independent of response times
  shopctl load --hot 0.5 --hot-stock 100    half of the orders want one product with a stock of 100
  shopctl load --client-log run.log         evidence for `shopctl verify --client-log run.log`
  shopctl load --workers 64 --no-follow     measure acceptance only

Every run creates its own products and customers. Exit code 1: an order has no final state within
--patience, or the outcome of an order stays unknown.";

/// Without `--orders` and `--time`.
const ORDERS: u64 = 1000;

/// `shopctl load`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[group(id = "load")] // `shopctl rehearse` has these options among its own
pub struct Args {
    /// Orders to send [default: 1000, or as many as --time allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    orders: Option<u64>,
    /// Time of sending, such as 30s or 5m; with --orders, the earlier limit ends the load
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Orders a second, independent of response times
    #[arg(long, value_name = "R", conflicts_with = "workers", value_parser = above_zero)]
    rate: Option<f64>,
    /// Workers, each with one order at a time; a worker sends its next order when the last one is accepted
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    workers: usize,
    /// Limit of concurrent requests with --rate, and of concurrent long polls
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = at_least_one)]
    in_flight: usize,
    /// Number of customer accounts, which order in turn
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    customers: usize,
    /// Number of products that never run out
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    products: usize,
    /// Share of orders of the hot product, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    hot: f64,
    /// Stock of the hot product
    #[arg(long, value_name = "N", default_value_t = 50)]
    hot_stock: u32,
    /// Share of orders of the scarce product, which has a stock of three
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    scarce: f64,
    /// Share of orders with 2 to 4 lines
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    several_lines: f64,
    /// Share of each of tok_declined, tok_insufficient_funds, tok_timeout and tok_flaky, 0 to 0.25
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = quarter)]
    odd_methods: f64,
    /// Seed of the orders: the same seed orders the same again [default: a random one]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Append requests, before they are sent, and responses to this file
    #[arg(long, value_name = "FILE")]
    pub client_log: Option<PathBuf>,
    /// Skip following orders to their final state
    #[arg(long)]
    no_follow: bool,
    /// Skip retries of orders with an unknown outcome
    #[arg(long)]
    no_retry: bool,
    /// Time after which an order without a final state or a known outcome counts as stuck
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// All instances of payment, used in turn [default: the one of --payment-url]
    #[arg(long, value_name = "URL,URL", value_delimiter = ',', value_parser = service_url)]
    payment_urls: Vec<String>,
}

/// Succeeds if no order is stuck.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let report = send(args, args.client_log.as_deref(), context).await?;
    context.output.print(&report, |report| summary::render(report, context.output.paint))?;
    check_client_log(&report)?;
    Ok(exit(&report))
}

/// `log`: the client log to write.
pub async fn send(args: &Args, log: Option<&Path>, context: &Context) -> anyhow::Result<LoadReport> {
    let mut progress = context.output.progress();
    progress.step("Creating products and customers");
    let prepared =
        Load::prepare(urls(args, context)?, context.login(Role::Admin)?, plan(args), open(log)?).await;
    let load = prepared.map_err(with_its_exit_code)?;
    progress.done();
    Ok(live::run(&load, orders(args), context.output.json).await)
}

pub fn check_client_log(report: &LoadReport) -> anyhow::Result<()> {
    if let Some(why) = &report.log_failure {
        anyhow::bail!("the client log could not be written ({why}); the load stopped sending at that point");
    }
    Ok(())
}

fn exit(report: &LoadReport) -> Exit {
    if report.is_complete() { Exit::Success } else { Exit::Failure }
}

fn plan(args: &Args) -> LoadPlan {
    LoadPlan {
        orders: orders(args),
        time: args.time,
        arrivals: args.rate.map_or(Arrivals::Workers(args.workers), Arrivals::Rate),
        in_flight: args.in_flight,
        metered: false,
        follow: !args.no_follow,
        retry: !args.no_retry,
        mix: Mix {
            customers: args.customers,
            products: args.products,
            hot: args.hot,
            hot_stock: args.hot_stock,
            scarce: args.scarce,
            several_lines: args.several_lines,
            odd_methods: args.odd_methods,
        },
        // 32 bits are exact in every JSON parser.
        seed: args.seed.unwrap_or_else(|| rand::random::<u32>().into()),
        patience: args.patience,
    }
}

fn orders(args: &Args) -> Option<u64> {
    args.orders.or_else(|| args.time.is_none().then_some(ORDERS))
}

fn urls(args: &Args, context: &Context) -> anyhow::Result<ServiceUrls> {
    let api = context.api()?;
    let one = api.endpoints().clone();
    let payment = if args.payment_urls.is_empty() { vec![one.payment] } else { args.payment_urls.clone() };
    Ok(ServiceUrls { user: vec![one.user], inventory: vec![one.inventory], payment })
}

fn open(log: Option<&Path>) -> anyhow::Result<ClientLog> {
    let Some(path) = log else { return Ok(ClientLog::none()) };
    ClientLog::append_to(path)
        .with_context(|| format!("cannot open the client log {}; its folder must exist", path.display()))
}

/// Keeps the exit codes of an unreachable service, of a failed login and of wrong use.
fn with_its_exit_code(error: LoadError) -> anyhow::Error {
    match error {
        LoadError::Account(error) => error.into(),
        LoadError::Plan(rule) => WrongUse::new(rule).into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn plan_of(words: &[&str]) -> LoadPlan {
        let words = std::iter::once(&"load").chain(words);
        plan(&Cli::try_parse_from(words).expect("a valid command line").args)
    }

    #[test]
    fn without_options_a_thousand_orders_are_sent_and_a_time_replaces_the_number() {
        assert_eq!((plan_of(&[]).orders, plan_of(&[]).arrivals), (Some(1000), Arrivals::Workers(16)));
        let timed = plan_of(&["--time", "1m 30s", "--rate", "2.5"]);
        assert_eq!(
            (timed.orders, timed.time, timed.arrivals),
            (None, Some(Duration::from_secs(90)), Arrivals::Rate(2.5))
        );
    }

    #[test]
    fn a_load_that_cannot_be_sent_is_a_usage_error() {
        for words in ["--rate 0", "--workers 0", "--orders 0", "--hot 1.1", "--odd-methods 0.3", "--time 0s"]
        {
            let words = std::iter::once("load").chain(words.split(' '));
            assert!(Cli::try_parse_from(words.clone()).is_err(), "{:?}", words.collect::<Vec<_>>());
        }
    }
}
