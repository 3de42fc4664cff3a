use bytes::Bytes;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{FrameError, Framer, LARGEST_HEADERS, LARGEST_PAYLOAD, encode_message};
use crate::dialects::UpstreamDialect;
use crate::dialects::bedrock::Converse;
use crate::hub::{Answer, Event};

fn event(name: &str, payload: &str) -> Vec<u8> {
    encode_message(&[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")], payload.as_bytes())
}

fn read(chunks: &[&[u8]]) -> Result<(Vec<String>, usize), FrameError> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk))?;
        while let Some(frame) = framer.next_frame()? {
            frames.push(String::from_utf8_lossy(frame.bytes()).into_owned());
        }
    }
    Ok((frames, framer.held()))
}

fn stream() -> Vec<u8> {
    [
        event("messageStart", r#"{"role":"assistant","p":"abc"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"你好\n"}}"#),
        event("messageStop", "{\n  \"stopReason\": \"end_turn\"\r\n}"),
        event("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":2}}"#),
    ]
    .concat()
}

/// A prelude with a right checksum.
fn prelude(length: u32, headers: u32) -> Vec<u8> {
    let lengths = [length.to_be_bytes(), headers.to_be_bytes()].concat();
    [&*lengths, &crc32fast::hash(&lengths).to_be_bytes()].concat()
}

#[test]
fn a_message_becomes_a_named_event() {
    let (frames, held) = read(&[&stream()]).expect("messages");
    assert_eq!(frames[0], "event: messageStart\ndata: {\"role\":\"assistant\",\"p\":\"abc\"}\n\n");
    assert_eq!(frames[1], "event: contentBlockDelta\ndata: {\"contentBlockIndex\":0,\"delta\":{\"text\":\"你好\\n\"}}\n\n");
    assert_eq!(frames[2], "event: messageStop\ndata: {   \"stopReason\": \"end_turn\"  }\n\n");
    assert_eq!((frames.len(), held), (4, 0));
}

#[test]
fn chunks_may_end_at_every_byte() {
    let stream = stream();
    let expected = read(&[&stream]).expect("messages");
    for at in 0..stream.len() {
        assert_eq!(read(&[&stream[..at], &stream[at..]]).expect("messages"), expected, "{at}");
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&single).expect("messages"), expected);
}

#[test]
fn a_binary_stream_is_an_answer() {
    let (mut framer, mut decoder, mut events) = (Framer::new(), Converse.decoder(), Vec::new());
    framer.push(Bytes::from(stream())).expect("small");
    while let Some(frame) = framer.next_frame().expect("messages") {
        decoder.decode(&frame, &mut events).expect("an event");
    }
    assert_eq!(events[1], Event::Text("你好\n".to_owned()));
    assert_eq!(Answer::of(events).usage.map(|usage| (usage.input, usage.output)), Some((1, 2)));
}

