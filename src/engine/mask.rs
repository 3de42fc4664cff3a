//! Secrets masked in an upstream's words, whole ([`mask`]) or as they come in ([`masked`]).

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use memchr::memmem;

use crate::config::{Secret, secret};
use crate::telemetry::redact::{is_escaped, places};
use crate::transport::{TransportError, UpstreamBody};

/// The longest that JSON or a URL may make of one byte of a secret: `\u0061`.
const LONGEST_ESCAPE: usize = 6;

/// Shorter credentials are no secrets, and masking them would mask half of every text.
const SHORTEST_SECRET: usize = 8;

/// `body` with `secrets` masked, whatever else it holds.
pub fn mask(body: Bytes, secrets: &[Secret]) -> Bytes {
    let mut masker = Masker::new(secrets.to_vec());
    masker.held = body.into();
    masker.rest()
}

/// `headers` with `secrets` masked in their values: some upstreams repeat what they were sent.
pub fn mask_headers(mut headers: HeaderMap, secrets: &[Secret]) -> HeaderMap {
    for value in headers.values_mut().filter(|value| may_hold(value.as_bytes(), secrets)) {
        let masked = mask(Bytes::copy_from_slice(value.as_bytes()), secrets);
        if masked != value.as_bytes() {
            // What is left of a value, and asterisks: a value again.
            *value = HeaderValue::from_maybe_shared(masked).unwrap_or(HeaderValue::from_static("****"));
        }
    }
    headers
}

/// Whether one of `secrets`, or as much of its beginning as is masked, may stand in `text`: nearly always not.
fn may_hold(text: &[u8], secrets: &[Secret]) -> bool {
    let beginnings = secrets.iter().filter_map(|secret| secret.expose().as_bytes().get(..SHORTEST_SECRET));
    text.len() >= SHORTEST_SECRET && (is_escaped(text) || beginnings.into_iter().any(|beginning| memmem::find(text, beginning).is_some()))
}

/// A body that begins with `first` and goes on with `upstream`, with `secrets` masked also where pieces meet.
pub fn masked(first: Bytes, upstream: UpstreamBody, secrets: Vec<Secret>) -> UpstreamBody {
    let mut masker = Masker::new(secrets);
    masker.held = first.into();
    Masked { upstream: Some(upstream), masker, failed: None }.boxed_unsync()
}

/// Masks a text that comes in pieces: keeps back what may be a secret's beginning.
struct Masker {
    /// Longest first: one may begin like another.
    secrets: Vec<Secret>,
    held: BytesMut,
}

impl Masker {
    fn new(mut secrets: Vec<Secret>) -> Masker {
        secrets.retain(|secret| secret.expose().len() >= SHORTEST_SECRET);
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Masker { secrets, held: BytesMut::new() }
    }

    /// What is held, but for an end that could be a secret's beginning.
    fn ready(&mut self) -> Bytes {
        let longest = self.secrets.first().map_or(1, |secret| secret.expose().len() * LONGEST_ESCAPE);
        self.take((self.held.len() + 1).saturating_sub(longest))
    }

    /// All that is held; a secret that is cut off at the end is masked too.
    fn rest(&mut self) -> Bytes {
        let masked = self.take(self.held.len());
        let begins = |length: &usize| {
            let end = &masked[masked.len() - length..];
            self.secrets.iter().any(|secret| secret.expose().as_bytes().starts_with(end))
        };
        let longest = self.secrets.first().map_or(0, |secret| secret.expose().len()).min(masked.len());
        match (SHORTEST_SECRET..longest + 1).rev().find(begins) {
            Some(length) => [&masked[..masked.len() - length], b"****"].concat().into(),
            None => masked,
        }
    }

    /// Takes out the first `sure` bytes, in which every secret that begins there is whole; less if one reaches beyond.
    fn take(&mut self, sure: usize) -> Bytes {
        let places = self.places();
        let beyond = places.iter().find(|(place, _)| place.end > sure).map(|(place, _)| place.start);
        let out = self.held.split_to(beyond.unwrap_or(sure).min(sure)).freeze();
        if places.first().is_none_or(|(place, _)| place.start >= out.len()) {
            return out;
        }
        let (mut masked, mut from) = (BytesMut::with_capacity(out.len()), 0);
        for (place, shown) in places.into_iter().filter(|(place, _)| place.end <= out.len()) {
            masked.extend_from_slice(&out[from..place.start]);
            masked.extend_from_slice(shown.as_bytes());
            from = place.end;
        }
        masked.extend_from_slice(&out[from..]);
        masked.freeze()
    }

    /// Where secrets stand, in order, and what is shown in their place. Those that overlap are one.
    fn places(&self) -> Vec<(Range<usize>, String)> {
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        for value in self.secrets.iter().map(Secret::expose) {
            found.extend(places(&self.held, value).into_iter().map(|place| (place, value)));
        }
        // The sort is stable: of those that begin at one place, the longest still stands first.
        found.sort_by_key(|(place, _)| place.start);
        let mut places: Vec<(Range<usize>, String)> = Vec::new();
        for (place, value) in found {
            match places.last_mut() {
                Some((last, _)) if place.start < last.end => last.end = last.end.max(place.end),
                _ => places.push((place, secret::mask(value))),
            }
        }
        places
    }
}

