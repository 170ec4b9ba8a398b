//! Whom the client trusts over TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::error::{ClientError, Fault};

/// The authorities that browsers trust, and those of a PEM file.
pub(crate) fn config(extra_ca: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra_ca {
        let fault = |detail: String| Fault::Certificates { path: path.to_owned(), detail };
        let mut found = false;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
            found = true;
        }
        if !found {
            return Err(fault("there is none in it; it has to be a PEM file".to_owned()).into());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::malformed("the TLS settings", error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
