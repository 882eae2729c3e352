//! Whom connections trust: the system's certificates, or those of `SSL_CERT_FILE`.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

/// Checks the server's certificate and its name.
pub(crate) fn client_config() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!(errors = ?found.errors, "no certificate to trust was found; name a file of them in SSL_CERT_FILE");
    }
    // The provider by name: nothing in the process has to install one first.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|e| unreachable!("aws-lc-rs has no TLS 1.2 or 1.3: {e}"));
    versions.with_root_certificates(roots).with_no_client_auth()
}
