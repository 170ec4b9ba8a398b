//! TLS for listeners (rustls with ring).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How long a client may take for its handshake.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// A certificate chain and its key, ready to be served.
#[derive(Clone)]
pub struct TlsIdentity(Arc<ServerConfig>);

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file.
    #[error("read the certificate {}: {error}; it has to be a PEM file with the chain, the server's certificate first", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: rustls_pki_types::pem::Error,
    },
    /// The key file.
    #[error("read the private key {}: {error}; it has to be a PEM file with an unencrypted key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: rustls_pki_types::pem::Error,
    },
    /// The certificate file holds none.
    #[error("no certificate in {}; it has to be a PEM file with the chain, the server's certificate first", .0.display())]
    Empty(PathBuf),
    /// They do not belong together, or cannot be used.
    #[error("use the certificate and key: {0}; check that they belong together")]
    Pair(#[from] rustls::Error),
}

impl TlsIdentity {
    /// Reads a chain and its key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |error| TlsError::Certificate { path: certificate.to_owned(), error };
        let chain = CertificateDer::pem_file_iter(certificate).map_err(unreadable)?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        if chain.is_empty() {
            return Err(TlsError::Empty(certificate.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| TlsError::Key { path: key.to_owned(), error })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key)?;
        Ok(Self(Arc::new(config)))
    }

    /// Accepts connections that speak HTTP.
    pub(crate) fn http_acceptor(&self) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.0);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config).into()
    }

    /// Accepts connections that carry newline-delimited JSON, which has no name in ALPN (RFC 7301).
    pub(crate) fn stream_acceptor(&self) -> TlsAcceptor {
        self.0.clone().into()
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity")
    }
}
