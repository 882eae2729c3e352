//! How a connection to PostgreSQL is made: with TLS if the URL says `sslmode=require`, otherwise without.
//!
//! With TLS the certificate and the host's name are always checked: against the system's certificates, or those of
//! `SSL_CERT_FILE`. `sslmode=prefer`, the default of URLs, is no TLS here: it would promise nothing and fail on the
//! certificate a Debian server makes for itself.

use std::{future::Future, pin::Pin, sync::Arc};

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

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
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!(errors = ?found.errors, "no certificate to trust was found; name a file of them in SSL_CERT_FILE");
    }
    // The provider by name: nothing in the process has to install one first.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().unwrap_or_else(|e| unreachable!("aws-lc-rs has no TLS 1.2 or 1.3: {e}"));
    MakeRustlsConnect::new(versions.with_root_certificates(roots).with_no_client_auth())
}
