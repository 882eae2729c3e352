//! The checker shares no code with the services it checks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::api::innermost;

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
        let (client, connection) = config.connect(MakeRustlsConnect::new(trust()?)).await.map_err(refused)?;
        return Ok((client, Box::pin(connection)));
    }
    let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
    Ok((client, Box::pin(connection)))
}

/// Trusts the certificates of the system, or of `SSL_CERT_FILE`.
fn trust() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(found.certs).0 == 0 {
        return Err("no trusted certificates found; set SSL_CERT_FILE to a file of certificates".to_owned());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
