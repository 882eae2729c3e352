//! How a connection to PostgreSQL is made: with TLS if the URL says `sslmode=require`, otherwise without.
//!
//! With TLS the certificate and the host's name are always checked: against the system's certificates, or those of
//! `SSL_CERT_FILE`. `sslmode=prefer`, the default of URLs, is no TLS here: it would promise nothing and fail on the
//! certificate a Debian server makes for itself.

use std::{future::Future, pin::Pin};

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::client_config;

/// What drives a connection: to be spawned; it ends with the connection.
pub type Driver = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// One connection outside the pool.
///
/// # Errors
/// The server cannot be reached, or refuses; its certificate is not trusted.
pub async fn connect(config: &Config) -> Result<(Client, Driver), tokio_postgres::Error> {
    if uses_tls(config) {
        let (client, connection) = config.connect(tls()).await?;
        Ok((client, Box::pin(connection)))
    } else {
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, Box::pin(connection)))
    }
}

/// What makes the connections of a pool.
pub(super) fn manager(config: Config) -> Manager {
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    if uses_tls(&config) { Manager::from_config(config, tls(), how) } else { Manager::from_config(config, NoTls, how) }
}

/// Whether a connection with `config` is encrypted, or not made at all.
pub fn uses_tls(config: &Config) -> bool {
    config.get_ssl_mode() == SslMode::Require
}

fn tls() -> MakeRustlsConnect {
    MakeRustlsConnect::new(client_config())
}