#[test]
fn exceptions_and_errors_become_one_event() {
    let exception = [(":message-type", "exception"), (":exception-type", "throttlingException")];
    let error = [(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "坏\n了")];
    let cases = [
        (encode_message(&exception, br#"{"message":"Too many \"requests\""}"#), "throttlingException", r#"Too many \"requests\""#),
        (encode_message(&exception, br#"{"Message":"m"}"#), "throttlingException", "m"),
        (encode_message(&exception, br#"{"originalMessage":"o","originalStatusCode":500}"#), "throttlingException", "o"),
        (encode_message(&exception, "不是 JSON".as_bytes()), "throttlingException", "不是 JSON"),
        (encode_message(&exception, b""), "throttlingException", ""),
        (encode_message(&error, b""), "InternalFailure", r"坏\n了"),
    ];
    for (message, kind, said) in cases {
        let expected = format!("event: exception\ndata: {{\"error\":{{\"type\":\"{kind}\",\"message\":\"{said}\"}}}}\n\n");
        assert_eq!(read(&[&message]).expect("a message").0, [expected]);
    }
}

#[test]
fn a_flipped_bit_is_seen_wherever_it_is() {
    let message = event("messageStop", r#"{"stopReason":"end_turn"}"#);
    for at in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[at / 8] ^= 1 << (at % 8);
        assert_eq!(read(&[&changed]), Err(FrameError::Checksum), "bit {at}");
    }
}

#[test]
fn an_error_comes_again() {
    let mut changed = event("messageStop", "{}");
    changed[20] ^= 1;
    let mut framer = Framer::new();
    framer.push(Bytes::from([changed, event("metadata", "{}")].concat())).expect("small");
    for _ in 0..2 {
        assert_eq!(framer.next_frame().expect_err("changed"), FrameError::Checksum);
    }
}

#[test]
fn sizes_are_refused_before_the_bytes_come() {
    let (payload, headers) = (LARGEST_PAYLOAD as u32, LARGEST_HEADERS as u32);
    for (length, headers, expected) in [
        (16 + payload + 1, 0, FrameError::TooLarge),
        (u32::MAX, 0, FrameError::TooLarge),
        (16 + headers + 1, headers + 1, FrameError::TooLarge),
        (15, 0, FrameError::Lengths),
        (0, 0, FrameError::Lengths),
        (20, 5, FrameError::Lengths),
        (20, u32::MAX, FrameError::Lengths),
    ] {
        assert_eq!(read(&[&prelude(length, headers)]), Err(expected), "{length} {headers}");
    }
    assert_eq!(read(&[&prelude(16 + headers + payload, headers)]), Ok((Vec::new(), 12)));
    let largest = encode_message(&[(":event-type", "x")], &vec![b'1'; LARGEST_PAYLOAD]);
    assert_eq!(read(&[&largest]).expect("allowed").0.len(), 1);
}

#[test]
fn a_framer_that_is_never_read_does_not_fill_the_memory() {
    let (mut framer, chunk) = (Framer::new(), Bytes::from(vec![b'x'; 1024 * 1024]));
    assert!((0..64).any(|_| framer.push(chunk.clone()).is_err()));
}

#[test]
fn a_message_that_is_not_whole_is_no_frame() {
    let message = event("messageStop", "{}");
    let mut framer = Framer::new();
    framer.push(Bytes::copy_from_slice(&message[..message.len() - 1])).expect("small");
    assert_eq!((framer.next_frame(), framer.held()), (Ok(None), message.len() - 1));
    assert_eq!((framer.rest(), framer.held()), (None, 0));
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let values: [(u8, &[u8]); 9] = [
        (0, b""),
        (1, b""),
        (2, b"1"),
        (3, b"12"),
        (4, b"1234"),
        (5, b"12345678"),
        (6, b"\x00\x03abc"),
        (8, b"12345678"),
        (9, b"0123456789abcdef"),
    ];
    let mut headers = Vec::new();
    for (kind, value) in values {
        headers.extend_from_slice(&[1, b'h', kind]);
        headers.extend_from_slice(value);
    }
    let text = |headers: &[u8]| super::texts(headers).map(|texts| texts.len());
    assert_eq!(text(&headers), Ok(0));
    headers.extend_from_slice(b"\x01t\x07\x00\x02hi");
    assert_eq!(text(&headers), Ok(1));
    for broken in [&b"\x01h\x0a"[..], b"\x05h", b"\x01h\x07\x00\x09hi", b"\x01h\x02", b"\x01\xff\x00", b"\x01h"] {
        assert_eq!(text(broken), Err(FrameError::Headers));
    }
}

#[test]
fn a_name_cannot_break_out_of_its_line() {
    let (frames, _) = read(&[&event("a\ndata: b\r\n\n", "")]).expect("a message");
    assert_eq!(frames, ["event: adata:b\ndata: {}\n\n"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, headers in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = read(&[&bytes]);
        let _ = super::texts(&headers);
        let _ = super::frame_of(&headers, &bytes);
    }

    #[test]
    fn what_is_written_is_read(name in "[a-zA-Z]{1,20}", text in ".{0,40}", cut: proptest::sample::Index) {
        let payload = serde_json::to_string(&text).expect("JSON");
        let message = event(&name, &payload);
        let at = cut.index(message.len());
        let (frames, held) = read(&[&message[..at], &message[at..]]).expect("a message");
        prop_assert_eq!(held, 0);
        let expected = format!("event: {name}\ndata: {payload}\n\n");
        prop_assert_eq!(frames, [expected]);
    }
}
