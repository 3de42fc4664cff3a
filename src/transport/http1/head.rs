//! Heads of HTTP/1.1: the request's, written; the answer's, read, with how its body ends (RFC 9112 §6.3).

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version};
use memchr::memchr_iter;

use super::chunked::Chunked;

/// Most headers of an answer.
const MOST_HEADERS: usize = 100;

/// Longest head of an answer.
const LONGEST: usize = 64 * 1024;

/// How a body ends.
#[derive(Debug)]
pub enum Framing {
    /// After so many bytes more.
    Length(u64),
    /// With its last chunk.
    Chunked(Chunked),
    /// With the connection.
    Close,
}

/// An answer's head.
#[derive(Debug)]
pub struct Head {
    /// Status and headers.
    pub response: Response<()>,
    /// How its body ends.
    pub framing: Framing,
    /// Whether the connection may be used again when the body has ended.
    pub is_kept: bool,
}

/// `request`'s head, for a body of `length` bytes; `None`: in chunks. `to_proxy`: it is a proxy that has to know the whole address.
pub fn write(request: &Parts, length: Option<u64>, to_proxy: bool) -> Bytes {
    let (uri, headers) = (&request.uri, &request.headers);
    let is_told = headers.contains_key(CONTENT_LENGTH);
    let own = 64 + uri.path_and_query().map_or(1, |path| path.as_str().len()) + uri.authority().map_or(0, |host| 2 * host.as_str().len());
    let others: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut head = BytesMut::with_capacity(own + others);
    head.put_slice(request.method.as_str().as_bytes());
    head.put_u8(b' ');
    if to_proxy {
        head.put_slice(uri.scheme_str().unwrap_or("http").as_bytes());
        head.put_slice(b"://");
        put_host(&mut head, uri);
    }
    head.put_slice(uri.path_and_query().map_or("/", |path| path.as_str()).as_bytes());
    head.put_slice(b" HTTP/1.1\r\n");
    if !headers.contains_key(HOST) {
        head.put_slice(b"host: ");
        put_host(&mut head, uri);
        head.put_slice(b"\r\n");
    }
    for (name, value) in headers {
        // How long the body is, is ours to say.
        if *name != CONTENT_LENGTH && *name != TRANSFER_ENCODING {
            put_header(&mut head, name.as_str(), value.as_bytes());
        }
    }
    match length {
        Some(0) if !is_told => {}
        Some(length) => put_header(&mut head, "content-length", HeaderValue::from(length).as_bytes()),
        None => put_header(&mut head, "transfer-encoding", b"chunked"),
    }
    head.put_slice(b"\r\n");
    head.freeze()
}

fn put_header(head: &mut BytesMut, name: &str, value: &[u8]) {
    head.put_slice(name.as_bytes());
    head.put_slice(b": ");
    head.put_slice(value);
    head.put_slice(b"\r\n");
}

/// Host and port, without a port that goes without saying, and without a user's name.
fn put_host(head: &mut BytesMut, uri: &Uri) {
    head.put_slice(uri.host().unwrap_or_default().as_bytes());
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    if let Some(port) = uri.port().filter(|port| port.as_u16() != usual) {
        head.put_u8(b':');
        head.put_slice(port.as_str().as_bytes());
    }
}

/// Takes the head of an answer to `asked` out of `buffer`; `None`: it is not all there. `seen`: so many bytes of it were looked
/// at before. Passes over what is not the answer yet (1xx).
pub fn read(buffer: &mut BytesMut, seen: &mut usize, asked: &Method) -> Result<Option<Head>, &'static str> {
    loop {
        if !may_be_whole(buffer, *seen) {
            return incomplete(buffer, seen);
        }
        let mut lines = [const { std::mem::MaybeUninit::uninit() }; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let read = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, buffer, &mut lines);
        let length = match read {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return incomplete(buffer, seen),
            Err(httparse::Error::TooManyHeaders) => return Err("its head has too many headers"),
            Err(_) => return Err("its head is not HTTP"),
        };
        *seen = 0;
        let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or("its head is not HTTP")?;
        // What switches protocols was not asked for, and is the end of what can be understood.
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            bytes::Buf::advance(buffer, length);
            continue;
        }
        let is_http11 = parsed.version == Some(1);
        // Where names and values are, for they lie in what is about to be taken out.
        let base = buffer.as_ptr() as usize;
        let place = |part: &[u8]| (part.as_ptr() as usize - base, part.len());
        let places: Vec<_> = parsed.headers.iter().map(|line| (place(line.name.as_bytes()), place(line.value))).collect();
        let bytes = buffer.split_to(length).freeze();
        let mut headers = HeaderMap::with_capacity(places.len());
        for ((name, name_length), (value, value_length)) in places {
            let name = HeaderName::from_bytes(&bytes[name..name + name_length]).map_err(|_| "its head is not HTTP")?;
            let value = HeaderValue::from_maybe_shared(bytes.slice(value..value + value_length)).map_err(|_| "its head is not HTTP")?;
            headers.append(name, value);
        }
        return decide(status, headers, is_http11, asked).map(Some);
    }
}

