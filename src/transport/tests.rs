//! The relay over real sockets on loopback.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_compression::tokio::bufread;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;

use super::testing::{PATIENCE, accept, answer_all, listen, post, provider, read_request, text};
use super::{Control, Pools, Relay, Transport, TransportError};
use crate::config::{Provider, Proxy};

mod http1;
mod http2;
mod tls;

fn relay(config: &Provider) -> Arc<Relay> {
    Pools::default().relay(config).unwrap()
}

async fn failure(config: &Provider) -> TransportError {
    let url = format!("{}x?key=hidden", config.base_url);
    relay(config).send(post(&url, "{}")).await.expect_err("must fail")
}

#[tokio::test]
async fn a_request_goes_out_and_its_answer_comes_back() {
    let (listener, url) = listen("http").await;
    let (heard, mut hears) = mpsc::channel(1);
    accept(listener, move |mut stream| {
        let heard = heard.clone();
        async move {
            heard.send(read_request(&mut stream).await.unwrap()).await.unwrap();
            stream.write_all(b"HTTP/1.1 307 Elsewhere\r\nlocation: /there\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    let response = relay(&provider(&url)).send(post(&format!("{url}/v1/chat?a=b"), "hi")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(text(response.into_body()).await, "ok");
    let request = hears.recv().await.unwrap();
    assert!(request.starts_with("POST /v1/chat?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("content-length: 2\r\n\r\nhi"), "{request}");
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let (listener, url) = listen("http").await;
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    accept(listener, move |stream| {
        count.fetch_add(1, Ordering::Relaxed);
        answer_all(stream, "", b"ok")
    });
    let relay = relay(&provider(&url));
    for _ in 0..5 {
        assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// Answers the first `answered` requests of every connection, then reads one more and hangs up.
async fn hangs_up_after(answered: usize, last_words: &'static [u8], requests: Arc<AtomicUsize>, mut stream: TcpStream) {
    for _ in 0..answered {
        read_request(&mut stream).await.unwrap();
        requests.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    }
    if read_request(&mut stream).await.is_some() {
        requests.fetch_add(1, Ordering::Relaxed);
        stream.write_all(last_words).await.unwrap();
    }
}

async fn upstream_that_hangs_up_after(answered: usize, last_words: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let (listener, url) = listen("http").await;
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    accept(listener, move |stream| hangs_up_after(answered, last_words, count.clone(), stream));
    (url, requests)
}

#[tokio::test]
async fn a_pooled_connection_that_dies_unanswered_is_replaced() {
    let (url, requests) = upstream_that_hangs_up_after(1, b"").await;
    let relay = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "one")).await.unwrap().into_body()).await, "ok");
    assert_eq!(text(relay.send(post(&url, "two")).await.unwrap().into_body()).await, "ok");
    assert_eq!(requests.load(Ordering::Relaxed), 3);
}

/// The end of a connection and the next request on it pass each other at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_closes_after_each_answer_fails_nobody() {
    let (listener, url) = listen("http").await;
    accept(listener, async |mut stream| {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    });
    let relay = relay(&provider(&url));
    let callers: Vec<_> = (0..4).map(|_| tokio::spawn(ask_often(relay.clone(), url.clone()))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn ask_often(relay: Arc<Relay>, url: String) {
    for _ in 0..50 {
        assert_eq!(text(relay.send(post(&url, "again")).await.unwrap().into_body()).await, "ok");
    }
}

#[tokio::test]
async fn a_pooled_connection_is_replaced_only_once() {
    let (listener, url) = listen("http").await;
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    accept(listener, move |stream| {
        let is_first = count.load(Ordering::Relaxed) == 0;
        hangs_up_after(usize::from(is_first), b"", count.clone(), stream)
    });
    let relay = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "one")).await.unwrap().into_body()).await, "ok");
    let error = relay.send(post(&url, "two")).await.expect_err("the replacement dies too");
    assert!(matches!(error, TransportError::Closed(_)), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_not_replaced() {
    let (url, requests) = upstream_that_hangs_up_after(0, b"").await;
    let error = failure(&provider(&url)).await;
    assert!(matches!(&error, TransportError::Closed(reason) if reason == "connection closed before message completed"), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_died_within_an_answer_is_not_replaced() {
    let (url, requests) = upstream_that_hangs_up_after(1, b"HTTP/1.1 200").await;
    let relay = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "one")).await.unwrap().into_body()).await, "ok");
    let error = relay.send(post(&url, "two")).await.expect_err("an answer had begun");
    assert!(matches!(error, TransportError::Closed(_)), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_answer_cut_off_is_broken() {
    let (url, _) = upstream_that_hangs_up_after(0, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    let mut body = relay(&provider(&url)).send(post(&url, "")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ok");
    let error = body.frame().await.unwrap().expect_err("seven bytes are missing");
    assert!(matches!(error, TransportError::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_failure_to_connect_names_its_cause_and_no_address() {
    let (listener, url) = listen("http").await;
    drop(listener);
    let error = failure(&provider(&url)).await;
    assert_eq!(error.to_string(), "cannot connect: connection refused");
    assert!(matches!(error, TransportError::Connect(_) | TransportError::ConnectTimeout(_)));
    let error = failure(&provider("http://no-such-host.invalid")).await.to_string();
    assert!(error.starts_with("cannot connect: dns: ") && !error.contains("hidden"), "{error}");
}

/// Accepts nothing and refuses nothing: the place for connections that wait is taken.
#[cfg(target_os = "linux")]
fn silent_address(ip: [u8; 4], port: u16) -> (socket2::Socket, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};

    let address = std::net::SocketAddr::from((ip, port)).into();
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let waiting = (0..4).map(|_| {
        let stream = socket();
        stream.set_nonblocking(true).unwrap();
        let _ = stream.connect(&address);
        stream
    });
    (listener, waiting.collect())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_address_leaves_time_for_a_names_next_one() {
    let (listener, url) = listen("http").await;
    let port = listener.local_addr().unwrap().port();
    let _silent = silent_address([127, 0, 0, 2], port);
    accept(listener, |stream| answer_all(stream, "", b"ok"));
    let resolver = super::Resolver::new(|host| {
        assert_eq!(host, "localhost");
        Ok(vec![[127, 0, 0, 2].into(), [127, 0, 0, 1].into()])
    });
    let mut config = provider(&url);
    config.timeout.connect = Duration::from_secs(1);
    let relay = Pools::resolving_by(resolver).relay(&config).unwrap();
    assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_given_up() {
    // Accepts TCP, and never says a word of TLS.
    let (listener, url) = listen("https").await;
    accept(listener, async |mut stream| {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let mut config = provider(&url);
    config.timeout.connect = Duration::from_millis(50);
    let error = failure(&config).await;
    assert_eq!(error.to_string(), "cannot connect within 50ms");
    assert!(matches!(error, TransportError::Connect(_) | TransportError::ConnectTimeout(_)));
}

/// Announces each request and then the end of its connection.
async fn upstream_that_tells_of_its_end(head: &'static str) -> (String, mpsc::Receiver<&'static str>) {
    let (listener, url) = listen("http").await;
    let (tell, told) = mpsc::channel(4);
    accept(listener, move |mut stream| {
        let tell = tell.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            tell.send("request").await.unwrap();
            assert!(read_request(&mut stream).await.is_none());
            tell.send("gone").await.unwrap();
        }
    });
    (url, told)
}

#[tokio::test]
async fn dropping_the_future_cancels_the_request() {
    let (url, mut told) = upstream_that_tells_of_its_end("").await;
    let relay = relay(&provider(&url));
    tokio::select! {
        _ = relay.send(post(&url, "")) => panic!("nobody answers"),
        word = told.recv() => assert_eq!(word, Some("request")),
    }
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some("gone"));
}

#[tokio::test]
async fn dropping_the_body_cancels_the_request() {
    let (url, mut told) = upstream_that_tells_of_its_end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
    let mut response = relay(&provider(&url)).send(post(&url, "")).await.unwrap();
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "ok");
    drop(response);
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some("request"));
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap(), Some("gone"));
}

#[tokio::test]
async fn compressed_answers_are_decoded() {
    const TEXT: &str = "你好, world";
    let (gzip, zlib) = (bufread::GzipEncoder::new(TEXT.as_bytes()), bufread::ZlibEncoder::new(TEXT.as_bytes()));
    let (brotli, zstd) = (bufread::BrotliEncoder::new(TEXT.as_bytes()), bufread::ZstdEncoder::new(TEXT.as_bytes()));
    let encoders: [(&str, Box<dyn AsyncRead + Unpin>); 4] =
        [("gzip", Box::new(gzip)), ("deflate", Box::new(zlib)), ("BR", Box::new(brotli)), ("zstd", Box::new(zstd))];
    for (encoding, mut encoder) in encoders {
        let mut bytes = Vec::new();
        encoder.read_to_end(&mut bytes).await.unwrap();
        let (listener, url) = listen("http").await;
        accept(listener, move |stream| {
            let bytes = bytes.clone();
            async move { answer_all(stream, &format!("content-encoding: {encoding}\r\n"), &bytes).await }
        });
        let response = relay(&provider(&url)).send(post(&url, "")).await.unwrap();
        assert!(!response.headers().contains_key(CONTENT_ENCODING) && !response.headers().contains_key(CONTENT_LENGTH));
        assert_eq!(text(response.into_body()).await, TEXT, "{encoding}");
    }
}

#[tokio::test]
async fn a_compressed_stream_is_decoded_as_it_comes() {
    let (listener, url) = listen("http").await;
    let (go, mut gate) = mpsc::channel::<()>(1);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        for piece in ["data: 1\n\n", "data: 2\n\n"] {
            encoder.write_all(piece.as_bytes()).unwrap();
            encoder.flush().unwrap();
            stream.write_all(&std::mem::take(encoder.get_mut())).await.unwrap();
            gate.recv().await;
        }
    });
    let mut body = relay(&provider(&url)).send(post(&url, "")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
    go.send(()).await.unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 2\n\n");
    go.send(()).await.unwrap();
    let error = body.frame().await.unwrap().expect_err("the stream has no end");
    assert!(matches!(error, TransportError::Encoding(_)), "{error}");
}

#[tokio::test]
async fn an_unknown_compression_is_an_error() {
    let (listener, url) = listen("http").await;
    accept(listener, |stream| answer_all(stream, "content-encoding: compress\r\n", b"?"));
    let error = failure(&provider(&url)).await;
    assert!(matches!(error, TransportError::Encoding(_)), "{error}");
}

#[tokio::test]
async fn a_plain_request_is_forwarded_by_its_proxy() {
    let (listener, url) = listen("http").await;
    let (heard, mut hears) = mpsc::channel(1);
    accept(listener, move |mut stream| {
        let heard = heard.clone();
        async move {
            heard.send(read_request(&mut stream).await.unwrap()).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    let mut config = provider("http://upstream.invalid/v1");
    config.proxy = Proxy::Through(Url::parse(&url.replace("localhost", "user:word@localhost")).unwrap());
    let response = relay(&config).send(post("http://upstream.invalid/v1/chat", "")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "ok");
    let request = hears.recv().await.unwrap();
    assert!(request.starts_with("POST http://upstream.invalid/v1/chat HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: Basic dXNlcjp3b3Jk\r\n"), "{request}");
}

/// Understands just enough of RFC 1928: no authentication, CONNECT to a name.
async fn socks_server(listener: TcpListener, target: String) {
    accept(listener, move |mut stream| {
        let target = target.clone();
        async move {
            let mut greeting = [0; 3];
            stream.read_exact(&mut greeting).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            let mut name = vec![0; usize::from(head[4]) + 2];
            stream.read_exact(&mut name).await.unwrap();
            assert!(name.starts_with(b"upstream.invalid"));
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
        }
    });
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name() {
    let (listener, url) = listen("http").await;
    accept(listener, |stream| answer_all(stream, "", b"ok"));
    let (proxy, proxy_url) = listen("socks5").await;
    socks_server(proxy, url.replace("http://", "")).await;
    let mut config = provider("http://upstream.invalid:80/v1");
    config.proxy = Proxy::Through(Url::parse(&proxy_url).unwrap());
    let response = relay(&config).send(post("http://upstream.invalid:80/v1/chat", "")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "ok");
    let control = Control::for_provider(&config).unwrap();
    let request = http::Request::get("http://upstream.invalid:80/v1/models").body(Bytes::new()).unwrap();
    assert_eq!(control.send(request, PATIENCE).await.unwrap().into_body(), "ok");
}

#[tokio::test]
async fn pools_are_shared_by_those_who_connect_alike() {
    let pools = Pools::default();
    let config = provider("http://a.example/v1");
    let first = pools.relay(&config).unwrap();
    let mut other = provider("http://a.example/other");
    assert!(Arc::ptr_eq(&first, &pools.relay(&other).unwrap()));
    other.idle_connections += 1;
    assert!(!Arc::ptr_eq(&first, &pools.relay(&other).unwrap()));
    let elsewhere = provider("http://b.example/v1");
    assert!(!Arc::ptr_eq(&first, &pools.relay(&elsewhere).unwrap()));
}

#[tokio::test]
async fn control_asks_and_is_told() {
    let (listener, url) = listen("http").await;
    accept(listener, |stream| answer_all(stream, "", b"[]"));
    let control = Control::for_provider(&provider(&url)).unwrap();
    let request = http::Request::get(format!("{url}/models?key=hidden")).body(Bytes::new()).unwrap();
    assert_eq!(control.send(request.clone(), PATIENCE).await.unwrap().into_body(), "[]");

    let (listener, url) = listen("http").await;
    drop(listener);
    let control = Control::for_provider(&provider(&url)).unwrap();
    let request = http::Request::get(format!("{url}/models?key=hidden")).body(Bytes::new()).unwrap();
    let error = control.send(request, PATIENCE).await.expect_err("nobody listens");
    assert_eq!(error.to_string(), "cannot connect: connection refused");
}

#[tokio::test]
async fn control_does_not_wait_for_ever() {
    let (url, _told) = upstream_that_tells_of_its_end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
    let control = Control::for_provider(&provider(&url)).unwrap();
    let request = http::Request::get(&url).body(Bytes::new()).unwrap();
    let error = control.send(request, Duration::from_millis(50)).await.expect_err("the reply has no end");
    assert!(matches!(error, TransportError::Closed(_)), "{error}");
}
