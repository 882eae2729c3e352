//! Trusts the certificates of the system, or of `SSL_CERT_FILE`.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

pub(crate) fn client_config() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!(
            errors = ?found.errors,
            "no trusted certificate found; name a file of certificates in SSL_CERT_FILE"
        );
    }
    // An explicit provider spares the process a global one.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|e| unreachable!("aws-lc-rs has no TLS 1.2 or 1.3: {e}"));
    versions.with_root_certificates(roots).with_no_client_auth()
}
