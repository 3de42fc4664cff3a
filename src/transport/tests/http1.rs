//! HTTP/1.1 over real sockets: beside hyper's client, and where a connection goes afterwards.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Request};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::testing::{PATIENCE, accept, answer_all, listen, post, provider, read_request, text};
use super::super::{Handshake, Payload, Relay, Transport, TransportError};
use super::relay;
use crate::config::Provider;

/// What a client makes of an answer: status, headers and body, or where it gave up.
#[derive(Debug, PartialEq)]
enum Made {
    Nothing,
    Head(u16, Vec<(String, Vec<u8>)>, Option<Vec<u8>>),
}

async fn made<B: http_body::Body<Data = Bytes> + Unpin, E>(answered: Result<http::Response<B>, E>) -> Made {
    let Ok(response) = answered else { return Made::Nothing };
    let (mut head, mut body) = response.into_parts();
    // hyper's client shows a length that does not count (RFC 9112 §6.3), and ours does not.
    if head.headers.contains_key(TRANSFER_ENCODING) {
        head.headers.remove(CONTENT_LENGTH);
    }
    let mut headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    let mut read = Some(Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read.iter_mut().for_each(|read| read.extend_from_slice(frame.data_ref().map_or(&[], |data| data))),
            Err(_) => read = None,
        }
        if read.is_none() {
            break;
        }
    }
    Made::Head(head.status.as_u16(), headers, read)
}

/// Answers every connection's first request with `bytes`, in two pieces, and hangs up.
async fn upstream(bytes: Vec<u8>, cut: usize) -> String {
    let (listener, url) = listen("http").await;
    accept(listener, move |mut stream| {
        let bytes = bytes.clone();
        async move {
            if read_request(&mut stream).await.is_some() {
                let (first, second) = bytes.split_at(cut.min(bytes.len()));
                let _ = stream.write_all(first).await;
                tokio::task::yield_now().await;
                let _ = stream.write_all(second).await;
            }
        }
    });
    url
}

async fn hypers(url: &str) -> Made {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(Method::POST).uri("/").header("host", "x").body(Full::new(Bytes::from("{}"))).unwrap();
    made(sender.send_request(request).await).await
}

fn part(options: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(options)
}

const BEGINNINGS: [&str; 9] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 500\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/2.0 200 OK\r\n",
    "HTTP/1.1 2000 OK\r\n",
    "<html>",
];
const LINES: [&str; 14] = [
    "",
    "content-length: 5\r\n",
    "Content-Length: 12\r\n",
    "content-length: 0\r\n",
    "content-length: five\r\n",
    "transfer-encoding: chunked\r\n",
    "connection: close\r\n",
    "connection: keep-alive\r\n",
    "x-a: 1\r\nx-a: 你好\r\n",
    "x-b:\t blank \t\r\n",
    "bad name: 1\r\n",
    "no colon\r\n",
    "x-c: a\n",
    " folded\r\n",
];
const BODIES: [&str; 10] = [
    "",
    "hello",
    "hello, world",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n7\r\n, world\r\n0\r\nx: 1\r\n\r\n",
    "5\r\nhello\r\n",
    "5\r\nhel",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "z\r\n",
    "FFFFFFFFFFFFFFFFF\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn an_answer_is_what_hypers_client_makes_of_it(
        beginning in part(&BEGINNINGS),
        lines in prop::collection::vec(part(&LINES), 0..3),
        body in part(&BODIES),
        cut in 0..120usize,
    ) {
        let answer = format!("{beginning}{}\r\n{body}", lines.concat());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (ours, theirs) = runtime.block_on(async {
            let url = upstream(answer.clone().into_bytes(), cut).await.replace("localhost", "127.0.0.1");
            let ours = made(relay(&provider(&url)).send(post(&url, "{}")).await).await;
            (ours, hypers(&url).await)
        });
        prop_assert_eq!(ours, theirs, "{:?}", answer);
    }
}

