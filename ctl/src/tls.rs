//! TLS to the services and to PostgreSQL.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// Trusts the certificates of the system, or of `SSL_CERT_FILE`; without any, every handshake fails.
pub(crate) fn trust() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("aws-lc-rs has no TLS 1.2 or 1.3: {error}"));
    versions.with_root_certificates(roots).with_no_client_auth()
}
