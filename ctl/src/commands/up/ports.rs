//! All ports of the first instances are settled before anything starts.

use std::time::Duration;

use futures_util::future::join_all;
use servers::ports;

use super::args::Args;
use crate::exit::WrongUse;
use crate::stack::{Addresses, Kind, Network, StackError};

/// Time for a killed stack to free its ports.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// A port, and the option that gives another one.
#[derive(Debug, Clone)]
struct Chosen {
    option: String,
    port: u16,
}

#[derive(Debug)]
pub(super) struct Ports {
    network: Network,
    /// `None`: no console.
    console: Option<u16>,
    chosen: Vec<Chosen>,
}

impl Ports {
    /// Finds equal ports.
    pub(super) fn read(args: &Args) -> anyhow::Result<Self> {
        let mut chosen = Vec::new();
        let mut read = |kind, http, metrics| addresses(kind, http, metrics, &mut chosen);
        let network = Network {
            user: read(Kind::User, args.user_port, args.user_metrics_port)?,
            inventory: read(Kind::Inventory, args.inventory_port, args.inventory_metrics_port)?,
            payment: read(Kind::Payment, args.payment_port, args.payment_metrics_port)?,
        };
        let console = (!args.no_console).then(|| real(args.console_port)).transpose()?;
        chosen.extend(console.map(|port| Chosen { option: "--console-port".to_owned(), port }));
        check_different(&chosen)?;
        chosen.iter().for_each(|chosen| ports::reserve(chosen.port));
        Ok(Self { network, console, chosen })
    }

    /// Names every port that is taken, with its holder.
    pub(super) async fn check_free(&self) -> anyhow::Result<()> {
        let taken = join_all(self.chosen.iter().map(async |Chosen { option, port }| {
            let holder = ports::wait_until_free(*port, FREE_WITHIN).await.err()?;
            Some(format!("port {port} is {holder}; choose another with {option}, or 0 for any free one"))
        }));
        let taken: Vec<String> = taken.await.into_iter().flatten().collect();
        anyhow::ensure!(taken.is_empty(), "{}", taken.join("\n"));
        Ok(())
    }

    pub(super) fn console(&self) -> Option<u16> {
        self.console
    }

    pub(super) fn network(&self) -> Network {
        self.network
    }
}

fn addresses(
    kind: Kind,
    http: u16,
    metrics: Option<u16>,
    chosen: &mut Vec<Chosen>,
) -> anyhow::Result<Addresses> {
    let metrics = match metrics {
        Some(port) => port,
        None if http == 0 => 0,
        None => Kind::metrics_port_beside(http).ok_or_else(|| {
            WrongUse::new(format_args!("port {http} leaves no port above it; give --{kind}-metrics-port too"))
        })?,
    };
    let http = Chosen { option: format!("--{kind}-port"), port: real(http)? };
    let metrics = Chosen { option: format!("--{kind}-metrics-port"), port: real(metrics)? };
    let addresses = Addresses::on(http.port, metrics.port);
    chosen.extend([http, metrics]);
    Ok(addresses)
}

/// Others need the address before the service binds it.
fn real(port: u16) -> Result<u16, StackError> {
    if port == 0 { ports::free_port().map_err(StackError::NoPort) } else { Ok(port) }
}

fn check_different(chosen: &[Chosen]) -> Result<(), WrongUse> {
    for (number, one) in chosen.iter().enumerate() {
        if let Some(other) = chosen[number + 1..].iter().find(|other| other.port == one.port) {
            return Err(WrongUse::new(format_args!(
                "{} and {} are both {}; choose different ports",
                one.option, other.option, one.port
            )));
        }
    }
    Ok(())
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

    fn ports(options: &[&str]) -> anyhow::Result<Ports> {
        Ports::read(&Cli::try_parse_from(std::iter::once(&"up").chain(options)).expect("valid").args)
    }

    fn error_of(options: &[&str]) -> String {
        ports(options).expect_err("impossible ports").to_string()
    }

    #[test]
    fn metrics_have_fixed_ports_beside_those_of_the_services() {
        let network = ports(&["--inventory-port", "18000"]).expect("good ports").network();
        assert_eq!((network.inventory.http.port(), network.inventory.metrics.port()), (18_000, 19_100));
        assert_eq!((network.user.metrics.port(), network.payment.metrics.port()), (9102, 9101));
    }

    #[test]
    fn port_0_is_a_free_one_that_others_can_be_told() {
        let ports = ports(&["--user-port", "0", "--payment-metrics-port", "0"]).expect("good");
        let network = ports.network();
        assert!(network.user.http.port() != 0 && network.user.metrics.port() != 0);
        assert!(![0, 9101].contains(&network.payment.metrics.port()));
    }

    #[test]
    fn equal_ports_and_impossible_ones_are_named_by_their_options() {
        let equal = error_of(&["--user-port", "7000", "--payment-port", "7000"]);
        assert!(equal.contains("--user-port and --payment-port are both 7000"), "{equal}");
        let metrics = error_of(&["--user-port", "9100"]);
        assert!(metrics.contains("--user-port and --inventory-metrics-port"), "{metrics}");
        let console = error_of(&["--payment-port", "8003"]);
        assert!(console.contains("--payment-port and --console-port are both 8003"), "{console}");
        assert!(
            ports(&["--payment-port", "8003", "--no-console"]).is_ok_and(|ports| ports.console().is_none())
        );
        assert!(error_of(&["--user-port", "65000"]).contains("--user-metrics-port"));
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_holder_and_the_option_to_move() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port().to_string();
        let options = ["--user-port", "0", "--inventory-port", &port, "--payment-port", "0"];
        let free = [&options[..], &["--inventory-metrics-port", "0", "--no-console"]].concat();
        let error = ports(&free).expect("different ports").check_free().await.expect_err("taken").to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("(pid {pid}); choose another with --inventory-port")), "{error}");
    }
}
