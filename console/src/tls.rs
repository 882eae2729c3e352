//! TLS 1.2 and 1.3, to the services and to the proxy in front.

use std::{io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Trusts the certificates of the system, or of `SSL_CERT_FILE`; without any, every handshake fails.
pub fn trust() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("aws-lc-rs has no TLS 1.2 or 1.3: {error}"));
    versions.with_root_certificates(roots).with_no_client_auth()
}

/// Shows the certificate and its chain, both files in PEM.
pub fn identity(certificate: &Path, key: &Path) -> io::Result<ServerConfig> {
    let wrong =
        |file: &Path, why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", file.display()));
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<CertificateDer<'static>> = chain.map_err(|error| wrong(certificate, &error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = versions.with_no_client_auth().with_single_cert(chain, key_der);
    config.map_err(|error| wrong(certificate, &error))
}
