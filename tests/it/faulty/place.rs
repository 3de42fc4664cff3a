//! Where a fault happens: the address, the names and the certificates around an upstream.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llmgw::transport::Resolver;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Fault;
use super::http2::{self, Break};
use crate::server::upstream::Upstream;

/// The name of upstreams that have one.
const NAME: &str = "upstream.test";

/// What stands between the gateway and the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Plain HTTP at an address.
    Plain,
    /// A port at which nobody listens.
    Refused,
    /// Every connection is closed as soon as it stands.
    HangsUp,
    /// An https address behind which plain HTTP is spoken.
    PlainForTls,
    /// An https address behind which nothing is said.
    SilentForTls,
    /// TLS with this certificate.
    Tls(Certificate),
    /// A name without an address.
    Unresolvable,
    /// A name with two addresses, at the first of which nobody listens.
    DeadAddressFirst,
    /// HTTP/2 over TLS, broken like this.
    Http2(Break),
}

/// Whose certificate an upstream shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Issued by an authority that the gateway does not trust.
    OfAStranger,
    /// Issued for another name.
    ForAnotherName,
}

/// One fault, at work over sockets.
pub struct Faulty {
    /// What a provider's configuration says of it: `base_url` and what belongs to it.
    pub settings: String,
    /// How its name is found.
    pub resolver: Resolver,
    counted: Counted,
    _files: Option<TempDir>,
}

/// What runs, and what counts its requests.
enum Counted {
    Script(Upstream),
    Task(#[expect(dead_code, reason = "aborts what it holds when it is dropped")] JoinSet<()>, Option<Arc<AtomicUsize>>),
    Nothing,
}

impl Faulty {
    pub async fn start(fault: &Fault) -> Faulty {
        let script = fault.script.clone();
        let behaviour = move |request: &_| script(request);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let plain = format!("base_url: \"http://{address}/v1\"");
        match fault.place {
            Place::Plain => Faulty::of(plain, Counted::Script(Upstream::serving(listener, None, behaviour))),
            Place::Refused => {
                // Its port stays its own: a free one may be another test's upstream the next moment.
                let absent = Upstream::absent();
                let settings = format!("base_url: \"{}\"", absent.base_url());
                let held = async move {
                    let _absent = absent;
                    std::future::pending().await
                };
                Faulty::of(settings, task(held))
            }
            Place::HangsUp => Faulty::of(plain, task(async move { while listener.accept().await.is_ok() {} })),
            Place::PlainForTls => Faulty::of(secure(address), task(speak_plainly(listener))),
            Place::SilentForTls => Faulty::of(secure(address), task(hold(listener))),
            Place::Tls(certificate) => Faulty::over_tls(listener, address, certificate),
            Place::Unresolvable => {
                let lookup = |_: &str| Err(std::io::Error::other("no such host is known"));
                Faulty { resolver: Resolver::new(lookup), ..Faulty::of(named(address), Counted::Nothing) }
            }
            Place::DeadAddressFirst => {
                let found = vec![IpAddr::from(Ipv4Addr::new(127, 0, 0, 2)), IpAddr::from(Ipv4Addr::LOCALHOST)];
                let upstream = Upstream::serving(listener, None, behaviour);
                let resolver = Resolver::new(move |_| Ok(found.clone()));
                Faulty { resolver, ..Faulty::of(named(address), Counted::Script(upstream)) }
            }
            Place::Http2(broken) => Faulty::over_http2(listener, address, broken),
        }
    }

    fn over_tls(listener: TcpListener, address: SocketAddr, certificate: Certificate) -> Faulty {
        let authority = Authority::new("the gateway trusts it");
        let acceptor = match certificate {
            Certificate::OfAStranger => Authority::new("a stranger").acceptor("localhost", &[]),
            Certificate::ForAnotherName => authority.acceptor("another.test", &[]),
        };
        let settings = authority.settings(address);
        let serving = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        };
        Faulty { _files: Some(authority.files), ..Faulty::of(settings, task(serving)) }
    }

    fn over_http2(listener: TcpListener, address: SocketAddr, broken: Break) -> Faulty {
        let authority = Authority::new("the gateway trusts it");
        let settings = format!("{}, http2: true", authority.settings(address));
        let (acceptor, requests) = (authority.acceptor("localhost", &["h2"]), Arc::new(AtomicUsize::new(0)));
        let serving = JoinSet::from_iter([http2::serve(listener, acceptor, broken, requests.clone())]);
        Faulty { _files: Some(authority.files), ..Faulty::of(settings, Counted::Task(serving, Some(requests))) }
    }

    fn of(settings: String, counted: Counted) -> Faulty {
        Faulty { settings, resolver: Resolver::default(), counted, _files: None }
    }

    /// How many requests reached it whole; `None` where none can be counted.
    pub fn count(&self) -> Option<usize> {
        match &self.counted {
            Counted::Script(upstream) => Some(upstream.count()),
            Counted::Task(_, Some(requests)) => Some(requests.load(Ordering::SeqCst)),
            Counted::Task(_, None) | Counted::Nothing => None,
        }
    }
}

/// A task that serves no request.
fn task(serving: impl Future<Output = ()> + Send + 'static) -> Counted {
    Counted::Task(JoinSet::from_iter([serving]), None)
}

/// Answers a handshake as a plain server does.
async fn speak_plainly(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
    }
}

/// Accepts, and says nothing.
async fn hold(listener: TcpListener) {
    let mut held = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        held.push(stream);
    }
}

fn secure(address: SocketAddr) -> String {
    format!("base_url: \"https://{address}/v1\"")
}

fn named(address: SocketAddr) -> String {
    format!("base_url: \"http://{NAME}:{}/v1\"", address.port())
}

/// A CA of its own, and the file in which the gateway finds it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("a certificate");
        let files = TempDir::new().expect("a directory");
        let authority = Authority { issuer, files };
        std::fs::write(authority.file(), authority.issuer.pem()).expect("written");
        authority
    }

    fn file(&self) -> PathBuf {
        self.files.path().join("ca.pem")
    }

    fn settings(&self, address: SocketAddr) -> String {
        format!("base_url: \"https://localhost:{}/v1\", tls: {{ ca: \"{}\" }}", address.port(), self.file().display())
    }

    fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().expect("versions");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
