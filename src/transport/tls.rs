//! Trust and identity towards upstreams: the system's roots, a private CA, a client certificate.
//!
//! Files are read when a provider is set up, so that a bad one is an error then; the system's roots are read at the
//! first https connection, because they take longer than the rest of the start.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::config::{ClientTls, Provider};

/// A provider's connections cannot be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum TransportSetupError {
    /// A certificate or key file is missing or wrong.
    #[error("provider `{provider}`: `{file}`: {reason}")]
    File {
        /// Whose.
        provider: String,
        /// Which, as configured.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The proxy or the address cannot be used.
    #[error("provider `{provider}`: {reason}")]
    Address {
        /// Whose.
        provider: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A provider's trust and identity, read and checked. By default, the system's roots and no identity.
#[derive(Clone, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<dyn ResolvesClientCert>>,
    digest: [u8; 32],
}

impl Tls {
    /// Reads the files that `config` names.
    pub fn load(config: &Provider) -> Result<Tls, TransportSetupError> {
        let ClientTls { ca, cert, key } = &config.tls;
        let files = Files { provider: &config.name };
        let mut digest = Sha256::new();
        let mut roots = Vec::new();
        if let Some(path) = ca {
            let text = files.read(path, &mut digest)?;
            roots = files.certificates(path, &text)?;
            let mut store = RootCertStore::empty();
            for root in &roots {
                store.add(root.clone()).map_err(|error| files.error(path, error))?;
            }
        }
        let mut identity: Option<Arc<dyn ResolvesClientCert>> = None;
        if let Some(path) = cert {
            let text = files.read(path, &mut digest)?;
            let chain = files.certificates(path, &text)?;
            // One file may hold both.
            let key_path = key.as_deref().unwrap_or(path);
            let key_text = files.read(key_path, &mut digest)?;
            let key = PrivateKeyDer::from_pem_slice(&key_text).map_err(|error| files.error(key_path, pem_error(&error)))?;
            let pair = CertifiedKey::from_der(chain, key, &crypto()).map_err(|error| files.error(key_path, error))?;
            identity = Some(Arc::new(SingleCertAndKey::from(pair)));
        }
        Ok(Tls { roots, identity, digest: digest.finalize().into() })
    }

    /// Differs when a file's content differs.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What a connection is made with; reads the system's roots at the first call in this process.
    pub async fn client_config(&self, http2: bool) -> Result<ClientConfig, rustls::Error> {
        let mut roots = system_roots().await;
        if !self.roots.is_empty() {
            let mut more = RootCertStore::clone(&roots);
            more.add_parsable_certificates(self.roots.iter().cloned());
            roots = Arc::new(more);
        }
        self.with_roots(roots, http2)
    }

    /// For clients that never speak TLS: trusts nobody, reads nothing.
    pub fn distrusting(&self) -> Result<ClientConfig, rustls::Error> {
        self.with_roots(Arc::new(RootCertStore::empty()), false)
    }

    fn with_roots(&self, roots: Arc<RootCertStore>, http2: bool) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions()?.with_root_certificates(roots);
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(identity.clone()),
            None => builder.with_no_client_auth(),
        };
        if http2 {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        Ok(config)
    }
}

struct Files<'a> {
    provider: &'a str,
}

impl Files<'_> {
    fn read(&self, path: &Path, digest: &mut Sha256) -> Result<Vec<u8>, TransportSetupError> {
        let text = std::fs::read(path).map_err(|error| self.error(path, error.kind()))?;
        // The length keeps two files apart from one that holds both.
        digest.update(text.len().to_le_bytes());
        digest.update(&text);
        Ok(text)
    }

    fn certificates(&self, path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TransportSetupError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let certificates = certificates.map_err(|error| self.error(path, pem_error(&error)))?;
        if certificates.is_empty() {
            return Err(self.error(path, "no PEM certificate in it"));
        }
        Ok(certificates)
    }

    fn error(&self, path: &Path, reason: impl ToString) -> TransportSetupError {
        TransportSetupError::File { provider: self.provider.to_owned(), file: path.display().to_string(), reason: reason.to_string() }
    }
}

/// What is wrong with a file in PEM form. Its own words repeat the line, byte by byte: of a key without its line breaks
/// that is the key.
pub fn pem_error(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section without its `-----END …-----`".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "`-----BEGIN …-----` does not stand on a line of its own".to_owned(),
        pem::Error::NoItemsFound => "nothing of that kind in PEM form is in it".to_owned(),
        pem::Error::Io(error) => error.kind().to_string(),
        pem::Error::SectionTooLarge => "a section is too large".to_owned(),
        _ => "not valid base64".to_owned(),
    }
}

fn crypto() -> Arc<CryptoProvider> {
    static CRYPTO: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    CRYPTO.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

async fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceCell<Arc<RootCertStore>> = OnceCell::const_new();
    // Reading some hundred files is not for a thread that serves requests.
    ROOTS.get_or_init(async || Arc::new(tokio::task::spawn_blocking(read_roots).await.unwrap_or_else(|_| built_in_roots()))).await.clone()
}

fn read_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return built_in_roots();
    }
    store
}

/// For containers without a certificate store.
fn built_in_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}
