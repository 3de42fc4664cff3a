//! Content types, compression, lengths, sizes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::good::{FAULTY, body, flood, json_body, last_chunk, whole_stream};
use super::{ANY, Fault, NOT_STREAM, STREAM};
use crate::server::upstream::{Request, Step, chunk, events_head, reply};

pub fn faults() -> Vec<Fault> {
    let mut faults = content_types();
    faults.extend(compressed());
    faults.extend(lengths());
    faults
}

fn content_types() -> Vec<Fault> {
    let typed = |name: &str, kinds, content_type: &'static str| {
        Fault::new(name, kinds, move |request| {
            let headers = [("content-type", content_type)];
            reply(200, if content_type.is_empty() { &[] } else { &headers }, body(request, FAULTY).1.as_bytes())
        })
    };
    vec![
        typed("no content type", ANY, ""),
        typed("content type: text/plain", ANY, "text/plain"),
        typed("content type: application/octet-stream", ANY, "application/octet-stream"),
        typed("content type: nonsense", ANY, ";;=,"),
        typed("JSON that says it is a stream", NOT_STREAM, "text/event-stream"),
        typed("JSON that says it is a web page", NOT_STREAM, "text/html"),
        typed("a stream that says it is JSON", STREAM, "application/json"),
        typed("a stream that says it is a web page", STREAM, "text/html"),
        Fault::new("a stream that was not asked for", NOT_STREAM, |_| {
            reply(200, &[("content-type", "text/event-stream")], whole_stream(FAULTY).as_bytes())
        }),
        Fault::new("JSON where a stream was asked for", STREAM, |request| {
            reply(200, &[("content-type", "application/json")], json_body(request, FAULTY).as_bytes())
        }),
    ]
}

fn compressed() -> Vec<Fault> {
    let encoded = |name: &str, encoding: &'static str, encode: fn(&[u8]) -> Vec<u8>| {
        Fault::new(name, ANY, move |request| {
            let (content_type, text) = body(request, FAULTY);
            reply(200, &[("content-type", content_type), ("content-encoding", encoding)], &encode(text.as_bytes()))
        })
    };
    vec![
        encoded("gzip", "gzip", gzip),
        encoded("gzip that ends early", "gzip", |text| {
            let whole = gzip(text);
            whole[..whole.len() / 2].to_vec()
        }),
        encoded("gzip without its trailer", "gzip", |text| {
            let whole = gzip(text);
            whole[..whole.len() - 8].to_vec()
        }),
        encoded("gzip that is none", "gzip", |_| b"this is not gzip at all".to_vec()),
        encoded("an unknown compression", "compress", <[u8]>::to_vec),
        encoded("two compressions at once", "gzip, gzip", |text| gzip(&gzip(text))),
    ]
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn lengths() -> Vec<Fault> {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let spaces = [b"3e8\r\n", [b' '; 1000].as_slice(), b"\r\n"].concat();
    let letters = "长".repeat(100);
    let more = [format!("{:x}\r\n", letters.len()).as_bytes(), letters.as_bytes(), b"\r\n"].concat();
    vec![
        Fault::new("content-length too long", ANY, |request| with_length(request, 10)),
        Fault::new("content-length too short", ANY, |request| with_length(request, -40)),
        Fault::new("content-length that is no number", ANY, |request| framed(request, "content-length: many\r\n")),
        Fault::new("two content-lengths", ANY, |request| framed(request, "content-length: 5\r\ncontent-length: 7\r\n")),
        Fault::new("content-length and chunked", ANY, both_framings),
        Fault::new("no length, ended by closing", ANY, |request| framed(request, "connection: close\r\n")),
        Fault::new("a reply without end", NOT_STREAM, move |_| vec![Step::Write(json.into()), flood(spaces.clone())]),
        Fault::new("a compressed reply over the limit", NOT_STREAM, |_| {
            let bomb = format!("{{\"choices\":[],\"x\":\"{}\"}}", "0".repeat(5_000_000));
            reply(200, &[("content-type", "application/json"), ("content-encoding", "gzip")], &gzip(bomb.as_bytes()))
        }),
        Fault::new("a first event without end", STREAM, move |_| {
            vec![events_head(), chunk(b"data: {\"choices\":[{\"delta\":{\"content\":\""), flood(more.clone())]
        }),
    ]
}

/// A body whose length is told wrong by `off`.
fn with_length(request: &Request, off: isize) -> Vec<Step> {
    let length = body(request, FAULTY).1.len().saturating_add_signed(off);
    framed(request, &format!("content-length: {length}\r\n"))
}

/// A whole body behind a head with `lines`, and the connection's end.
fn framed(request: &Request, lines: &str) -> Vec<Step> {
    let (content_type, text) = body(request, FAULTY);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{lines}\r\n");
    vec![Step::Write([head.as_bytes(), text.as_bytes()].concat()), Step::Close]
}

fn both_framings(request: &Request) -> Vec<Step> {
    let (content_type, text) = body(request, FAULTY);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n");
    vec![Step::Write(head.into_bytes()), chunk(text.as_bytes()), last_chunk()]
}
