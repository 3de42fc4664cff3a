//! W3C Trace Context: which trace a request belongs to, as the headers `traceparent` and `tracestate` say it.
//!
//! <https://www.w3.org/TR/trace-context/>. Only what a header says; spans are made elsewhere, when a request has ended.

use std::fmt;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde::{Serialize, Serializer};

/// Which trace, which span of it, whether it is recorded.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What tracing systems tell each other beside it; never read here.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A `traceparent` of version 00 has so many characters.
const LENGTH: usize = 55;

/// The flag that says that the trace is recorded.
const SAMPLED: u8 = 0b01;

/// The flag that says that the trace's id was made at random.
const RANDOM: u8 = 0b10;

/// One trace. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// One span of a trace. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// A span as others are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Its trace.
    pub trace: TraceId,
    /// Itself.
    pub span: SpanId,
    flags: u8,
}

impl TraceContext {
    /// What a request came with; `None` where it came with nothing, with several, or with what is malformed.
    pub fn of(headers: &HeaderMap) -> Option<TraceContext> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        TraceContext::parse(value.to_str().ok()?)
    }

    /// Reads a `traceparent`. One of a later version is read as far as it is known (§3.2.4 there).
    pub fn parse(text: &str) -> Option<TraceContext> {
        let known = text.get(..LENGTH)?;
        let (version, rest) = known.split_once('-')?;
        let (trace, rest) = rest.split_once('-')?;
        let (span, flags) = rest.split_once('-')?;
        let is_whole = match hexadecimal(version, 2)? {
            0xff => false,
            0 => text.len() == LENGTH,
            _ => text.len() == LENGTH || text[LENGTH..].starts_with('-'),
        };
        if !is_whole {
            return None;
        }
        let trace = TraceId::new(hexadecimal(trace, 32)?)?;
        let span = SpanId::new(u64::try_from(hexadecimal(span, 16)?).ok()?)?;
        let flags = u8::try_from(hexadecimal(flags, 2)?).ok()?;
        // What other flags mean is not known, so none is passed on.
        Some(TraceContext { trace, span, flags: flags & (SAMPLED | RANDOM) })
    }

    /// The first span of a trace of its own.
    pub fn begin() -> TraceContext {
        TraceContext { trace: TraceId(rand::random::<u128>().max(1)), span: SpanId::make(), flags: SAMPLED | RANDOM }
    }

    /// A new span below this one.
    pub fn child(self) -> TraceContext {
        self.at(SpanId::make())
    }

    /// The same trace at `span`.
    pub fn at(self, span: SpanId) -> TraceContext {
        TraceContext { span, ..self }
    }

    /// Whether whoever began the trace records it.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The flags, as they are sent.
    pub fn flags(self) -> u8 {
        self.flags
    }

    /// Puts it into the headers of a request, in the place of what is there.
    pub fn put(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

impl TraceId {
    fn new(id: u128) -> Option<TraceId> {
        (id != 0).then_some(TraceId(id))
    }

    /// As it is sent in binary.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    fn new(id: u64) -> Option<SpanId> {
        (id != 0).then_some(SpanId(id))
    }

    /// A new one.
    pub fn make() -> SpanId {
        SpanId(rand::random::<u64>().max(1))
    }

    /// One that follows from this one: for spans that nobody was told of before they are made.
    pub fn beside(self, number: u64) -> SpanId {
        SpanId(self.0.wrapping_add(number).max(1))
    }

    /// As it is sent in binary.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// The number that exactly `length` digits stand for, none of them in upper case.
fn hexadecimal(digits: &str, length: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_it = digits.len() == length && digits.bytes().all(is_digit);
    if is_it { u128::from_str_radix(digits, 16).ok() } else { None }
}

/// As a `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{TRACEPARENT, TraceContext};

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (TRACEPARENT, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_read_is_written_again() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!((context.to_string().as_str(), context.is_sampled()), (EXAMPLE, true));
        let mut sent = headers(&["of the client"]);
        context.put(&mut sent);
        assert_eq!(TraceContext::of(&sent), Some(context));
        let unsampled = EXAMPLE.replace("-01", "-00");
        assert!(!TraceContext::parse(&unsampled).unwrap().is_sampled());
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        let wrong = [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.later",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47城-00f067aa0ba902b7-01",
        ];
        for text in wrong {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
        assert_eq!(TraceContext::of(&headers(&[EXAMPLE, EXAMPLE])), None, "whose it is cannot be told");
        assert_eq!(TraceContext::of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-and-more";
        let context = TraceContext::parse(later).unwrap();
        assert_eq!(context.to_string(), EXAMPLE.replace("-01", "-03"));
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent = TraceContext::begin();
        let child = parent.child();
        assert_eq!((child.trace, child.is_sampled()), (parent.trace, true));
        assert_ne!(child.span, parent.span);
        assert_ne!(TraceContext::begin().trace, parent.trace);
        assert_ne!(parent.span.beside(1), parent.span);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_breaks_it(text in any::<String>()) {
            if let Some(context) = TraceContext::parse(&text) {
                prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
            }
        }
    }
}
