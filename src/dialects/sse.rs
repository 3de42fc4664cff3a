//! A byte stream cut into server-sent events that can go out as the bytes that came in.
//!
//! Lines end with CRLF, LF or CR in any mix, chunks end anywhere (WHATWG HTML, "server-sent events"). An event is found
//! without copying when it lies within one chunk.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

/// Larger events than this are an error: images in base64 and completed responses stay well below.
pub const LARGEST_EVENT: usize = 16 * 1024 * 1024;

/// The mark that some servers put before their first byte.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event or comment block: the bytes up to and including the blank line that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

/// An event grew beyond [`LARGEST_EVENT`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event is larger than {} MiB", LARGEST_EVENT / 1024 / 1024)]
pub struct TooLarge;

/// Cuts chunks into [`Frame`]s.
#[derive(Debug, Default)]
pub struct Framer {
    /// What came in and is not cut off yet.
    chunk: Bytes,
    /// Begun in earlier chunks.
    partial: BytesMut,
    /// How far `chunk` was looked at.
    scanned: usize,
    /// The line being read has bytes.
    line_has_bytes: bool,
    /// The last byte was a CR, so an LF now belongs to it.
    after_return: bool,
    /// A mark before the first byte was looked for.
    started: bool,
}

impl Framer {
    /// Before the first byte.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes in the next chunk. All frames of the one before must have been taken out.
    pub fn push(&mut self, mut chunk: Bytes) -> Result<(), TooLarge> {
        if !self.started {
            chunk = self.without_mark(chunk);
        }
        self.partial.extend_from_slice(&self.chunk);
        if self.partial.len() > LARGEST_EVENT {
            return Err(TooLarge);
        }
        self.chunk = chunk;
        self.scanned = 0;
        Ok(())
    }

    /// The stream's first bytes without the mark; nothing while they may still become one.
    fn without_mark(&mut self, chunk: Bytes) -> Bytes {
        let begun = std::mem::take(&mut self.partial);
        let first = if begun.is_empty() { chunk } else { [&*begun, &*chunk].concat().into() };
        self.started = first.len() >= BYTE_ORDER_MARK.len() || !BYTE_ORDER_MARK.starts_with(&first);
        // Held back, it is a line without an end.
        self.line_has_bytes = !self.started && !first.is_empty();
        if !self.started {
            self.partial.extend_from_slice(&first);
            return Bytes::new();
        }
        if first.starts_with(BYTE_ORDER_MARK) { first.slice(BYTE_ORDER_MARK.len()..) } else { first }
    }

    /// The next whole frame, if there is one.
    pub fn next_frame(&mut self) -> Option<Frame> {
        while let Some(&byte) = self.chunk.get(self.scanned) {
            let belongs_to_return = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            if belongs_to_return {
                self.scanned += 1;
                continue;
            }
            if !matches!(byte, b'\r' | b'\n') {
                self.line_has_bytes = true;
                let rest = &self.chunk[self.scanned..];
                self.scanned += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            self.scanned += 1;
            if !std::mem::take(&mut self.line_has_bytes) {
                // The LF of a CRLF that ends a frame goes with it when it is already here.
                if self.after_return && self.chunk.get(self.scanned) == Some(&b'\n') {
                    self.scanned += 1;
                    self.after_return = false;
                }
                return Some(self.cut());
            }
        }
        None
    }

    fn cut(&mut self) -> Frame {
        let end = self.chunk.split_to(self.scanned);
        self.scanned = 0;
        if self.partial.is_empty() {
            return Frame(end);
        }
        self.partial.extend_from_slice(&end);
        Frame(self.partial.split().freeze())
    }

    /// At the stream's end: what was begun and never ended by a blank line, as a frame that is ended by one.
    /// Several vendors leave out the last blank line; whether the data is whole is the caller's to find out.
    pub fn rest(&mut self) -> Option<Frame> {
        let chunk = std::mem::take(&mut self.chunk);
        self.partial.extend_from_slice(&chunk);
        if self.partial.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            self.partial.clear();
            return None;
        }
        // After a lone CR one LF would only make it a CRLF.
        let ending: &[u8] = if self.line_has_bytes || self.partial.ends_with(b"\r") { b"\n\n" } else { b"\n" };
        self.partial.extend_from_slice(ending);
        Some(Frame(self.partial.split().freeze()))
    }

    /// Bytes held back.
    pub fn held(&self) -> usize {
        self.partial.len() + self.chunk.len()
    }
}

