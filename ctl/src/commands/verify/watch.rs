use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::json;

use crate::api::http_client;
use crate::context::Context;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::values::duration;
use crate::verify::Sources;
use crate::verify::watch::{Options, Pages, serve, watch};

/// Below the limit of a health check in deploy/, 3 s.
const HEALTHY_WITHIN: Duration = Duration::from_secs(2);

/// How to look all the time.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --watch")]
pub struct Watching {
    /// Address of /invariants, /metrics and /healthz
    #[arg(long, env = "SHOPCTL_VERIFY_BIND", value_name = "ADDRESS", default_value = "127.0.0.1:9400")]
    bind: SocketAddr,
    /// Time from one look to the next
    #[arg(long, requires = "watch", value_name = "TIME", default_value = "10s", value_parser = duration)]
    interval: Duration,
    /// Older orders of each look, at least
    #[arg(long, requires = "watch", value_name = "COUNT", default_value_t = 200)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sample: u32,
    /// Time in which all orders are checked again; big tables get bigger samples
    #[arg(long, requires = "watch", value_name = "TIME", default_value = "24h", value_parser = duration)]
    all_within: Duration,
    /// Time in which payment has a change of a product
    #[arg(long, requires = "watch", value_name = "TIME", default_value = "2m", value_parser = duration)]
    catalogue_delay: Duration,
    /// Leave out I9: the accounts are those of another identity provider
    #[arg(long, requires = "watch")]
    foreign_accounts: bool,
    /// Ask the running watch at --bind whether it looks, and exit with 0 or 1; for containers
    #[arg(long, conflicts_with = "watch")]
    pub(super) healthcheck: bool,
}

/// Until SIGTERM or Ctrl-C.
pub(super) async fn run(args: &Watching, sources: &Sources, context: &Context) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::listen()?;
    let pages = Pages::default();
    let (server, address) = serve(&pages, args.bind)
        .map_err(|error| anyhow::anyhow!("--bind {} cannot be used: {error}", args.bind))?;
    let url = format!("http://{address}/invariants");
    context.output.print(&json!({"invariants": url}), |_| format!("the verifier is at {url}"))?;
    let tell = |line| context.output.note(line);
    tokio::select! {
        ended = server => ended.map(|()| Exit::Failure).map_err(Into::into),
        never = Box::pin(watch(sources, args.options(), &pages, tell)) => match never {},
        () = interrupt.received() => Ok(Exit::Success),
    }
}

pub(super) async fn healthcheck(args: &Watching, context: &Context) -> anyhow::Result<Exit> {
    let url = format!("http://{}/healthz", reachable(args.bind));
    let http = http_client().timeout(HEALTHY_WITHIN).build()?;
    let answer = http.get(&url).send().await;
    if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
        return Ok(Exit::Success);
    }
    let why = answer.map_or_else(|error| error.to_string(), |answer| answer.status().to_string());
    context.output.note(format_args!("not healthy: {url}: {why}"));
    Ok(Exit::Failure)
}

/// Replaces the unspecified address by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

impl Watching {
    fn options(&self) -> Options {
        Options {
            interval: self.interval,
            sample: self.sample,
            all_within: self.all_within,
            catalogue_delay: self.catalogue_delay,
            foreign_accounts: self.foreign_accounts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_listens_everywhere_asks_itself_on_loopback() {
        let reachable = |text: &str| reachable(text.parse().expect("an address")).to_string();
        assert_eq!(reachable("0.0.0.0:9400"), "127.0.0.1:9400");
        assert_eq!(reachable("[::]:9400"), "[::1]:9400");
        assert_eq!(reachable("10.0.0.7:1"), "10.0.0.7:1");
    }
}
