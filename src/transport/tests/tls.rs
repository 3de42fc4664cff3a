//! TLS: a private CA, a client certificate, a tunnel, HTTP/2.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::super::testing::{PATIENCE, accept, answer_all, listen, post, provider, read_request, text};
use super::super::{Control, Pools, Transport};
use super::http1::serves_another_thread;
use super::{failure, relay};
use crate::config::{Provider, Proxy};

/// A CA of its own, and the files that a configuration names.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
}

impl Authority {
    pub(super) fn new() -> Authority {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let files = TempDir::new().unwrap();
        std::fs::write(files.path().join("ca.pem"), issuer.pem()).unwrap();
        let authority = Authority { issuer, files };
        let (certificate, key) = authority.issue("client");
        std::fs::write(authority.file("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(authority.file("key.pem"), key.serialize_pem()).unwrap();
        authority
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A provider there that trusts it.
    pub(super) fn provider(&self, url: &str) -> Provider {
        let mut config = provider(url);
        config.tls.ca = Some(self.file("ca.pem"));
        config
    }

    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        Path::join(self.files.path(), name)
    }

    pub(super) fn acceptor(&self, wants_client: bool, protocols: &[&str]) -> TlsAcceptor {
        let (certificate, key) = self.issue("localhost");
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto.clone()).build().unwrap();
        let builder = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
        let builder = if wants_client { builder.with_client_cert_verifier(verifier) } else { builder.with_no_client_auth() };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    accept(listener, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer_all(stream, "", b"ok").await;
            }
        }
    });
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    serve(listener, authority.acceptor(false, &[]));
    let mut config = provider(&url);
    assert_eq!(failure(&config).await.to_string(), "cannot connect: tls: invalid peer certificate: UnknownIssuer");

    config.tls.ca = Some(authority.file("ca.pem"));
    let response = relay(&config).send(post(&url, "")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "ok");
    let request = Request::get(&url).body(Bytes::new()).unwrap();
    assert_eq!(Control::for_provider(&config).unwrap().send(request, PATIENCE).await.unwrap().into_body(), "ok");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    serve(listener, authority.acceptor(true, &[]));
    let mut config = authority.provider(&url);
    assert!(relay(&config).send(post(&url, "")).await.is_err(), "without a certificate");

    config.tls.cert = Some(authority.file("cert.pem"));
    config.tls.key = Some(authority.file("key.pem"));
    let response = relay(&config).send(post(&url, "")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "ok");
}

#[tokio::test]
async fn a_connection_serves_another_thread_and_outlives_the_one_that_made_it() {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    serve(listener, authority.acceptor(false, &[]));
    serves_another_thread(relay(&authority.provider(&url)), &url).await;
}

#[test]
fn a_bad_file_is_named_with_its_provider() {
    let authority = Authority::new();
    let mut config = provider("https://a.example");
    config.tls.ca = Some(authority.file("key.pem"));
    let error = Pools::default().relay(&config).err().unwrap().to_string();
    assert!(error.starts_with("provider `test`: `") && error.ends_with("key.pem`: no PEM certificate in it"), "{error}");
    config.tls.ca = Some(authority.file("missing.pem"));
    let error = Pools::default().relay(&config).err().unwrap().to_string();
    assert!(error.ends_with("missing.pem`: entity not found"), "{error}");
    config.tls.ca = None;
    config.tls.cert = Some(authority.file("ca.pem"));
    config.tls.key = Some(authority.file("key.pem"));
    let error = Pools::default().relay(&config).err().unwrap().to_string();
    assert!(error.contains("key.pem`: "), "a key of another certificate: {error}");
}

#[test]
fn a_changed_file_is_another_pool() {
    let authority = Authority::new();
    let pools = Pools::default();
    let mut config = provider("https://a.example");
    config.tls.ca = Some(authority.file("ca.pem"));
    let first = pools.relay(&config).unwrap();
    assert!(Arc::ptr_eq(&first, &pools.relay(&config).unwrap()));
    std::fs::write(authority.file("ca.pem"), Authority::new().issuer.pem()).unwrap();
    assert!(!Arc::ptr_eq(&first, &pools.relay(&config).unwrap()));
}

#[tokio::test]
async fn an_https_upstream_is_reached_through_a_tunnel() {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    serve(listener, authority.acceptor(false, &[]));
    let (proxy, proxy_url) = listen("http").await;
    let (heard, mut hears) = mpsc::channel(1);
    let target = url.replace("https://", "");
    accept(proxy, move |mut stream| {
        let (heard, target) = (heard.clone(), target.clone());
        async move {
            heard.send(read_request(&mut stream).await.unwrap()).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    });
    let mut config = authority.provider(&url);
    config.proxy = Proxy::Through(Url::parse(&proxy_url.replace("localhost", "user:word@localhost")).unwrap());
    let response = relay(&config).send(post(&url, "")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "ok");
    let request = hears.recv().await.unwrap();
    assert!(request.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", url.replace("https://", ""))), "{request}");
    assert!(request.contains("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"), "{request}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_the_cause() {
    let (proxy, proxy_url) = listen("http").await;
    accept(proxy, async |mut stream| {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 407 No\r\n\r\n").await.unwrap();
    });
    let mut config = provider("https://upstream.invalid");
    config.proxy = Proxy::Through(Url::parse(&proxy_url).unwrap());
    assert_eq!(failure(&config).await.to_string(), "cannot connect: proxy: tunnel error: proxy authorization required");
}

#[tokio::test]
async fn http2_is_spoken_only_when_asked_for() {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    let acceptor = authority.acceptor(false, &["h2", "http/1.1"]);
    accept(listener, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let service = service_fn(async |_| Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("ok")))));
            let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
        }
    });
    for (http2, version) in [(true, Version::HTTP_2), (false, Version::HTTP_11)] {
        let mut config = authority.provider(&url);
        config.http2 = http2;
        let response = relay(&config).send(post(&url, "")).await.unwrap();
        assert_eq!(response.version(), version);
        assert_eq!(text(response.into_body()).await, "ok");
    }
}
