//! The chunked coding (RFC 9112 §7.1), undone in place: what many small chunks hold comes out in one piece, without a copy
//! to another place. Trailers are skipped.

use std::io;

/// Most bytes of extensions and trailers of one body, which nobody reads.
const LONGEST_ASIDE: usize = 16 * 1024;

/// How far a body has been read.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    asides: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Within a chunk's size; whether a digit of it has come.
    Size {
        size: u64,
        begun: bool,
    },
    /// Behind the digits: blanks, then an extension or the line's end.
    AfterSize {
        size: u64,
    },
    Extension {
        size: u64,
    },
    SizeNewline {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataNewline,
    /// At the beginning of a line behind the last chunk.
    Trailer,
    WithinTrailer,
    TrailerNewline,
    LastNewline,
    Done,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { state: State::Size { size: 0, begun: false }, asides: 0 }
    }
}

/// What became of the bytes that were decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// So many at the front are contents.
    pub contents: usize,
    /// So many were read; what follows belongs to whatever comes next.
    pub read: usize,
}

impl Chunked {
    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Moves what `bytes` contain to their front. Reads all of them unless the body ends among them.
    pub fn decode(&mut self, bytes: &mut [u8]) -> io::Result<Decoded> {
        let mut decoded = Decoded { contents: 0, read: 0 };
        while let Some(&byte) = bytes.get(decoded.read)
            && !self.is_done()
        {
            if let State::Data { left } = &mut self.state {
                let here = bytes.len() - decoded.read;
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(here);
                bytes.copy_within(decoded.read..decoded.read + length, decoded.contents);
                decoded.contents += length;
                decoded.read += length;
                *left -= length as u64;
                if *left == 0 {
                    self.state = State::DataReturn;
                }
                continue;
            }
            self.state = self.after(byte)?;
            decoded.read += 1;
        }
        Ok(decoded)
    }

    fn after(&mut self, byte: u8) -> io::Result<State> {
        Ok(match (self.state, byte) {
            (State::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16).unwrap_or_default());
                let size = size.checked_mul(16).ok_or_else(|| invalid("a chunk's size is too large"))? | digit;
                State::Size { size, begun: true }
            }
            (State::Size { size, begun: true } | State::AfterSize { size }, b' ' | b'\t') => State::AfterSize { size },
            (State::Size { size, begun: true } | State::AfterSize { size }, b';') => State::Extension { size },
            (State::Size { size, begun: true } | State::AfterSize { size } | State::Extension { size }, b'\r') => {
                State::SizeNewline { size }
            }
            (State::Size { .. } | State::AfterSize { .. }, _) => return Err(invalid("a chunk's size is no number")),
            // A bare newline within an extension is a line's end to some, and none to others.
            (State::Extension { .. }, b'\n') => return Err(invalid("a chunk's extension has a newline")),
            (State::Extension { .. } | State::WithinTrailer, _) if byte != b'\r' => self.aside()?,
            (State::SizeNewline { size: 0 } | State::TrailerNewline, b'\n') => State::Trailer,
            (State::SizeNewline { size }, b'\n') => State::Data { left: size },
            (State::DataReturn, b'\r') => State::DataNewline,
            (State::DataNewline, b'\n') => State::Size { size: 0, begun: false },
            (State::Trailer, b'\r') => State::LastNewline,
            (State::Trailer, _) => {
                self.state = State::WithinTrailer;
                self.aside()?
            }
            (State::WithinTrailer, _) => State::TrailerNewline,
            (State::LastNewline, b'\n') => State::Done,
            _ => return Err(invalid("a chunk does not end where it should")),
        })
    }

    /// One more byte that nobody reads.
    fn aside(&mut self) -> io::Result<State> {
        self.asides += 1;
        if self.asides > LONGEST_ASIDE {
            return Err(invalid("its chunks' extensions and trailers are too long"));
        }
        Ok(self.state)
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Chunked, Decoded, LONGEST_ASIDE};

    fn decode(text: &[u8]) -> (Result<String, String>, usize) {
        let (mut chunked, mut bytes) = (Chunked::default(), text.to_vec());
        match chunked.decode(&mut bytes) {
            Ok(Decoded { contents, read }) => (Ok(String::from_utf8_lossy(&bytes[..contents]).into_owned()), read),
            Err(error) => (Err(error.to_string()), 0),
        }
    }

    #[test]
    fn chunks_come_out_in_one_piece_and_nothing_behind_them_is_read() {
        let body = "6\r\n你好\r\n5 ; a=\"b\"\r\n, you\r\n00\r\nx-cost: 1\r\n\r\n".as_bytes();
        assert_eq!(decode(&[body, b"HTTP/1.1 200"].concat()), (Ok("你好, you".to_owned()), body.len()));
        assert_eq!(decode(b"0\r\n\r\n"), (Ok(String::new()), 5));
        assert_eq!(decode(b"A\r\n0123456789\r\n"), (Ok("0123456789".to_owned()), 15));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let long = [&b"1;"[..], &[b'x'; LONGEST_ASIDE + 1]].concat();
        for wrong in [
            &b"\r\n"[..],
            b"g\r\n",
            b"-1\r\n",
            b" 1\r\n",
            b"1 2\r\n",
            b"1\nx",
            b"1\r\nxy",
            b"1\r\nx\n",
            b"1\r\nx\rz",
            b"0\r\n\rz",
            b"1;a\n\r\n",
            b"11111111111111111\r\n",
            b"0\r\na\rb",
            &long,
        ] {
            assert!(decode(wrong).0.is_err(), "{}", String::from_utf8_lossy(&wrong[..wrong.len().min(30)]));
        }
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_wherever_it_is_cut(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), at in 1..20usize) {
            let mut written = Vec::new();
            for piece in &pieces {
                written.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                written.extend_from_slice(piece);
                written.extend_from_slice(b"\r\n");
            }
            written.extend_from_slice(b"0\r\n\r\n");
            let (mut chunked, mut read) = (Chunked::default(), Vec::new());
            for bytes in written.chunks_mut(at) {
                let length = bytes.len();
                let decoded = chunked.decode(bytes).unwrap();
                prop_assert_eq!(decoded.read, length);
                read.extend_from_slice(&bytes[..decoded.contents]);
            }
            prop_assert!(chunked.is_done());
            prop_assert_eq!(read, pieces.concat());
        }
    }
}
