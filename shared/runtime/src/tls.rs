//! TLS 1.2 and 1.3. Clients trust the certificates of the system, or of `SSL_CERT_FILE`; servers show their own.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::settings::{Secret, Source};

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

/// A builder of HTTP clients with this trust.
pub fn http_client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().tls_backend_preconfigured(client_config())
}

/// The same for threads without a runtime.
pub(crate) fn blocking_http_client() -> reqwest::blocking::ClientBuilder {
    reqwest::blocking::Client::builder().tls_backend_preconfigured(client_config())
}

/// Reads certificate and key of the REST API; `None`: plain HTTP.
pub(crate) fn read_server_config(source: &mut Source) -> Option<Arc<ServerConfig>> {
    let certificate = given(
        source,
        "tls-certificate",
        "certificate of the REST API and its chain, in PEM; off: plain HTTP. TLS_CERTIFICATE_FILE names a file",
    );
    let key = given(source, "tls-key", "private key of that certificate, in PEM. TLS_KEY_FILE names a file");
    source.check("tls-certificate", certificate.is_some() || key.is_none(), "is missing: tls-key is given");
    source.check("tls-key", key.is_some() || certificate.is_none(), "is missing: tls-certificate is given");
    match server_config(&certificate?, &key?) {
        Ok(config) => Some(Arc::new(config)),
        Err(problem) => {
            source.check("tls-certificate", false, &problem);
            None
        }
    }
}

/// Compose passes an unset variable as empty text.
fn given(source: &mut Source, name: &'static str, about: &'static str) -> Option<Secret> {
    source.optional(name, about).filter(|text: &Secret| !text.expose().is_empty())
}

/// Errors complete the sentence "`tls-certificate`: …", and hold no part of the key.
fn server_config(certificate: &Secret, key: &Secret) -> Result<ServerConfig, String> {
    let chain =
        CertificateDer::pem_slice_iter(certificate.expose().as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or("holds no certificate in PEM")?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
    let key = key.map_err(|_| "has no usable tls-key: it holds no private key in PEM")?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let config = versions.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| format!("does not fit tls-key: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
