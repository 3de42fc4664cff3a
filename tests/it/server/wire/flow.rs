//! The order and the pace of bytes: pipelines, drips, ends in the middle, and waiting for leave.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::upstream::{Gate, Step, Upstream, talk};
use super::{Closed, ONE_CHAT, Open, Wire, body, case, chat, chunked, get, good_chat, play, post, refused, settle, smuggled, soon, start};
use crate::server::{CHAT, Gateway, one};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_each_once() {
    let (target, gateway) = start().await;
    for count in [2, 10, 60] {
        let mut sent = String::new();
        for index in 0..count {
            let id = format!("x-request-id: {index}\r\n");
            sent += &match index % 3 {
                0 => chat(&format!("{id}content-length: {}\r\n", body().len()), &body()),
                1 => get("/healthz", &id),
                _ => post("/providers/a/files", &format!("{id}transfer-encoding: chunked\r\n"), &chunked("abc")),
            };
        }
        let mut wire = Wire::connect(gateway.address).await;
        wire.write((sent + &get("/nowhere", "connection: close\r\n")).as_bytes()).await;
        for index in 0..count {
            let got = wire.next_answer(false).await;
            assert_eq!((got.status, got.header("x-request-id")), (200, index.to_string().as_str()));
        }
        assert_eq!(wire.next_answer(false).await.status, 404);
        assert_eq!(soon("the end", wire.closed()).await, "");
        settle(&gateway).await;
        let expected = (0..count).filter(|index| index % 3 != 1).count();
        assert_eq!(target.take().len(), expected, "of {count}");
    }
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let (target, gateway) = start().await;
    let requests = [good_chat(), chat("transfer-encoding: chunked\r\n", &chunked(&body())), get("/healthz", "").replace("\r\n", "\n")];
    let mut wire = Wire::connect(gateway.address).await;
    for request in &requests {
        for byte in request.as_bytes() {
            wire.write(&[*byte]).await;
        }
        assert_eq!(wire.next_answer(false).await.status, 200);
    }
    assert_eq!(target.take().len(), 2);
}

#[tokio::test]
async fn expectations_are_met_here_or_not_at_all() {
    let (target, gateway) = start().await;
    let length = format!("content-length: {}\r\n", body().len());
    let with = |lines: &str| chat(&format!("{lines}{length}"), &body());
    let cases = vec![
        case("100-continue with its body", with("expect: 100-Continue\r\n"), &[200], Open, ONE_CHAT),
        case("something else", with("expect: tea\r\n"), &[200], Open, ONE_CHAT),
        case("nothing", with("expect:\r\n"), &[200], Open, ONE_CHAT),
        case("100-continue without a body", get("/healthz", "expect: 100-continue\r\n"), &[200], Open, &[]),
    ];
    play(&target, &gateway, cases).await;

    for (path, status) in [(CHAT, 401), ("/providers/a/files", 401), ("/nowhere", 404)] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 90\r\n\r\n");
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(head.as_bytes()).await;
        let got = soon("a refusal", wire.head()).await;
        assert_eq!(got.status, status, "before the body");
        // Whatever comes now could be the body or a request; it is neither.
        let _ = wire.try_write(smuggled().as_bytes()).await;
        assert!(!soon("the end", wire.closed()).await.contains("HTTP/1.1"), "{path}");
        assert!(target.take().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_ends_too_soon_is_no_request() {
    let (target, gateway) = start().await;
    for sent in [
        "GET /hea".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: x\r\n".to_owned(),
        chat("content-length: 5000\r\n", &body()),
        chat("transfer-encoding: chunked\r\n", &format!("{:x}\r\n{}", body().len(), body())),
        chat("transfer-encoding: chunked\r\n", &format!("{:x}\r\n{}\r\n0\r\n", body().len(), body())),
    ] {
        for resets in [false, true] {
            let mut stream = TcpStream::connect(gateway.address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            if resets {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                drop(stream);
            } else {
                let mut wire = Wire::new(stream);
                wire.finish().await;
                let said = soon("the end", wire.closed()).await;
                assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
            }
            settle(&gateway).await;
            assert!(target.take().is_empty(), "{sent}");
        }
    }
    super::expect_good(&target, &gateway).await;
}

/// A client that closes its side looks like one that leaves, and to tell the two apart one would have to write to it. As
/// with nginx, it leaves: an upstream is not paid for an answer that nobody may read.
#[tokio::test]
async fn a_client_that_closes_its_side_has_left() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |request| [Step::Wait(waiting.clone())].into_iter().chain(talk(request, "好")).collect()).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = gateway.post(CHAT, body()).open().await;
    upstream.request().await;
    wire.finish().await;
    assert_eq!(soon("the end", wire.closed()).await, "");
    upstream.closed().await;
    settle(&gateway).await;
}

#[tokio::test]
async fn an_answer_that_was_asked_for_last_is_the_last() {
    let (target, gateway) = start().await;
    let cases = vec![
        case("close", get("/healthz", "connection: close\r\n") + &smuggled(), &[200], Closed, &[]),
        case("close among others", get("/healthz", "connection: keep-alive, Close\r\n") + &smuggled(), &[200], Closed, &[]),
        case("close, then not", get("/healthz", "connection: close\r\nconnection: keep-alive\r\n") + &smuggled(), &[200], Closed, &[]),
        refused("nonsense after a request", good_chat().replacen(CHAT, "/healthz", 1) + "\0\0\0\0\r\n\r\n", &[405, 400]),
    ];
    play(&target, &gateway, cases).await;
}
