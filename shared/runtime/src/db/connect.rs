//! Opens connections to PostgreSQL, with TLS only for `sslmode=require`: `prefer`, the default, would fail on
//! the self-signed certificate of a Debian server. TLS always checks certificate and host name. Each host and
//! address has its own time limit, so a host that hangs leaves time for the next.

use std::{future::Future, net::IpAddr, pin::Pin, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls, config::Host};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{DbError, Fault, error::chain};
use crate::{settings::uses_tls, tls::client_config};

/// Without a `connect_timeout`; a handshake takes up to a second on a busy machine.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Detects a dead peer after 5 + 3 x 2 s; the default of Linux is two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;
/// Limit for unacknowledged data; Linux retries for 15 minutes.
const UNACKNOWLEDGED_LIMIT: Duration = Duration::from_secs(10);

/// Drives a connection; to be spawned.
pub type Driver = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// Opens one connection outside the pools, to the first address that accepts it. The error has the reason of
/// each host.
pub async fn connect(config: &Config) -> Result<(Client, Driver), DbError> {
    let limit = config.get_connect_timeout().copied().unwrap_or(ADDRESS_TIMEOUT);
    let mut refusals = Vec::new();
    for host in hosts(config) {
        let addresses = match timeout(limit, host.addresses()).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => {
                refusals.push(format!("{host}: {error}"));
                continue;
            }
            Err(_) => {
                refusals.push(format!("{host}: the name was not resolved within {limit:?}"));
                continue;
            }
        };
        for address in addresses {
            let config = host.config(config, address);
            // Boxed: it would enlarge the future of every caller.
            match timeout(limit, Box::pin(open(&config))).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => refusals.push(format!("{host}: {}", chain(&error))),
                Err(_) => refusals.push(format!("{host}: no answer within {limit:?}")),
            }
        }
    }
    Err(DbError { fault: Fault::Unreachable, message: refusals.join("; ") })
}

async fn open(config: &Config) -> Result<(Client, Driver), tokio_postgres::Error> {
    if uses_tls(config) {
        let (client, connection) = config.connect(MakeRustlsConnect::new(client_config())).await?;
        Ok((client, Box::pin(connection)))
    } else {
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, Box::pin(connection)))
    }
}

struct Candidate {
    host: Host,
    address: Option<IpAddr>,
    port: u16,
}

fn hosts(config: &Config) -> impl Iterator<Item = Candidate> {
    let addresses = config.get_hostaddrs();
    let ports = config.get_ports();
    config.get_hosts().iter().enumerate().map(move |(n, host)| Candidate {
        host: host.clone(),
        address: addresses.get(n).copied(),
        // A single port stands for all hosts.
        port: ports.get(n).or(ports.first()).copied().unwrap_or(5432),
    })
}

impl Candidate {
    /// `None` stands for a socket of this machine.
    async fn addresses(&self) -> std::io::Result<Vec<Option<IpAddr>>> {
        match (&self.host, self.address) {
            (Host::Unix(_), _) => Ok(vec![None]),
            (Host::Tcp(_), Some(address)) => Ok(vec![Some(address)]),
            (Host::Tcp(name), None) => Ok(tokio::net::lookup_host((name.as_str(), self.port))
                .await?
                .map(|address| Some(address.ip()))
                .collect()),
        }
    }

    fn config(&self, config: &Config, address: Option<IpAddr>) -> Config {
        let mut one = Config::new();
        match &self.host {
            Host::Tcp(name) => one.host(name),
            Host::Unix(folder) => one.host_path(folder),
        };
        address.map(|address| one.hostaddr(address));
        config.get_user().map(|user| one.user(user));
        config.get_password().map(|password| one.password(password));
        config.get_dbname().map(|name| one.dbname(name));
        config.get_options().map(|options| one.options(options));
        config.get_application_name().map(|name| one.application_name(name));
        one.port(self.port)
            .ssl_mode(config.get_ssl_mode())
            .ssl_negotiation(config.get_ssl_negotiation())
            .channel_binding(config.get_channel_binding())
            .target_session_attrs(config.get_target_session_attrs())
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(UNACKNOWLEDGED_LIMIT);
        one
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            Host::Unix(folder) => write!(f, "{}", folder.display()),
        }
    }
}
