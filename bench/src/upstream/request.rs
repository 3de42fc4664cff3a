//! Reads requests off a connection, as little of them as can be: the head, and the model's name out of the body's
//! first bytes.

use anyhow::{Result, bail};
use memchr::memmem;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::answers::Kind;

/// A read of a body of 100 KB should take few calls; pages that are not used cost nothing.
const BUFFER: usize = 256 * 1024;

/// The bytes of a body in which the model's name is looked for.
const LOOK: usize = 8192;

pub struct Reader {
    buffer: Vec<u8>,
    filled: usize,
}

impl Reader {
    pub fn new() -> Self {
        Self { buffer: vec![0; BUFFER], filled: 0 }
    }

    /// Reads one whole request, and says what it asks for; `None` when the client has left between two.
    pub async fn next(&mut self, stream: &mut TcpStream) -> Result<Option<Kind>> {
        let head = loop {
            if let Some(head) = Head::parse(&self.buffer[..self.filled])? {
                break head;
            }
            if self.fill(stream).await? == 0 {
                return Ok(None);
            }
        };
        let kind = match head.kind {
            Some(kind) => kind,
            None => self.look(stream, &head).await?,
        };
        match head.body {
            Body::Length(length) => self.skip(stream, head.length + length).await?,
            Body::Chunked => self.skip_chunks(stream, head.length).await?,
        }
        Ok(Some(kind))
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<usize> {
        if self.filled == self.buffer.len() {
            bail!("the head is too long");
        }
        let count = stream.read(&mut self.buffer[self.filled..]).await?;
        self.filled += count;
        Ok(count)
    }

    /// The answer whose name stands in `"model":"…"`; without one, a whole chat.
    async fn look(&mut self, stream: &mut TcpStream, head: &Head) -> Result<Kind> {
        loop {
            let seen = &self.buffer[head.length..self.filled.min(head.length + LOOK)];
            if let Some(kind) = model(seen) {
                return Ok(kind);
            }
            let whole = matches!(head.body, Body::Length(length) if seen.len() >= length);
            if whole || seen.len() >= LOOK || self.fill(stream).await? == 0 {
                return Ok(Kind::Whole);
            }
        }
    }

    /// Forgets the first `length` bytes, those that are yet to come included.
    async fn skip(&mut self, stream: &mut TcpStream, length: usize) -> Result<()> {
        if length <= self.filled {
            self.buffer.copy_within(length..self.filled, 0);
            self.filled -= length;
            return Ok(());
        }
        let mut left = length - self.filled;
        while left > 0 {
            let room = left.min(self.buffer.len());
            let count = stream.read(&mut self.buffer[..room]).await?;
            if count == 0 {
                bail!("the client left in the middle of a body");
            }
            left -= count;
        }
        self.filled = 0;
        Ok(())
    }

    async fn skip_chunks(&mut self, stream: &mut TcpStream, head: usize) -> Result<()> {
        self.skip(stream, head).await?;
        loop {
            let line = loop {
                if let Some(end) = memchr::memchr(b'\n', &self.buffer[..self.filled]) {
                    break end + 1;
                }
                if self.fill(stream).await? == 0 {
                    bail!("the client left in the middle of a body");
                }
            };
            let digits = std::str::from_utf8(&self.buffer[..line])?.trim().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(digits, 16)?;
            self.skip(stream, line + size + 2).await?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}

enum Body {
    Length(usize),
    Chunked,
}

struct Head {
    length: usize,
    body: Body,
    /// What the path alone tells.
    kind: Option<Kind>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
        let kind = from_path(request.method.unwrap_or_default(), request.path.unwrap_or_default());
        let mut body = Body::Length(0);
        for header in request.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                body = Body::Length(std::str::from_utf8(header.value)?.parse()?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                body = Body::Chunked;
            }
        }
        Ok(Some(Self { length, body, kind }))
    }
}

fn from_path(method: &str, path: &str) -> Option<Kind> {
    if let Some(kind) = path.trim_start_matches('/').split('/').next().and_then(|first| Kind::from_name(first.as_bytes())) {
        return Some(kind);
    }
    match method {
        "GET" if path.ends_with("/models") => Some(Kind::Models),
        "POST" if path.ends_with("/chat/completions") => None,
        "POST" if path.ends_with("/embeddings") => Some(Kind::Embedding),
        _ => Some(Kind::NotFound),
    }
}

fn model(body: &[u8]) -> Option<Kind> {
    let after = &body[memmem::find(body, b"\"model\":")? + 8..];
    let begin = memchr::memchr(b'"', after)? + 1;
    let end = begin + memchr::memchr(b'"', &after[begin..])?;
    Kind::from_name(&after[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_path_or_model() {
        assert_eq!(from_path("POST", "/paced/v1/chat/completions"), Some(Kind::Paced));
        assert_eq!(from_path("POST", "/v1/embeddings"), Some(Kind::Embedding));
        assert_eq!(from_path("POST", "/v1/chat/completions"), None);
        assert_eq!(model(br#"{"stream":true,"model": "rush","messages":[]}"#), Some(Kind::Rush));
        assert_eq!(model(br#"{"model":"ru"#), None);
    }

    #[test]
    fn a_head_is_parsed_once_it_is_whole() {
        let bytes = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nContent-Length: 20\r\n\r\n{";
        assert!(Head::parse(&bytes[..40]).unwrap().is_none());
        let head = Head::parse(bytes).unwrap().unwrap();
        assert_eq!(head.length, bytes.len() - 1);
        assert!(matches!(head.body, Body::Length(20)));
    }
}
