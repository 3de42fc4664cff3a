//! HTTP that is unusual or broken, and redirects.

use super::good::{FAULTY, answer, body, flood, last_chunk};
use super::{ANY, Fault, Pace};
use crate::server::upstream::{Request, Step, chunk, reply};

/// Where no redirect may lead.
pub const ELSEWHERE: &str = "http://127.0.0.1:9/v1/elsewhere";

pub fn faults() -> Vec<Fault> {
    let mut faults = broken();
    faults.extend(unusual());
    for status in [301, 302, 303, 307, 308] {
        faults.push(Fault::new(format!("{status} to itself"), ANY, move |request| reply(status, &[("location", &request.target)], b"")));
        faults.push(Fault::new(format!("{status} to elsewhere"), ANY, move |_| reply(status, &[("location", ELSEWHERE)], b"")));
    }
    faults
}

fn broken() -> Vec<Fault> {
    let raw = |name: &str, bytes: &'static [u8]| Fault::new(name, ANY, move |_| vec![Step::Write(bytes.to_vec()), Step::Close]);
    let whole = |name: &str, line: &'static str, header: &'static [u8]| Fault::new(name, ANY, move |request| headed(request, line, header));
    vec![
        raw("garbage", b"\x00\x01\x02\xff\xfe garbage\r\n\r\n"),
        raw("HTTP/0.9", b"<html>hello</html>"),
        raw("an SSH server", b"SSH-2.0-OpenSSH_9.6\r\n"),
        whole("HTTP/3.0 in its status line", "HTTP/3.0 200 OK", b""),
        whole("status 99", "HTTP/1.1 99 What", b""),
        whole("status 1000", "HTTP/1.1 1000 What", b""),
        whole("a header with a NUL", "HTTP/1.1 200 OK", b"x-odd: a\0b\r\n"),
        whole("a header without a colon", "HTTP/1.1 200 OK", b"x-odd\r\n"),
        whole("a folded header", "HTTP/1.1 200 OK", b"x-odd: a\r\n  b\r\n"),
        Fault::new("headers without end", ANY, |_| vec![Step::Write(b"HTTP/1.1 200 OK\r\n".into()), flood(b"x-more: 1\r\n".repeat(100))]),
        Fault::new("one header without end", ANY, |_| vec![Step::Write(b"HTTP/1.1 200 OK\r\nx-more: ".into()), flood(vec![b'1'; 1000])]),
        Fault::new("a chunk size that is no number", ANY, |request| with_chunks(request, b"zz\r\n")),
        Fault::new("a chunk size beyond all measure", ANY, |request| with_chunks(request, b"fffffffffffffffffff\r\n")),
        Fault::new("a negative chunk size", ANY, |request| with_chunks(request, b"-5\r\nhello\r\n")),
        Fault::new("101", ANY, |_| {
            vec![Step::Write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".into())]
        }),
        Fault::new("100 without end", ANY, |_| vec![flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100))]).at_pace(Pace::Impatient),
    ]
}

fn unusual() -> Vec<Fault> {
    let after = |name: &str, before: &'static str, times: usize| {
        Fault::new(name, ANY, move |request| {
            let mut steps = vec![Step::Write(before.repeat(times).into_bytes())];
            steps.extend(answer(request, FAULTY));
            steps
        })
    };
    vec![
        after("a thousand times 100", "HTTP/1.1 100 Continue\r\n\r\n", 1000),
        after("a thousand times 103", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", 1000),
        Fault::new("HTTP/1.0", ANY, |request| headed(request, "HTTP/1.0 200 OK", b"")),
        Fault::new("no reason phrase", ANY, |request| headed(request, "HTTP/1.1 200", b"")),
        Fault::new("chunk extensions", ANY, |request| {
            let (content_type, text) = body(request, FAULTY);
            let chunk = format!("{:x};name=value\r\n{text}\r\n", text.len());
            vec![chunked_head(content_type), Step::Write(chunk.into_bytes()), last_chunk()]
        }),
        Fault::new("trailers", ANY, |request| {
            let (content_type, text) = body(request, FAULTY);
            vec![chunked_head(content_type), chunk(text.as_bytes()), Step::Write(b"0\r\nx-trailer: 1\r\ncontent-length: 3\r\n\r\n".into())]
        }),
        Fault::new("a second answer that nobody asked for", ANY, |request| {
            let mut steps = answer(request, FAULTY);
            steps.extend(reply(200, &[], b"{}"));
            steps
        }),
        Fault::new("connection: close, kept open", ANY, |request| {
            let (content_type, text) = body(request, FAULTY);
            let headers = [("content-type", content_type), ("connection", "close")];
            reply(200, &headers, text.as_bytes()).into_iter().chain([Step::Never]).collect()
        }),
    ]
}

/// A whole answer behind this status line and header.
fn headed(request: &Request, line: &str, header: &[u8]) -> Vec<Step> {
    let (content_type, text) = body(request, FAULTY);
    let end = format!("content-type: {content_type}\r\nconnection: close\r\n\r\n{text}");
    vec![Step::Write([line.as_bytes(), b"\r\n", header, end.as_bytes()].concat()), Step::Close]
}

fn chunked_head(content_type: &str) -> Step {
    Step::Write(format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes())
}

/// A chunked answer that begins with this instead of a chunk.
fn with_chunks(request: &Request, bytes: &[u8]) -> Vec<Step> {
    vec![chunked_head(body(request, FAULTY).0), Step::Write(bytes.to_vec()), Step::Close]
}
