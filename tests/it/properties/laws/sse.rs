//! Server-sent events: cut anywhere, they are what the standard says, and go out as the bytes that came in.

use bytes::Bytes;
use llmgw::dialects::sse::{Frame, Framer};

/// Holds for a stream in one piece, byte by byte, and in pieces of odd sizes.
pub fn holds(stream: &[u8]) {
    holds_when_cut(stream, &[]);
    holds_when_cut(stream, &(0..stream.len()).collect::<Vec<_>>());
    let mut places = Vec::new();
    let mut at = 0;
    // The content itself decides where, so that what is found once is found again.
    while at < stream.len() {
        places.push(at);
        at += 1 + usize::from(stream[at]) % 7;
    }
    holds_when_cut(stream, &places);
}

/// Holds for a stream that comes in pieces which begin at `places` (sorted).
pub fn holds_when_cut(stream: &[u8], places: &[usize]) {
    let (frames, rest) = cut(stream, places);
    let unmarked = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let sent = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect::<Vec<u8>>();
    let tail = unmarked.strip_prefix(&*sent).expect("what goes out is what came in");
    let read: Vec<Vec<u8>> = frames.iter().map(data).collect();
    assert_eq!(filled(read.clone()), filled(events(unmarked)), "the events are the standard's");
    for frame in &frames {
        assert_eq!(filled(vec![data(frame)]), filled(events(frame.bytes())), "a frame stands for itself");
    }
    match rest {
        None => assert!(tail.iter().all(|byte| matches!(byte, b'\r' | b'\n')), "only line ends may be left out"),
        Some(rest) => {
            let ending = rest.bytes().strip_prefix(tail).expect("the rest goes out as it came in");
            assert!(matches!(ending, b"\n" | b"\n\n"), "the rest is ended by a blank line");
            let ended = [unmarked, b"\n\n"].concat();
            assert_eq!(filled(read.into_iter().chain([data(&rest)]).collect()), filled(events(&ended)), "the rest is an event");
        }
    }
}

fn cut(stream: &[u8], places: &[usize]) -> (Vec<Frame>, Option<Frame>) {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    let ends = places.iter().copied().chain([stream.len()]);
    let mut from = 0;
    for end in ends {
        framer.push(Bytes::copy_from_slice(&stream[from..end])).expect("a small stream");
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
        assert!(framer.held() <= end, "nothing is held that did not come");
        from = end;
    }
    let rest = framer.rest();
    assert_eq!(framer.held(), 0);
    (frames, rest)
}

fn data(frame: &Frame) -> Vec<u8> {
    frame.data().into_owned()
}

/// A comment, an event without data and one with empty data are the same to a gateway.
fn filled(events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    events.into_iter().filter(|data| !data.is_empty()).collect()
}

/// The data of a stream's events by WHATWG HTML, "Interpreting an event stream": written to be compared with the standard.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut events, mut buffer) = (Vec::new(), Vec::new());
    for line in lines(stream) {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            None => (line, &[][..]),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
        };
        if line.is_empty() {
            if buffer.pop().is_some() {
                events.push(std::mem::take(&mut buffer));
            }
        } else if field == b"data" {
            buffer.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            buffer.push(b'\n');
        }
    }
    events
}

/// The lines that are ended: by CRLF, LF or CR.
fn lines(stream: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut from, mut at) = (Vec::new(), 0, 0);
    while at < stream.len() {
        let length = match &stream[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if length > 0 {
            lines.push(&stream[from..at]);
            from = at + length;
        }
        at += length.max(1);
    }
    lines
}
