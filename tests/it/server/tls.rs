//! TLS: the certificate, its replacement, and HTTP/2.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client::Wire;
use super::upstream::{Gate, Step, Upstream, end, events_head, word};
use super::{CHAT, Gateway, one, question, streamed};

const TLS: &str = "server: { tls: { cert: cert.pem, key: key.pem } }\n";

/// Writes a fresh certificate and its key.
fn certify(directory: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Connects as a client that trusts only `certificate`.
async fn connect(gateway: &Gateway, certificate: &CertificateDer<'static>, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(gateway.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn start(directory: &Path) -> (Upstream, Gateway) {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start_in(directory, &(one(&upstream) + TLS)).await;
    (upstream, gateway)
}

#[tokio::test]
async fn a_new_certificate_takes_effect_with_a_reload_and_leaves_connections_alone() {
    let directory = tempfile::tempdir().unwrap();
    let first = certify(directory.path());
    let (_upstream, gateway) = start(directory.path()).await;
    let ask = gateway.post(CHAT, question("m-a")).to_bytes(true);
    let mut standing = Wire::new(connect(&gateway, &first, "http/1.1").await.unwrap());
    standing.write(&ask).await;
    assert_eq!(standing.answer().await.status, 200);

    let second = certify(directory.path());
    assert!(connect(&gateway, &second, "http/1.1").await.is_err(), "not before the reload");
    gateway.engine.reload(false).expect("a good configuration");
    assert!(connect(&gateway, &first, "http/1.1").await.is_err());
    let mut fresh = Wire::new(connect(&gateway, &second, "http/1.1").await.unwrap());
    for wire in [&mut standing, &mut fresh] {
        wire.write(&ask).await;
        assert_eq!(wire.answer().await.status, 200);
    }

    fs::write(directory.path().join("key.pem"), "no key").unwrap();
    let refused = gateway.engine.reload(false).expect_err("no key");
    assert!(refused.join("").contains("key.pem"), "{refused:?}");
    assert!(connect(&gateway, &second, "http/1.1").await.is_ok(), "a bad one changes nothing");
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_does() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certify(directory.path());
    let (_upstream, mut gateway) = start(directory.path()).await;
    let stream = connect(&gateway, &certificate, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for (body, host, status) in [
        (question("m-a"), "localhost", 200),
        (streamed("m-a"), "localhost:8000", 200),
        (question("m-x"), "localhost", 404),
        (question("m-a"), "evil.example", 403),
    ] {
        let request = http::Request::post(format!("https://{host}{CHAT}"))
            .header("content-type", "application/json")
            .header("cookie", "a=b")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let answer = super::soon("an answer", sender.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
        assert!(answer.headers().contains_key("x-request-id") && !answer.headers().contains_key("connection"));
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(String::from_utf8_lossy(&text).contains("好"), status == 200, "{host}");
    }
    gateway.shutdown.begin();
    gateway.ended().await;
    super::soon("the connection's end", connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn plain_http_and_broken_greetings_on_a_tls_port_hurt_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certify(directory.path());
    let (_upstream, gateway) = start(directory.path()).await;
    for bytes in ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "\x16\x03\x01\x00\x01\x00", "", "\0"] {
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(bytes.as_bytes()).await;
        wire.finish().await;
        assert!(!super::soon("the end", wire.closed()).await.starts_with("HTTP"));
    }
    // Says nothing, and stays.
    let _silent = Wire::connect(gateway.address).await;
    assert!(connect(&gateway, &certificate, "http/1.1").await.is_ok());
}

#[tokio::test]
async fn a_stream_that_an_http_2_client_drops_is_cancelled_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certify(directory.path());
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let begun = [events_head(), word("你"), Step::Wait(waiting.clone()), word("好")];
        begun.into_iter().chain(end()).collect()
    })
    .await;
    let gateway = Gateway::start_in(directory.path(), &(one(&upstream) + TLS)).await;
    let stream = connect(&gateway, &certificate, "h2").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = http::Request::post(format!("https://localhost{CHAT}")).header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(streamed("m-a").to_string()))).unwrap();
        let mut answer = super::soon("an answer", sender.send_request(request)).await.unwrap();
        super::soon("a word", answer.body_mut().frame()).await.unwrap().unwrap();
        answers.push(answer);
    }
    drop(answers.remove(0));
    upstream.closed().await;
    gate.open(1);
    let rest = super::soon("the rest", answers.remove(0).into_body().collect()).await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_greeting_that_never_ends_does_not_hold_up_the_servers_end() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certify(directory.path());
    let (_upstream, mut gateway) = start(directory.path()).await;
    let mut silent = Wire::connect(gateway.address).await;
    silent.write(b"\x16\x03\x01").await;
    connect(&gateway, &certificate, "http/1.1").await.expect("accepted after the silent one");
    let begun = std::time::Instant::now();
    gateway.shutdown.begin();
    gateway.ended().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_http_2_client_is_refused_while_it_sends_and_finishes_while_the_server_ends() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certify(directory.path());
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let begun = [events_head(), word("你"), Step::Wait(waiting.clone()), word("好")];
        begun.into_iter().chain(end()).collect()
    })
    .await;
    let config = one(&upstream) + "server: { max_body: 100kB, tls: { cert: cert.pem, key: key.pem } }\n";
    let mut gateway = Gateway::start_in(directory.path(), &config).await;
    let stream = connect(&gateway, &certificate, "h2").await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let ask = |body: String| {
        let request = http::Request::post(format!("https://localhost{CHAT}")).header("content-type", "application/json");
        request.body(Full::new(Bytes::from(body))).unwrap()
    };
    let answer = super::soon("an answer", sender.send_request(ask("x".repeat(10_000_000)))).await.unwrap();
    assert_eq!(answer.status(), 413);
    let mut answer = super::soon("an answer", sender.send_request(ask(streamed("m-a").to_string()))).await.unwrap();
    super::soon("a word", answer.body_mut().frame()).await.unwrap().unwrap();
    gateway.shutdown.begin();
    let refused = async { while TcpStream::connect(gateway.address).await.is_ok() {} };
    super::soon("connections to be refused", refused).await;
    gate.open(1);
    let rest = super::soon("the rest", answer.into_body().collect()).await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"));
    gateway.ended().await;
    super::soon("the connection's end", connection).await.unwrap().unwrap();
}
