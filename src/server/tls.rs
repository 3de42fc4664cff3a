//! The server's certificate: read at start and again at each reload, without touching connections that stand.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::ServerTls;
use crate::transport::tls::pem_error;

/// The certificate in force.
pub(super) struct Certificates {
    current: ArcSwap<CertifiedKey>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct TlsError {
    /// The file at fault.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Certificates {
    /// Reads the certificate and its key.
    pub(super) fn load(files: &ServerTls) -> Result<Arc<Certificates>, TlsError> {
        Ok(Arc::new(Certificates { current: ArcSwap::new(read(files)?) }))
    }

    /// Has new connections use what [`read`] yielded.
    pub(super) fn put(&self, pair: Arc<CertifiedKey>) {
        self.current.store(pair);
    }

    /// What new connections use.
    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        self.current.load_full()
    }

    /// Makes TLS connections of TCP connections, HTTP/2 where the client speaks it.
    pub(super) fn acceptor(self: &Arc<Certificates>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

/// A certificate and the key that belongs to it, as they are in their files now.
pub(super) fn read(files: &ServerTls) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| at(&files.cert, &pem_error(&error)))?;
    if chain.is_empty() {
        return Err(at(&files.cert, &"holds no certificate in PEM form"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| at(&files.key, &pem_error(&error)))?;
    CertifiedKey::from_der(chain, key, &default_provider()).map(Arc::new).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => at(&files.key, &format_args!("is not the key of {}", files.cert.display())),
        error => at(&files.key, &error),
    })
}

fn at(path: &Path, reason: &dyn fmt::Display) -> TlsError {
    TlsError { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::read;
    use crate::config::ServerTls;

    fn write_certificate(folder: &Path) -> ServerTls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = ServerTls { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&files.cert, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let files = write_certificate(folder.path());
        assert!(read(&files).is_ok());
        fs::write(&files.key, "not a key").unwrap();
        let error = read(&files).unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = ServerTls { cert: write_certificate(one.path()).cert, key: write_certificate(other.path()).key };
        assert!(read(&files).unwrap_err().to_string().contains("is not the key of"));
    }
}