fn incomplete(buffer: &[u8], seen: &mut usize) -> Result<Option<Head>, &'static str> {
    *seen = buffer.len();
    if buffer.len() > LONGEST { Err("its head is too long") } else { Ok(None) }
}

/// Whether an empty line may have come since `seen` bytes were looked at; a head that drips in is not read again for each byte.
fn may_be_whole(buffer: &[u8], seen: usize) -> bool {
    // Up to three bytes of the end may have been there before.
    let from = seen.saturating_sub(3);
    memchr_iter(b'\n', &buffer[from..]).any(|at| matches!(buffer[from + at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

fn decide(status: StatusCode, mut headers: HeaderMap, is_http11: bool, asked: &Method) -> Result<Head, &'static str> {
    // What has no body has no end of one either, whatever it says.
    let is_empty = *asked == Method::HEAD || matches!(status.as_u16(), 101 | 204 | 304);
    let coding = headers.get_all(TRANSFER_ENCODING).iter().next_back().filter(|_| !is_empty);
    let is_chunked = coding.map(|coding| coding.as_bytes().rsplit(|byte| *byte == b',').next().is_some_and(is_chunks));
    if is_chunked.is_some() && !is_http11 {
        return Err("HTTP/1.0 knows no transfer-encoding");
    }
    let framing = match is_chunked {
        _ if is_empty => Framing::Length(0),
        Some(true) => Framing::Chunked(Chunked::default()),
        Some(false) => Framing::Close,
        None => content_length(&headers)?.map_or(Framing::Close, Framing::Length),
    };
    // Both at once is an attempt to be understood in two ways.
    let is_ambiguous = is_chunked.is_some() && headers.contains_key(CONTENT_LENGTH);
    if is_ambiguous {
        headers.remove(CONTENT_LENGTH);
    }
    let says = |word: &str| headers.get_all(CONNECTION).iter().any(|value| names(value, word));
    let is_kept = if is_http11 { !says("close") } else { says("keep-alive") };
    let is_kept = is_kept && !is_ambiguous && !matches!(framing, Framing::Close) && status != StatusCode::SWITCHING_PROTOCOLS;
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = if is_http11 { Version::HTTP_11 } else { Version::HTTP_10 };
    *response.headers_mut() = headers;
    Ok(Head { response, framing, is_kept })
}

fn is_chunks(coding: &[u8]) -> bool {
    coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// What all `content-length` say, if they agree.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, &'static str> {
    let mut said = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for part in value.as_bytes().split(|byte| *byte == b',') {
            let part = part.trim_ascii();
            let is_number = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(part).ok().filter(|_| is_number).and_then(|digits| digits.parse::<u64>().ok());
            match (length, said) {
                (Some(length), None) => said = Some(length),
                (Some(length), Some(before)) if length == before => {}
                _ => return Err("its content-length is no number, or several"),
            }
        }
    }
    Ok(said)
}

fn names(value: &HeaderValue, word: &str) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use http::request::Parts;
    use http::{Method, Request};

    use super::{Framing, Head, LONGEST, MOST_HEADERS, read, write};

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::builder().method(method).uri(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn written(request: &Parts, length: Option<u64>, to_proxy: bool) -> String {
        String::from_utf8(write(request, length, to_proxy).to_vec()).unwrap()
    }

    #[test]
    fn a_request_says_whom_it_asks_and_how_long_it_is() {
        let headers = [("x-a", "1"), ("x-a", "2"), ("content-length", "99"), ("transfer-encoding", "gzip")];
        let post = request("POST", "http://user@upstream.example:8000/v1/chat?a=b", &headers);
        let head = "POST /v1/chat?a=b HTTP/1.1\r\nhost: upstream.example:8000\r\nx-a: 1\r\nx-a: 2\r\n";
        assert_eq!(written(&post, Some(7), false), format!("{head}content-length: 7\r\n\r\n"));
        assert_eq!(written(&post, None, false), format!("{head}transfer-encoding: chunked\r\n\r\n"));
        let forwarded = written(&post, Some(0), true);
        assert!(forwarded.starts_with("POST http://upstream.example:8000/v1/chat?a=b HTTP/1.1\r\n"), "{forwarded}");
        // Who said how long it is gets to know, and who said nothing gets nothing.
        assert!(forwarded.ends_with("content-length: 0\r\n\r\n"), "{forwarded}");
        let get = request("GET", "https://[::1]:443", &[("host", "other.example")]);
        assert_eq!(written(&get, Some(0), false), "GET / HTTP/1.1\r\nhost: other.example\r\n\r\n");
        assert_eq!(written(&request("GET", "https://[::1]:443/", &[]), Some(0), false), "GET / HTTP/1.1\r\nhost: [::1]\r\n\r\n");
    }

    fn answer(text: &str, asked: &Method) -> Result<Option<Head>, &'static str> {
        read(&mut BytesMut::from(text), &mut 0, asked)
    }

    fn framing(lines: &str) -> String {
        match answer(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n"), &Method::POST) {
            Ok(Some(Head { framing, is_kept, .. })) => {
                let framing = match framing {
                    Framing::Length(length) => length.to_string(),
                    Framing::Chunked(_) => "chunks".to_owned(),
                    Framing::Close => "close".to_owned(),
                };
                if is_kept { framing } else { format!("{framing}, once") }
            }
            Ok(None) => "incomplete".to_owned(),
            Err(error) => error.to_owned(),
        }
    }

    #[test]
    fn how_a_body_ends_is_decided_as_the_standard_says() {
        for (lines, expected) in [
            ("content-length: 5\r\n", "5"),
            ("Content-Length: 5, 5\r\ncontent-length: 5\r\n", "5"),
            ("content-length: 5\r\nconnection: x, Close\r\n", "5, once"),
            ("transfer-encoding: gzip, Chunked\r\n", "chunks"),
            ("transfer-encoding: chunked\r\ncontent-length: 5\r\n", "chunks, once"),
            ("transfer-encoding: chunked, gzip\r\n", "close, once"),
            ("", "close, once"),
            ("content-length: 5\r\ncontent-length: 6\r\n", "its content-length is no number, or several"),
            ("content-length: +5\r\n", "its content-length is no number, or several"),
            ("content-length: 99999999999999999999\r\n", "its content-length is no number, or several"),
            ("content-length:\r\n", "its content-length is no number, or several"),
            ("a b: c\r\n", "its head is not HTTP"),
        ] {
            assert_eq!(framing(lines), expected, "{lines:?}");
        }
        for (text, asked, length) in [
            ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", Method::POST, 0),
            ("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", Method::GET, 0),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Method::HEAD, 0),
        ] {
            let head = answer(text, &asked).unwrap().unwrap();
            assert!(head.is_kept && matches!(head.framing, Framing::Length(found) if found == length), "{text}");
        }
    }

    #[test]
    fn an_older_upstream_keeps_its_connection_only_if_it_says_so() {
        let is_kept = |lines: &str| answer(&format!("HTTP/1.0 200 OK\r\n{lines}\r\n"), &Method::POST).map(|head| head.unwrap().is_kept);
        assert_eq!(is_kept("content-length: 5\r\n"), Ok(false));
        assert_eq!(is_kept("content-length: 5\r\nconnection: Keep-Alive\r\n"), Ok(true));
        assert!(is_kept("transfer-encoding: chunked\r\n").is_err());
    }

    #[test]
    fn what_comes_before_the_answer_is_passed_over_and_what_comes_behind_it_stays() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 好\r\nx-a: \u{e9}\r\ncontent-length: 2\r\n\r\nok";
        let mut buffer = BytesMut::from(text);
        let head = read(&mut buffer, &mut 0, &Method::POST).unwrap().unwrap();
        assert_eq!((head.response.status().as_u16(), head.response.headers()["x-a"].as_bytes()), (200, "\u{e9}".as_bytes()));
        assert_eq!(buffer, "ok");
        let switched = answer("HTTP/1.1 101 Switching Protocols\r\n\r\n", &Method::POST).unwrap().unwrap();
        assert!(!switched.is_kept);
    }

    #[test]
    fn a_head_may_drip_in_but_not_for_ever() {
        let text = "HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 0\r\n\r\n";
        let (mut buffer, mut seen) = (BytesMut::new(), 0);
        for (at, byte) in text.bytes().enumerate() {
            buffer.extend_from_slice(&[byte]);
            let read = read(&mut buffer, &mut seen, &Method::GET).unwrap();
            assert_eq!(read.is_some(), at + 1 == text.len(), "{at}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(LONGEST));
        assert_eq!(answer(&long, &Method::GET).unwrap_err(), "its head is too long");
        // Empty lines before a head are passed over.
        assert_eq!(answer(&"\r\n".repeat(LONGEST), &Method::GET).unwrap_err(), "its head is too long");
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(answer(&many, &Method::GET).unwrap_err(), "its head has too many headers");
    }
}
