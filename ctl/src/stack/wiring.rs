use std::net::{Ipv4Addr, SocketAddr};

use super::servers::Servers;
use super::service::Plan;
use super::{Kind, StackError};
use crate::state::Credentials;
use servers::ports;

/// `payment` requests its SERVICE token with this id.
const SERVICE_CLIENT: &str = "payment";

/// Fixed before the start: services start in any order and keep their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub http: SocketAddr,
    pub metrics: SocketAddr,
}

impl Addresses {
    #[must_use]
    pub fn on(http_port: u16, metrics_port: u16) -> Self {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { http: at(http_port), metrics: at(metrics_port) }
    }

    /// Chosen in advance: restarts keep the port.
    pub fn free() -> Result<Self, StackError> {
        let at = || ports::free_port().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Ok(Self { http: at().map_err(StackError::NoPort)?, metrics: at().map_err(StackError::NoPort)? })
    }
}

/// Addresses of the first instance of each service.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    pub user: Addresses,
    pub inventory: Addresses,
    pub payment: Addresses,
}

impl Network {
    pub fn free() -> Result<Self, StackError> {
        Ok(Self { user: Addresses::free()?, inventory: Addresses::free()?, payment: Addresses::free()? })
    }

    #[must_use]
    pub fn of(&self, kind: Kind) -> Addresses {
        match kind {
            Kind::User => self.user,
            Kind::Inventory => self.inventory,
            Kind::Payment => self.payment,
        }
    }
}

pub fn plan(
    kind: Kind,
    at: Addresses,
    network: &Network,
    servers: &Servers,
    credentials: &Credentials,
) -> Plan {
    // No load balancer needs notice of a shutdown here.
    let notice = ("SHUTDOWN_NOTICE", "0ms".to_owned());
    // All clients share an address here.
    let roomy_connections = ("CONNECTIONS_PER_SOURCE", "1000000".to_owned());
    let mut env = vec![
        roomy_connections,
        ("DATABASE_URL", servers.database_url(kind)),
        ("LOG_FORMAT", "json".to_owned()),
        notice,
    ];
    if kind != Kind::User {
        env.push(("REDIS_URL", servers.redis_url()));
        env.push(("JWKS_URL", format!("http://{}/.well-known/jwks.json", network.user.http)));
    }
    match kind {
        Kind::User => env.extend(user(at, credentials).into_iter().chain(roomy(ROOMY_USER))),
        Kind::Inventory => {}
        Kind::Payment => env.extend(payment(network, credentials).into_iter().chain(roomy(ROOMY_PAYMENT))),
    }
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Plan { http: at.http, metrics: at.metrics, env }
}

/// Everybody here comes from one address, and few accounts order for all.
const ROOMY_USER: [(&str, &str); 4] = [
    ("LOGINS_PER_SOURCE", "600"),
    ("REGISTRATIONS_PER_SOURCE", "600"),
    ("REFRESHES_PER_SOURCE", "6000"),
    ("TOKEN_REQUESTS_PER_SOURCE", "600"),
];
const ROOMY_PAYMENT: [(&str, &str); 4] = [
    ("ORDERS_PER_USER", "1000000"),
    ("ORDERS_BURST", "1000000"),
    ("WAITS_PER_USER", "100000"),
    ("WAIT_LIMIT", "100000"),
];

fn roomy<const N: usize>(limits: [(&'static str, &str); N]) -> impl Iterator<Item = (&'static str, String)> {
    limits.into_iter().map(|(name, value)| (name, value.to_owned()))
}

fn user(at: Addresses, credentials: &Credentials) -> Vec<(&'static str, String)> {
    vec![
        ("PUBLIC_URL", format!("http://{}", at.http)),
        ("SERVICE_CLIENTS", format!("{SERVICE_CLIENT}:{}", credentials.client_secret)),
        ("KEY_ENCRYPTION_KEY", credentials.key_encryption_key.clone()),
        ("ADMIN_EMAIL", credentials.admin.email.clone()),
        ("ADMIN_PASSWORD", credentials.admin.password.clone()),
    ]
}

fn payment(network: &Network, credentials: &Credentials) -> Vec<(&'static str, String)> {
    vec![
        ("INVENTORY_URL", format!("http://{}", network.inventory.http)),
        ("TOKEN_URL", format!("http://{}/oauth/token", network.user.http)),
        ("CLIENT_ID", SERVICE_CLIENT.to_owned()),
        ("CLIENT_SECRET", credentials.client_secret.clone()),
    ]
}
