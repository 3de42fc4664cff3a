//! An upstream that keeps every byte of a request, reads it as strictly as any server would, and answers 200.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it reached the upstream.
pub struct Seen {
    pub line: String,
    /// Names in lower case; values as they were.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice())
    }

    fn framing(&self) -> &'static str {
        match (self.value("content-length"), self.value("transfer-encoding")) {
            (Some(_), None) => "length",
            (None, Some(b"chunked")) => "chunked",
            (None, None) => "none",
            _ => "both",
        }
    }

    /// `METHOD /target framing`
    pub fn summary(&self) -> String {
        format!("{} {}", self.line.strip_suffix(" HTTP/1.1").expect("HTTP/1.1"), self.framing())
    }

    /// What must hold for every request, whatever the client sent.
    pub fn check(&self, case: &str, target: &Target) {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["connection", "te", "trailer", "upgrade", "keep-alive", "expect", "http2-settings"] {
            assert!(!names.contains(&name), "{case}: `{name}` was forwarded");
        }
        assert!(!names.iter().any(|name| name.starts_with("proxy-") || name.contains("x-llmgw")), "{case}: {names:?}");
        for name in ["host", "authorization", "content-length", "transfer-encoding"] {
            let alike = names.iter().filter(|other| other.replace('_', "-") == name).count();
            assert!(alike <= 1, "{case}: `{name}` {alike} times in {names:?}");
        }
        assert_eq!(self.value("host"), Some(target.address.to_string().as_bytes()), "{case}");
        let key = format!("Bearer {}", super::super::UPSTREAM_KEY);
        assert_eq!(self.value("authorization"), Some(key.as_bytes()), "{case}");
        let marks = self.line.bytes().filter(|byte| *byte == b' ').count();
        assert!(marks == 2 && !self.line.contains("evil"), "{case}: {}", self.line);
    }
}

pub struct Target {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Target {
    /// Answers with these header lines.
    pub async fn start(headers: impl Into<Vec<u8>>) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (address, seen) = (listener.local_addr().expect("bound"), Arc::<Mutex<Vec<Seen>>>::default());
        let body = "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"好\"},\"finish_reason\":\"stop\"}]}";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
        let answer: Arc<[u8]> = [head.as_bytes(), &headers.into(), b"\r\n", body.as_bytes()].concat().into();
        let noted = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone(), answer.clone()));
            }
        });
        Target { address, seen, task }
    }

    /// The requests since the last time.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("no panic"))
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, answer: Arc<[u8]>) {
    let mut rest = Vec::new();
    while let Some(request) = read(&mut stream, &mut rest).await {
        let is_head = request.line.starts_with("HEAD ");
        seen.lock().expect("no panic").push(request);
        // One request at a time: what came along with it is none that the gateway meant.
        assert!(rest.is_empty(), "bytes after a request: {:?}", String::from_utf8_lossy(&rest));
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        if stream.write_all(if is_head { &answer[..end] } else { &answer }).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<Seen> {
    let head = until(stream, rest, b"\r\n\r\n").await?;
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = String::from_utf8(lines.next()?.to_vec()).expect("a request line in ASCII");
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let colon = line.iter().position(|byte| *byte == b':').expect("a header");
        (String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase(), line[colon + 1..].trim_ascii().to_vec())
    });
    let mut seen = Seen { line, headers: headers.collect(), body: Vec::new() };
    match seen.framing() {
        "length" => {
            let length: usize = std::str::from_utf8(seen.value("content-length")?).ok()?.parse().expect("a length");
            while rest.len() < length {
                more(stream, rest).await?;
            }
            seen.body = rest.drain(..length).collect();
        }
        "chunked" => loop {
            let line = until(stream, rest, b"\r\n").await?;
            let size = usize::from_str_radix(std::str::from_utf8(&line).expect("ASCII").trim_end(), 16).expect("a size");
            while rest.len() < size + 2 {
                more(stream, rest).await?;
            }
            let piece: Vec<u8> = rest.drain(..size + 2).collect();
            // Trailers would stand where this line's end is.
            assert!(piece.ends_with(b"\r\n"), "no end of a chunk: {:?}", String::from_utf8_lossy(&piece));
            seen.body.extend(&piece[..size]);
            if size == 0 {
                break;
            }
        },
        _ => {}
    }
    Some(seen)
}

async fn until(stream: &mut TcpStream, rest: &mut Vec<u8>, end: &[u8]) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = rest.windows(end.len()).position(|window| window == end) {
            return Some(rest.drain(..at + end.len()).collect());
        }
        more(stream, rest).await?;
    }
}

async fn more(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(rest).await.ok().filter(|count| *count > 0).map(|_| ())
}
