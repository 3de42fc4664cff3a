//! HTTP/2: what an upstream has not looked at is sent again, once; nothing else is. Frames by hand, as RFC 9113 §4 has them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::super::testing::{PATIENCE, accept, listen, post, text};
use super::super::{Transport, TransportError};
use super::relay;
use super::tls::Authority;
use crate::config::Provider;

const HEADERS: u8 = 1;
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const PREFACE: usize = 24;

/// RST_STREAM of the first stream.
fn reset(reason: h2::Reason) -> Vec<u8> {
    [&[0, 0, 4, 3, 0, 0, 0, 0, 1], &u32::from(reason).to_be_bytes()[..]].concat()
}

/// GOAWAY after `last`, a stream's number.
fn go_away(last: u32) -> Vec<u8> {
    let no_error = u32::from(h2::Reason::NO_ERROR).to_be_bytes();
    [&[0, 0, 8, 7, 0, 0, 0, 0, 0], &last.to_be_bytes()[..], &no_error].concat()
}

/// Reads until a request's head has come, says `last_words` and hangs up.
async fn turns_away(mut stream: TlsStream<TcpStream>, last_words: &[u8]) {
    stream.write_all(&SETTINGS).await.unwrap();
    stream.read_exact(&mut [0; PREFACE]).await.unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        if head[3] == HEADERS {
            stream.write_all(last_words).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}

async fn answers(stream: TlsStream<TcpStream>) {
    let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("ok")))));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// An upstream whose first `turned` connections turn their request away with `last_words`; the count is of connections.
async fn upstream(turned: usize, last_words: Vec<u8>) -> (Authority, Provider, Arc<AtomicUsize>) {
    let authority = Authority::new();
    let (listener, url) = listen("https").await;
    let (acceptor, connections) = (authority.acceptor(false, &["h2"]), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    accept(listener, move |stream| {
        let (acceptor, last_words, number) = (acceptor.clone(), last_words.clone(), count.fetch_add(1, Ordering::Relaxed));
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            if number < turned { turns_away(stream, &last_words).await } else { answers(stream).await }
        }
    });
    let mut config = authority.provider(&url);
    config.http2 = true;
    (authority, config, connections)
}

#[tokio::test]
async fn a_request_that_was_turned_away_unprocessed_is_sent_again_at_once() {
    for last_words in [reset(h2::Reason::REFUSED_STREAM), go_away(0)] {
        let (_authority, config, connections) = upstream(1, last_words).await;
        let response = relay(&config).send(post(&format!("{}v1/chat", config.base_url), "你好")).await.unwrap();
        assert_eq!(text(response.into_body()).await, "ok");
        assert_eq!(connections.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn it_is_sent_again_only_once() {
    for last_words in [reset(h2::Reason::REFUSED_STREAM), go_away(0)] {
        let (_authority, config, connections) = upstream(9, last_words).await;
        let error = relay(&config).send(post(config.base_url.as_str(), "你好")).await.expect_err("turned away twice");
        assert!(matches!(error, TransportError::Closed(_)), "{error}");
        assert_eq!(connections.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_again() {
    let resets = [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::ENHANCE_YOUR_CALM, h2::Reason::NO_ERROR];
    // Of the last, the connection goes away after this very stream, and resets it.
    let words = resets.into_iter().map(reset).chain([[go_away(1), reset(h2::Reason::INTERNAL_ERROR)].concat()]);
    for last_words in words {
        let (_authority, config, connections) = upstream(1, last_words.clone()).await;
        let error = relay(&config).send(post(config.base_url.as_str(), "你好")).await.expect_err("reset");
        assert!(matches!(error, TransportError::Closed(_)), "{error}");
        assert_eq!(connections.load(Ordering::Relaxed), 1, "{last_words:?}");
    }
}

#[tokio::test]
async fn one_connection_is_made_for_all_who_wait_for_one() {
    let (_authority, mut config, connections) = upstream(0, Vec::new()).await;
    // None is kept for the next request.
    config.idle_timeout = Duration::ZERO;
    let relay = relay(&config);
    let ask = async || {
        let response = relay.send(post(config.base_url.as_str(), "你好")).await.unwrap();
        text(response.into_body()).await
    };
    assert_eq!(ask().await, "ok");
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!([one, two, three, four], ["ok"; 4]);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_nobody_asks_over_is_closed() {
    let (_authority, mut config, _) = upstream(0, Vec::new()).await;
    config.idle_timeout = Duration::from_millis(50);
    let relay = relay(&config);
    let response = relay.send(post(config.base_url.as_str(), "你好")).await.unwrap();
    assert_eq!((relay.connections(), text(response.into_body()).await), (1, "ok".to_owned()));
    let gone = async {
        while relay.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}
