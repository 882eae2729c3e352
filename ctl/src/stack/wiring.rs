//! The settings that connect the services with each other and with their servers.

use std::net::{Ipv4Addr, SocketAddr};

use super::servers::Servers;
use super::service::Plan;
use super::{Kind, StackError};
use crate::state::Credentials;
use servers::ports;

/// The name `payment` gives when it asks `user` for a SERVICE token.
const SERVICE_CLIENT: &str = "payment";

/// Where the first instance of a service listens. Known before it runs, so that services can be started in
/// any order, and kept when it is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The REST API.
    pub http: SocketAddr,
    /// The metrics.
    pub metrics: SocketAddr,
}

impl Addresses {
    /// The documented ports of a service, with another one for the REST API if wanted.
    #[must_use]
    pub fn documented(kind: Kind, http_port: Option<u16>) -> Self {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { http: at(http_port.unwrap_or(kind.http_port())), metrics: at(kind.metrics_port()) }
    }

    /// Free ports. Not port 0, which a restarted service would not get again.
    ///
    /// # Errors
    /// [`StackError::NoPort`].
    pub fn free() -> Result<Self, StackError> {
        let at = || ports::free_port().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Ok(Self { http: at().map_err(StackError::NoPort)?, metrics: at().map_err(StackError::NoPort)? })
    }
}

/// The first instance of each service.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// `user`
    pub user: Addresses,
    /// `inventory`
    pub inventory: Addresses,
    /// `payment`
    pub payment: Addresses,
}

impl Network {
    /// Free ports for all.
    ///
    /// # Errors
    /// [`StackError::NoPort`].
    pub fn free() -> Result<Self, StackError> {
        Ok(Self { user: Addresses::free()?, inventory: Addresses::free()?, payment: Addresses::free()? })
    }

    /// The addresses of one service.
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
    // Nobody balances load here, so that nobody has to notice an end beforehand.
    let notice = ("SHUTDOWN_NOTICE", "0ms".to_owned());
    let mut env =
        vec![("DATABASE_URL", servers.database_url(kind)), ("LOG_FORMAT", "json".to_owned()), notice];
    if kind != Kind::User {
        env.push(("REDIS_URL", servers.redis_url()));
        env.push(("JWKS_URL", format!("http://{}/.well-known/jwks.json", network.user.http)));
    }
    match kind {
        Kind::User => env.extend(user(credentials)),
        Kind::Inventory => {}
        Kind::Payment => env.extend(payment(network, credentials)),
    }
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Plan { http: at.http, metrics: at.metrics, env }
}

fn user(credentials: &Credentials) -> Vec<(&'static str, String)> {
    vec![
        ("SERVICE_CLIENTS", format!("{SERVICE_CLIENT}:{}", credentials.service_client_secret)),
        ("ADMIN_EMAIL", credentials.admin.email.clone()),
        ("ADMIN_PASSWORD", credentials.admin.password.clone()),
    ]
}

fn payment(network: &Network, credentials: &Credentials) -> Vec<(&'static str, String)> {
    vec![
        ("INVENTORY_URL", format!("http://{}", network.inventory.http)),
        ("SERVICE_TOKEN_URL", format!("http://{}/auth/service-token", network.user.http)),
        ("SERVICE_CLIENT_ID", SERVICE_CLIENT.to_owned()),
        ("SERVICE_CLIENT_SECRET", credentials.service_client_secret.clone()),
    ]
}
