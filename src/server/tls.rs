//! The server's certificate: read at start and again at each reload, without touching connections that stand.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::ServerTls;

/// The certificate in force.
pub(super) struct Certificates {
    provider: Arc<CryptoProvider>,
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
        let provider = Arc::new(default_provider());
        let current = ArcSwap::from_pointee(read(files, &provider)?);
        Ok(Arc::new(Certificates { provider, current }))
    }

    /// Reads both again. New connections use them; if they are bad, the old ones stay.
    pub(super) fn reload(&self, files: &ServerTls) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(files, &self.provider)?));
        Ok(())
    }

    /// Makes TLS connections of TCP connections, HTTP/2 where the client speaks it.
    pub(super) fn acceptor(self: &Arc<Certificates>) -> Result<TlsAcceptor, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

fn read(files: &ServerTls, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| at(&files.cert, &error))?;
    if chain.is_empty() {
        return Err(at(&files.cert, &"holds no certificate in PEM form"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| at(&files.key, &error))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| at(&files.key, &error))
}

fn at(path: &Path, reason: &dyn fmt::Display) -> TlsError {
    TlsError { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Certificates;
    use crate::config::ServerTls;

    fn write_certificate(folder: &Path) -> ServerTls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = ServerTls { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&files.cert, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_reload_takes_the_new_certificate_and_a_bad_one_leaves_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let files = write_certificate(folder.path());
        let certificates = Certificates::load(&files).unwrap();
        let first = certificates.current.load_full();

        write_certificate(folder.path());
        certificates.reload(&files).unwrap();
        let second = certificates.current.load_full();
        assert_ne!(first.cert, second.cert);

        fs::write(&files.key, "not a key").unwrap();
        let error = certificates.reload(&files).unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
        assert_eq!(certificates.current.load_full().cert, second.cert);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = ServerTls { cert: write_certificate(one.path()).cert, key: write_certificate(other.path()).key };
        assert!(Certificates::load(&files).is_err());
    }
}