/// An upstream that tells when each of its connections begins and ends, and answers with `answer`.
async fn telling(answer: &'static str) -> (String, mpsc::Receiver<&'static str>) {
    let (listener, url) = listen("http").await;
    let (tell, told) = mpsc::channel(16);
    accept(listener, move |mut stream| {
        let tell = tell.clone();
        async move {
            tell.send("begun").await.unwrap();
            while read_request(&mut stream).await.is_some() {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            tell.send("ended").await.unwrap();
        }
    });
    (url, told)
}

async fn next(told: &mut mpsc::Receiver<&'static str>) -> &'static str {
    timeout(PATIENCE, told.recv()).await.unwrap().unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_that_waits_for_too_long_is_closed_though_nobody_asks() {
    let (url, mut told) = telling(OK).await;
    let mut config = provider(&url);
    config.idle_timeout = Duration::from_millis(50);
    let relay = relay(&config);
    assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
    assert_eq!((next(&mut told).await, next(&mut told).await), ("begun", "ended"));
    assert_eq!(relay.connections(), 0);
}

#[tokio::test]
async fn a_connection_that_waits_goes_with_its_pool() {
    let (url, mut told) = telling(OK).await;
    let relay = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
    drop(relay);
    assert_eq!((next(&mut told).await, next(&mut told).await), ("begun", "ended"));
}

#[tokio::test]
async fn a_connection_that_its_upstream_closes_is_gone_though_nobody_asks() {
    let (listener, url) = listen("http").await;
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        closed.await.unwrap();
    });
    let relay = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
    assert_eq!(relay.connections(), 1);
    close.send(()).unwrap();
    let gone = async {
        while relay.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn what_nobody_asked_for_ends_a_connection() {
    for answer in [
        // More than its length; an answer to nothing; two lengths at once; one that closes.
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokay",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    ] {
        let (url, mut told) = telling(answer).await;
        let relay = relay(&provider(&url));
        for _ in 0..2 {
            assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok", "{answer}");
            assert_eq!((next(&mut told).await, next(&mut told).await), ("begun", "ended"), "{answer}");
        }
    }
}

fn streamed(pieces: mpsc::Receiver<Result<Bytes, TransportError>>) -> Payload {
    let pieces = futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    Payload::streamed(UnsyncBoxBody::new(StreamBody::new(pieces.map(|piece| piece.map(Frame::data)))))
}

fn sending(url: &str, payload: Payload) -> Request<Payload> {
    Request::builder().method(Method::POST).uri(url).body(payload).unwrap()
}

/// What one read brings.
async fn hear(stream: &mut TcpStream) -> String {
    let mut heard = [0; 1000];
    let count = stream.read(&mut heard).await.unwrap();
    String::from_utf8_lossy(&heard[..count]).into_owned()
}

#[tokio::test]
async fn a_body_of_unknown_length_goes_out_in_chunks_as_it_comes() {
    let (listener, url) = listen("http").await;
    let (tell, mut told) = mpsc::channel(16);
    accept(listener, move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut all = String::new();
            while !all.ends_with("0\r\n\r\n") {
                all.push_str(&hear(&mut stream).await);
                tell.send(all.clone()).await.unwrap();
            }
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    });
    let (pieces, body) = mpsc::channel(1);
    let relay = relay(&provider(&url));
    let request = sending(&url, streamed(body));
    let asked = tokio::spawn(async move { text(relay.send(request).await.unwrap().into_body()).await });
    let mut hears = async |end: &str| {
        while !timeout(PATIENCE, told.recv()).await.unwrap().unwrap().ends_with(end) {}
    };
    hears("transfer-encoding: chunked\r\n\r\n").await;
    pieces.send(Ok(Bytes::from("你好"))).await.unwrap();
    hears("6\r\n你好\r\n").await;
    drop(pieces);
    hears("0\r\n\r\n").await;
    assert_eq!(asked.await.unwrap(), "ok");
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_is_whole_is_heard_and_the_rest_still_sent() {
    let (listener, url) = listen("http").await;
    let (tell, mut told) = mpsc::channel(16);
    accept(listener, move |mut stream| {
        let tell = tell.clone();
        async move {
            assert!(!hear(&mut stream).await.is_empty());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nearly").await.unwrap();
            let mut rest = String::new();
            while !rest.ends_with("0\r\n\r\n") {
                rest.push_str(&hear(&mut stream).await);
            }
            tell.send(rest).await.unwrap();
            stream.write_all(b"late").await.unwrap();
        }
    });
    let (pieces, body) = mpsc::channel(1);
    let mut answer = relay(&provider(&url)).send(sending(&url, streamed(body))).await.unwrap().into_body();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "early");
    pieces.send(Ok(Bytes::from("more"))).await.unwrap();
    drop(pieces);
    assert_eq!(text(answer).await, "late");
    assert!(told.recv().await.unwrap().ends_with("4\r\nmore\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_refusal_is_heard_though_the_upstream_reads_no_more() {
    let (listener, url) = listen("http").await;
    accept(listener, async |mut stream| {
        stream.read_exact(&mut [0; 100]).await.unwrap();
        stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 8\r\n\r\ntoo long").await.unwrap();
        stream.shutdown().await.unwrap();
        // Neither reads nor hangs up, so that no reset overtakes the answer.
        std::future::pending::<()>().await;
    });
    let large = Payload::from(Bytes::from(vec![b'x'; 64 * 1024 * 1024]));
    let answer = timeout(PATIENCE, relay(&provider(&url)).send(sending(&url, large))).await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 413);
    assert_eq!(text(answer.into_body()).await, "too long");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_its_senders_fault_and_is_not_sent_again() {
    let (url, mut told) = telling(OK).await;
    let relay: Arc<Relay> = relay(&provider(&url));
    assert_eq!(text(relay.send(post(&url, "")).await.unwrap().into_body()).await, "ok");
    let (pieces, body) = mpsc::channel(1);
    pieces.send(Err(TransportError::Request("the client left".to_owned()))).await.unwrap();
    let error = relay.send(sending(&url, streamed(body))).await.expect_err("half a request");
    assert!(matches!(&error, TransportError::Request(reason) if reason == "the client left"), "{error}");
    assert_eq!((next(&mut told).await, next(&mut told).await), ("begun", "ended"));
}

/// Says that it has 100 bytes, and has fewer, or more.
struct Liar(Option<Bytes>);

impl http_body::Body for Liar {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(100)
    }
}

/// Otherwise what follows on the connection would be taken for the rest of it.
#[tokio::test]
async fn a_body_of_another_length_than_it_said_ends_its_connection() {
    for length in [0, 99, 101] {
        // Answers as soon as there is a head, as some do that refuse a request.
        let (listener, url) = listen("http").await;
        accept(listener, async |mut stream| {
            let _ = stream.write_all(OK.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let relay = relay(&provider(&url));
        let body = Payload::streamed(UnsyncBoxBody::new(Liar(Some(Bytes::from(vec![b'x'; length])))));
        let error = relay.send(sending(&url, body)).await.expect_err("not what was said");
        assert!(matches!(error, TransportError::Request(_)), "{error}");
        assert_eq!(relay.connections(), 0);
    }
}

#[tokio::test]
async fn no_more_connections_are_kept_than_allowed() {
    let (listener, url): (TcpListener, String) = listen("http").await;
    accept(listener, |stream| answer_all(stream, "", b"ok"));
    let mut config = provider(&url);
    config.idle_connections = 1;
    let relay = relay(&config);
    let (one, other) = tokio::join!(relay.send(post(&url, "")), relay.send(post(&url, "")));
    assert_eq!(relay.connections(), 2);
    assert_eq!((text(one.unwrap().into_body()).await, text(other.unwrap().into_body()).await), ("ok".to_owned(), "ok".to_owned()));
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn a_connection_serves_another_thread_and_outlives_the_one_that_made_it() {
    let (url, _told) = telling(OK).await;
    serves_another_thread(relay(&provider(&url)), &url).await;
}

/// Nobody but the first greets the upstream.
pub(super) async fn serves_another_thread(relay: Arc<Relay>, url: &str) {
    let maker = another_runtime();
    assert!(is_connected_for(&relay, url, Some(&maker)).await);
    assert!(!is_connected_for(&relay, url, None).await);
    maker.shutdown_background();
    assert!(!is_connected_for(&relay, url, None).await);
}

fn another_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Asks, here or there, and reads the answer; whether that took a new connection.
async fn is_connected_for(relay: &Arc<Relay>, url: &str, there: Option<&Runtime>) -> bool {
    let (relay, url) = (relay.clone(), url.to_owned());
    let ask = async move {
        let response = relay.send(post(&url, "")).await.unwrap();
        let is_new = response.extensions().get::<Handshake>().is_some();
        assert_eq!(text(response.into_body()).await, "ok");
        is_new
    };
    match there {
        Some(there) => there.spawn(ask).await.unwrap(),
        None => ask.await,
    }
}

#[tokio::test]
async fn threads_together_keep_no_more_connections_than_allowed() {
    let (url, _told) = telling(OK).await;
    let config = Provider { idle_connections: 1, ..provider(&url) };
    let (relay, other) = (relay(&config), another_runtime());
    let held = relay.send(post(&url, "")).await.unwrap();
    assert!(is_connected_for(&relay, &url, Some(&other)).await);
    assert_eq!(relay.connections(), 2);
    assert_eq!(text(held.into_body()).await, "ok");
    assert_eq!(relay.connections(), 1);
    other.shutdown_background();
}
