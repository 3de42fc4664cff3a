//! A client in the test's hands: plain HTTP/1.1 over a socket, also such as no library would send.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    address: SocketAddr,
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Ask {
        Ask { address, line: format!("{method} {target} HTTP/1.1"), headers: Vec::new(), body: Vec::new() }
    }

    /// Replaces a header of this name.
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn headers(self, headers: &[(&str, &str)]) -> Ask {
        headers.iter().fold(self, |ask, (name, value)| ask.header(name, value))
    }

    pub fn bearer(self, key: &str) -> Ask {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn json(self, body: impl ToString) -> Ask {
        self.body("application/json", body.to_string())
    }

    /// With a body of this type; an empty type is none.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.headers.retain(|(name, _)| name != "content-type");
        if !content_type.is_empty() {
            self.headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        self.body = body.into();
        self
    }

    pub fn at(mut self, address: SocketAddr) -> Ask {
        self.address = address;
        self
    }

    /// As bytes; `framed` with the body's length and the body.
    pub fn to_bytes(&self, framed: bool) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if framed && (!self.body.is_empty() || self.line.starts_with("POST")) {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        if framed {
            bytes.extend(&self.body);
        }
        bytes
    }

    /// Sends it over a connection of its own and reads the whole answer.
    pub async fn send(&self) -> Answer {
        self.open().await.answer().await
    }

    /// Sends it, and leaves the answer to be read.
    pub async fn open(&self) -> Wire<TcpStream> {
        let mut wire = Wire::connect(self.address).await;
        wire.write(&self.to_bytes(true)).await;
        wire
    }

    /// Sends the head of a chunked request only.
    pub async fn open_chunked(&self) -> Wire<TcpStream> {
        let mut wire = Wire::connect(self.address).await;
        wire.write(&self.clone().header("transfer-encoding", "chunked").to_bytes(false)).await;
        wire
    }
}

/// A connection to the gateway.
pub struct Wire<S> {
    stream: S,
    rest: Vec<u8>,
}

impl Wire<TcpStream> {
    pub async fn connect(address: SocketAddr) -> Wire<TcpStream> {
        let stream = TcpStream::connect(address).await.expect("the gateway accepts");
        stream.set_nodelay(true).expect("a socket");
        Wire::new(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Wire<S> {
        Wire { stream, rest: Vec::new() }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        soon("the gateway to read", async { self.stream.write_all(bytes).await.and(self.stream.flush().await) }).await.expect("written");
    }

    pub async fn write_chunk(&mut self, bytes: &[u8]) {
        self.write(&[format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()).await;
    }

    /// Writes to a gateway that may have hung up.
    pub async fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends no more.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    async fn more(&mut self) -> bool {
        matches!(soon("more of an answer", self.stream.read_buf(&mut self.rest)).await, Ok(count) if count > 0)
    }

    /// Waits, for ever, until the gateway closes; what came before is returned.
    pub async fn closed(&mut self) -> String {
        let mut bytes = std::mem::take(&mut self.rest);
        let _ = self.stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub async fn head(&mut self) -> Answer {
        loop {
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.rest.drain(..at + 4).collect();
                return Answer::of_head(&head);
            }
            assert!(self.more().await, "closed without an answer; so far: {:?}", String::from_utf8_lossy(&self.rest));
        }
    }

    /// The next piece of a chunked body; `None`: its end. `Err`: it was cut.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        let line = loop {
            if let Some(at) = self.rest.windows(2).position(|window| window == b"\r\n") {
                break String::from_utf8(self.rest.drain(..at + 2).collect()).expect("a chunk's size");
            }
            if !self.more().await {
                return Err("cut");
            }
        };
        let size = usize::from_str_radix(line.trim(), 16).expect("a chunk's size");
        while self.rest.len() < size + 2 {
            if !self.more().await {
                return Err("cut");
            }
        }
        let mut piece: Vec<u8> = self.rest.drain(..size + 2).collect();
        piece.truncate(size);
        Ok((size > 0).then_some(piece))
    }

    /// Reads pieces until `text` has come; all of them.
    pub async fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            let piece = self.piece().await.expect("not cut").unwrap_or_else(|| panic!("ended without {text}: {read}"));
            read += std::str::from_utf8(&piece).expect("UTF-8");
        }
        read
    }

    /// The rest of a chunked body.
    pub async fn remainder(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend(piece);
        }
        Ok(body)
    }

    /// The next answer; that to a HEAD has no body.
    pub async fn next_answer(&mut self, to_head: bool) -> Answer {
        if to_head { self.head().await } else { self.answer().await }
    }

    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        while answer.status == 100 {
            answer = self.head().await;
        }
        if answer.headers.contains_key("transfer-encoding") {
            match self.remainder().await {
                Ok(body) => answer.body = body,
                Err(_) => answer.cut = true,
            }
            return answer;
        }
        let length: usize = answer.headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.rest.len() < length {
            assert!(self.more().await, "cut");
        }
        answer.body = self.rest.drain(..length).collect();
        answer
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body did not come to its end.
    pub cut: bool,
}

impl Answer {
    fn of_head(head: &[u8]) -> Answer {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let first = String::from_utf8_lossy(lines.next().expect("a first line")).into_owned();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':').expect("a header");
            headers
                .append(HeaderName::from_bytes(&line[..colon]).unwrap(), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).unwrap());
        }
        Answer { status, headers, body: Vec::new(), cut: false }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The error's code; the envelope must be whole.
    pub fn code(&self) -> String {
        let body = self.json();
        for member in ["message", "type", "param", "code"] {
            assert!(body["error"].get(member).is_some(), "`{member}` is missing in {body}");
        }
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }
}
