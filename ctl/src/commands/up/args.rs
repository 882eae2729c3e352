use crate::stack::Kind;

const HELP: &str = "\
Runs a private PostgreSQL (fsync on) and Redis (AOF, noeviction) on free ports, unprivileged, with
their data in --data-dir, and the three services. A killed process is restarted. Ctrl-C stops
everything; the data stays.

External servers instead, all four or none:
  USER_DATABASE_URL, INVENTORY_DATABASE_URL, PAYMENT_DATABASE_URL, REDIS_URL

The environment can also hold every other setting of the services:
  PROVIDER_LATENCY=50ms LOG_FILTER=debug shopctl up

The console, where it was built, shows all of it in a browser; its log is in the data folder. A USER or
an ADMIN breaks nothing but this stack, so faults are on; FAULTS=off turns them off.

A metrics port is that of the service plus 1100. Port 0 is any free one. All ports are checked before
anything starts. Exit code 6: the stack on the data folder runs already.

Examples:
  shopctl up
  shopctl up --fresh                            delete all data and start anew
  shopctl up --inventory-port 18000 --no-demo";

/// `shopctl up`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Delete the data of earlier runs first
    #[arg(long)]
    pub(super) fresh: bool,
    /// Port of the service `user`
    #[arg(long, value_name = "PORT", default_value_t = Kind::User.http_port())]
    pub(super) user_port: u16,
    /// Port of the service `inventory`
    #[arg(long, value_name = "PORT", default_value_t = Kind::Inventory.http_port())]
    pub(super) inventory_port: u16,
    /// Port of the service `payment`
    #[arg(long, value_name = "PORT", default_value_t = Kind::Payment.http_port())]
    pub(super) payment_port: u16,
    /// Port of the metrics of `user` [default: 9102]
    #[arg(long, value_name = "PORT")]
    pub(super) user_metrics_port: Option<u16>,
    /// Port of the metrics of `inventory` [default: 9100]
    #[arg(long, value_name = "PORT")]
    pub(super) inventory_metrics_port: Option<u16>,
    /// Port of the metrics of `payment` [default: 9101]
    #[arg(long, value_name = "PORT")]
    pub(super) payment_metrics_port: Option<u16>,
    /// Port of the console
    #[arg(long, value_name = "PORT", default_value_t = 8003)]
    pub(super) console_port: u16,
    /// Start without the console
    #[arg(long, conflicts_with = "console_port")]
    pub(super) no_console: bool,
    /// Number of instances of `inventory` and of `payment`; further ones listen on free ports
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(super) instances: u8,
    /// Skip the demo products and the demo orders
    #[arg(long)]
    pub(super) no_demo: bool,
}