/// A body on its way through a [`Masker`].
struct Masked {
    upstream: Option<UpstreamBody>,
    masker: Masker,
    /// Told once what came before it is out.
    failed: Option<TransportError>,
}

impl Body for Masked {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        loop {
            let ready = match self.upstream {
                Some(_) => self.masker.ready(),
                None => self.masker.rest(),
            };
            if !ready.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(ready))));
            }
            let Some(upstream) = self.upstream.as_mut() else { return Poll::Ready(self.failed.take().map(Err)) };
            match ready!(Pin::new(upstream).poll_frame(context)) {
                Some(Ok(frame)) => self.masker.held.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(error)) => (self.upstream, self.failed) = (None, Some(error)),
                None => self.upstream = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::{mask, mask_headers, masked};
    use crate::config::Secret;
    use crate::transport::TransportError;
    use crate::transport::memory::{Step, paced};

    const KEY: &str = "sk-aaaaaaaaaaaaaaaabbbb";

    fn secrets() -> Vec<Secret> {
        [KEY, "short", "sk-aaaaaaaaaaaaaaaabbbbcccc", "bbbbcccc-dddd"].map(Secret::new).to_vec()
    }

    fn whole(text: &str) -> String {
        String::from_utf8_lossy(&mask(Bytes::copy_from_slice(text.as_bytes()), &secrets())).into_owned()
    }

    #[test]
    fn a_secret_is_masked_in_any_bytes() {
        let body = Bytes::from_static(b"\xff sk-aaaaaaaaaaaaaaaabbbb, short, sk-aaaaaaaaaaaaaaaabbbb!");
        assert_eq!(mask(body, &secrets()), Bytes::from_static(b"\xff sk-aa****bbbb, short, sk-aa****bbbb!"));
    }

    #[test]
    fn a_secret_is_masked_in_the_values_of_headers() {
        let secrets = [Secret::new("sk-aaaaaaaaaaaaaaaabbbb")];
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_static("Bearer sk-aaaaaaaaaaaaaaaabbbb, sk-%61aaaaaaaaaaaaaaabbbb"));
        headers.insert("x-other", HeaderValue::from_bytes(b"\xff is no secret of anybody's at all").unwrap());
        let masked = mask_headers(headers.clone(), &secrets);
        assert_eq!(masked["x-echo"], "Bearer sk-aa****bbbb, sk-aa****bbbb");
        assert_eq!(masked["x-other"], headers["x-other"]);
        assert_eq!(mask_headers(headers.clone(), &[]), headers);
    }

    #[test]
    fn of_secrets_that_overlap_nothing_is_left() {
        assert_eq!(whole("[sk-aaaaaaaaaaaaaaaabbbbcccc]"), "[sk-aa****cccc]");
        assert_eq!(whole("[sk-aaaaaaaaaaaaaaaabbbbcccc-dddd]"), "[sk-aa****cccc]");
    }

    #[test]
    fn a_secret_that_is_cut_off_at_the_end_is_masked_too() {
        assert_eq!(whole("bad key sk-aaaaaaaaaaaaaaaabbb"), "bad key ****");
        assert_eq!(whole("bad key sk-aaaa"), "bad key sk-aaaa");
    }

    /// What comes out of `pieces`, the first of them already read, and whether it broke off at the end.
    async fn passed(pieces: Vec<Bytes>, breaks: bool) -> (Vec<u8>, bool) {
        let mut steps: Vec<Step> = pieces.into_iter().map(Step::Send).collect();
        let Step::Send(first) = steps.remove(0) else { unreachable!() };
        if breaks {
            steps.push(Step::Fail(TransportError::Broken("gone".to_owned())));
        }
        let (mut body, mut out) = (masked(first, paced(steps), secrets()), Vec::new());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => out.extend_from_slice(&frame.into_data().expect("data")),
                Err(_) => return (out, true),
            }
        }
        (out, false)
    }

    proptest! {
        #[test]
        fn in_pieces_it_is_masked_as_if_it_were_whole(
            parts in prop::collection::vec(prop_oneof![
                Just(KEY), Just("sk-aaaaaaaaaaaaaaaabbbbcccc"), Just("bbbbcccc-dddd"), Just("sk-aaaaaaaaaaaa"), Just("你好"), Just("x"),
            ], 0..12),
            sizes in prop::collection::vec(1usize..40, 1..80),
            breaks: bool,
        ) {
            let text = parts.concat();
            let (mut rest, mut pieces) = (text.as_bytes(), Vec::new());
            for size in sizes {
                let (piece, left) = rest.split_at(size.min(rest.len()));
                pieces.push(Bytes::copy_from_slice(piece));
                rest = left;
            }
            pieces.push(Bytes::copy_from_slice(rest));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let (out, broke) = runtime.block_on(passed(pieces, breaks));
            prop_assert_eq!(String::from_utf8_lossy(&out).into_owned(), whole(&text));
            prop_assert_eq!(broke, breaks);
            prop_assert!(secrets().iter().filter(|secret| secret.expose().len() > 7).all(|secret| !String::from_utf8_lossy(&out).contains(secret.expose())));
        }
    }
}
