//! The checker shares no code with the services it checks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::api::innermost;
use crate::tls::trust;

/// Limit for all hosts. A handshake takes milliseconds, a second on a busy machine.
const CONNECTED_WITHIN: Duration = Duration::from_secs(15);
/// A host that hangs leaves time for the next one.
const ADDRESS_WITHIN: Duration = Duration::from_secs(5);

pub(super) type Driver = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Connects to the first host that answers. `sslmode=require` checks certificate and host name too.
pub(super) async fn connect(config: &Config) -> Result<(Client, Driver), String> {
    let mut config = config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(ADDRESS_WITHIN);
    }
    let connected = timeout(CONNECTED_WITHIN, Box::pin(open(&config))).await;
    connected.map_err(|_| format!("no answer within {CONNECTED_WITHIN:?}"))?
}

async fn open(config: &Config) -> Result<(Client, Driver), String> {
    let refused = |error: Error| innermost(&error);
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(MakeRustlsConnect::new(trust())).await.map_err(refused)?;
        return Ok((client, Box::pin(connection)));
    }
    let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
    Ok((client, Box::pin(connection)))
}
