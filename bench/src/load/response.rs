//! Finds the end of an HTTP/1.1 response and counts the events in it, from reads cut anywhere.

use anyhow::{Result, bail, ensure};

pub struct Response {
    state: State,
    head: Vec<u8>,
    stream: bool,
    lines: Lines,
    /// The body's beginning, if the status is not 200, for the error's text.
    complaint: Vec<u8>,
    pub status: u16,
    /// No further request may follow on this connection.
    pub close: bool,
    /// Of the body, without the transfer's framing.
    pub bytes: u64,
}

#[derive(Clone, Copy)]
enum State {
    Head,
    Fixed(u64),
    Size(u64),
    /// The rest of a chunk's size line.
    Extension(u64),
    Chunk(u64),
    /// The line break after a chunk's data.
    Break,
    /// The trailer: the number of bytes in its present line.
    Trailer(u32),
    Done,
}

impl Response {
    pub fn new(stream: bool) -> Self {
        let complaint = Vec::new();
        Self { state: State::Head, head: Vec::new(), stream, lines: Lines::default(), complaint, status: 0, close: false, bytes: 0 }
    }

    pub fn reset(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.lines = Lines::default();
        self.complaint.clear();
        self.bytes = 0;
    }

    pub fn events(&self) -> u64 {
        self.lines.events
    }

    /// Whether a whole answer is a right one.
    pub fn check(&self, status: u16, events: u64) -> Result<()> {
        ensure!(self.status == status, "status {}: {}", self.status, String::from_utf8_lossy(&self.complaint));
        ensure!(self.bytes > 0, "the answer is empty");
        ensure!(self.events() >= events, "{} events instead of {events}", self.events());
        ensure!(events == 0 || self.lines.done, "the stream ended without its last event");
        Ok(())
    }

    /// Takes in what was read; says whether the response is whole. Nothing may follow a whole one.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<bool> {
        while !bytes.is_empty() {
            let used = self.step(bytes)?;
            bytes = &bytes[used..];
            if matches!(self.state, State::Done | State::Fixed(0)) {
                ensure!(bytes.is_empty(), "{} bytes after the answer's end", bytes.len());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes at least one byte of `bytes`; says how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize> {
        let (used, next) = match self.state {
            State::Head => return self.take_head(bytes),
            State::Fixed(left) => {
                let used = self.take_body(bytes, left);
                (used, State::Fixed(left - used as u64))
            }
            State::Chunk(left) => {
                let used = self.take_body(bytes, left);
                (used, if used as u64 == left { State::Break } else { State::Chunk(left - used as u64) })
            }
            State::Size(size) => (1, after_digit(size, bytes[0])?),
            State::Extension(size) => (1, if bytes[0] == b'\n' { after_size(size) } else { State::Extension(size) }),
            State::Break => (1, if bytes[0] == b'\n' { State::Size(0) } else { State::Break }),
            State::Trailer(length) => (
                1,
                match bytes[0] {
                    b'\n' if length == 0 => State::Done,
                    b'\n' => State::Trailer(0),
                    b'\r' => State::Trailer(length),
                    _ => State::Trailer(length + 1),
                },
            ),
            State::Done => bail!("bytes after the answer's end"),
        };
        self.state = next;
        Ok(used)
    }

    fn take_head(&mut self, bytes: &[u8]) -> Result<usize> {
        // Nearly always the head comes in one piece, and need not be copied.
        let before = self.head.len();
        if before > 0 {
            self.head.extend_from_slice(bytes);
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let status = response.parse(if before > 0 { &self.head } else { bytes })?;
        let httparse::Status::Complete(length) = status else {
            if before == 0 {
                self.head.extend_from_slice(bytes);
            }
            return Ok(bytes.len());
        };
        self.status = response.code.unwrap_or_default();
        self.close = false;
        let mut state = None;
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                state = Some(State::Fixed(std::str::from_utf8(header.value)?.trim().parse()?));
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                state = Some(State::Size(0));
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.close = header.value.eq_ignore_ascii_case(b"close");
            }
        }
        let Some(state) = state else { bail!("status {}: an answer without a length", self.status) };
        self.state = state;
        Ok(length - before)
    }

    fn take_body(&mut self, bytes: &[u8], left: u64) -> usize {
        let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if self.stream {
            self.lines.feed(&bytes[..used]);
        }
        if self.status != 200 && self.complaint.len() < 500 {
            self.complaint.extend_from_slice(&bytes[..used.min(500)]);
        }
        self.bytes += used as u64;
        used
    }
}

fn after_digit(size: u64, byte: u8) -> Result<State> {
    let Some(digit) = char::from(byte).to_digit(16) else {
        return Ok(if byte == b'\n' { after_size(size) } else { State::Extension(size) });
    };
    match size.checked_mul(16) {
        Some(size) => Ok(State::Size(size + u64::from(digit))),
        None => bail!("a chunk's size is too long"),
    }
}

fn after_size(size: u64) -> State {
    if size == 0 { State::Trailer(0) } else { State::Chunk(size) }
}

/// Counts the lines that begin with `data:`.
#[derive(Default)]
struct Lines {
    begin: [u8; LONGEST_END],
    length: usize,
    events: u64,
    done: bool,
}

/// The last events of OpenAI's streams, and of Anthropic's.
const ENDS: [&[u8]; 2] = [b"data: [DONE]", b"data: {\"type\":\"message_stop\"}"];
const LONGEST_END: usize = ENDS[1].len();

impl Lines {
    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.extend(&bytes[..end]);
            if self.begin[..self.length].starts_with(b"data:") {
                self.events += 1;
                self.done = ENDS.contains(&&self.begin[..self.length]);
            }
            self.length = 0;
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let used = bytes.len().min(self.begin.len() - self.length);
        self.begin[self.length..self.length + used].copy_from_slice(&bytes[..used]);
        self.length += used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        17\r\ndata: {\"a\":1}\n\ndata: {}\r\n6;x=y\r\n\n\ndata\r\n18\r\n: 1\n\n: ping\n\ndata: [DONE\r\n3\r\n]\n\n\r\n0\r\n\r\n";
    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd";

    fn feed_cut(bytes: &[u8], size: usize, stream: bool) -> Response {
        let mut response = Response::new(stream);
        let count = bytes.chunks(size).count();
        for (number, piece) in bytes.chunks(size).enumerate() {
            assert_eq!(response.feed(piece).unwrap(), number + 1 == count, "pieces of {size}");
        }
        response
    }

    #[test]
    fn a_stream_is_read_however_it_is_cut() {
        for size in 1..=STREAM.len() {
            let response = feed_cut(STREAM, size, true);
            assert_eq!(response.events(), 4, "pieces of {size}");
            response.check(200, 4).unwrap();
        }
    }

    #[test]
    fn a_whole_answer_is_read_however_it_is_cut() {
        for size in 1..=WHOLE.len() {
            let response = feed_cut(WHOLE, size, false);
            assert!(response.close);
            assert_eq!(response.bytes, 4);
            response.check(200, 0).unwrap();
        }
    }

    #[test]
    fn a_wrong_answer_is_told() {
        let error = feed_cut(b"HTTP/1.1 401 No\r\ncontent-length: 3\r\n\r\nwhy", 10, false).check(200, 0).unwrap_err();
        assert_eq!(error.to_string(), "status 401: why");
        let cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n0\r\n\r\n";
        assert_eq!(feed_cut(cut, 100, true).check(200, 1).unwrap_err().to_string(), "the stream ended without its last event");
        assert!(Response::new(false).feed(&[WHOLE, b"x"].concat()).is_err());
    }
}