impl Frame {
    /// An event with this data (one line) as OpenAI's wire has it: no name.
    pub fn from_data(data: &str) -> Frame {
        Frame(Bytes::from(format!("data: {data}\n\n")))
    }

    /// The bytes, with the blank line.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, with the blank line.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The data: the lines of all `data` fields, joined by LF. Empty for a comment.
    pub fn data(&self) -> Cow<'_, [u8]> {
        let mut data: Option<Cow<'_, [u8]>> = None;
        for line in lines(&self.0) {
            let Some(value) = line.strip_prefix(b"data").and_then(value_of) else { continue };
            match &mut data {
                None => data = Some(Cow::Borrowed(value)),
                Some(all) => {
                    all.to_mut().push(b'\n');
                    all.to_mut().extend_from_slice(value);
                }
            }
        }
        data.unwrap_or_default()
    }
}

/// The lines of a frame, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty())
}

/// The value behind a field's name: after a colon and at most one space; a name alone has an empty value.
fn value_of(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [] => Some(rest),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Frame, Framer, LARGEST_EVENT};

    fn cut(chunks: &[&[u8]]) -> (Vec<Frame>, Option<Frame>) {
        let mut framer = Framer::new();
        let mut frames = Vec::new();
        for chunk in chunks {
            framer.push(Bytes::copy_from_slice(chunk)).expect("small");
            while let Some(frame) = framer.next_frame() {
                frames.push(frame);
            }
        }
        let rest = framer.rest();
        (frames, rest)
    }

    fn data(frames: &[Frame]) -> Vec<String> {
        frames.iter().map(|frame| String::from_utf8_lossy(&frame.data()).into_owned()).filter(|data| !data.is_empty()).collect()
    }

    #[test]
    fn every_line_end_ends_a_line() {
        let (frames, rest) = cut(&[b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata:d\ndata: e\n\n: hi\n\n"]);
        assert_eq!(data(&frames), ["a", "b", "c", "d\ne"]);
        assert_eq!(rest, None);
    }

    #[test]
    fn bytes_go_out_as_they_came_in() {
        let stream: &[u8] = "data: {\"x\":\"你好\"}\n\n: keep-alive\n\nevent: x\r\ndata: [DONE]\r\n\r\n".as_bytes();
        let (frames, _) = cut(&[stream]);
        assert_eq!(frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect::<Vec<_>>(), stream);
    }

    #[test]
    fn a_mark_before_the_first_byte_is_left_out() {
        assert_eq!(data(&cut(&[b"\xef\xbb\xbfdata: a\n\n"]).0), ["a"]);
        assert_eq!(data(&cut(&[b"\xef", b"\xbb", b"\xbfdata: a\n\n"]).0), ["a"]);
        assert_eq!(data(&cut(&[b"\xef", b"\xbbdata: a\n\ndata: b\n\n"]).0), ["b"]);
        assert_eq!(cut(&[b"\xef\xbb"]).1.expect("a rest").bytes(), &Bytes::from_static(b"\xef\xbb\n\n"));
    }

    #[test]
    fn an_event_that_never_ends_is_refused_before_it_fills_the_memory() {
        let (mut framer, chunk) = (Framer::new(), Bytes::from(vec![b'x'; 1024 * 1024]));
        let refused = (1..).find(|_| framer.push(chunk.clone()).is_err() || framer.next_frame().is_some());
        assert_eq!(refused, Some(LARGEST_EVENT / chunk.len() + 2));
        assert!(framer.held() <= LARGEST_EVENT + 2 * chunk.len());
    }

    #[test]
    fn an_event_without_its_blank_line_is_the_rest() {
        let (frames, rest) = cut(&[b"data: a\n\ndata: [DONE]"]);
        assert_eq!(data(&frames), ["a"]);
        assert_eq!(rest.expect("a rest").bytes(), &Bytes::from_static(b"data: [DONE]\n\n"));
    }

    proptest! {
        #[test]
        fn chunks_may_end_anywhere(cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12), ending in 0..3_usize) {
            let ending = ["\n", "\r\n", "\r"][ending];
            let stream = format!("data: 你{ending}{ending}: c{ending}{ending}data: 好{ending}data: b{ending}{ending}");
            let stream = stream.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|index| index.index(stream.len())).collect();
            places.extend([0, stream.len()]);
            places.sort_unstable();
            let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            let (frames, rest) = cut(&chunks);
            prop_assert_eq!(data(&frames), ["你", "好\nb"]);
            let mut all: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
            all.extend(rest.iter().flat_map(|frame| frame.bytes().to_vec()));
            prop_assert_eq!(all.len() <= stream.len() + 1, true);
        }
    }
}
