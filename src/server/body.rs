//! Reads a request's body whole: decompressed, up to a limit, and never for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::io::StreamReader;

use crate::server::error::Rejection;
use crate::server::state::Arrival;
use crate::transport::decode::{Encoding, decoder};

/// Between two pieces of a body. A phone in a tunnel comes back within this.
const SILENCE: Duration = Duration::from_secs(60);
/// A client that still sends reads no answer; so long it may go on after it was refused.
const LINGER: Duration = Duration::from_secs(5);
/// And so much it may send.
const LINGER_BYTES: usize = 256 * 1024 * 1024;

/// How much of a body is read, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In bytes, after decompression.
    pub size: usize,
    /// For all of it, from `received` on.
    pub within: Duration,
    /// When the request came in.
    pub received: Instant,
}

impl Limits {
    /// The configured ones, for this request.
    pub(super) fn of(arrival: &Arrival) -> Limits {
        let config = &arrival.snapshot.config;
        Limits { size: config.server.max_body, within: config.routing.deadline, received: arrival.received }
    }
}

/// The whole body, decompressed; `headers` no longer say how it was encoded. Larger than its limit: 413, later: 408.
pub(super) async fn read(headers: &mut HeaderMap, mut body: Body, limits: Limits) -> Result<Bytes, Rejection> {
    let whole = timeout_at(limits.received + limits.within, whole(headers, &mut body, limits.size));
    let read = whole.await.unwrap_or(Err(Rejection::LateBody(limits.within)))?;
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Ok(read)
}

/// Lends `body` to whoever answers; what they leave of it can be taken back.
pub(super) fn lend(body: Incoming) -> (Body, Unread) {
    if body.is_end_stream() {
        return (Body::empty(), Unread(None));
    }
    let (back, unread) = oneshot::channel();
    (Body::new(Lent(Some((body, back)))), Unread(Some(unread)))
}

/// What was lent and not read to its end, once nobody holds it any more.
pub(super) struct Unread(Option<oneshot::Receiver<Incoming>>);

impl Unread {
    /// Reads on without keeping anything, so that the client gets to reading its answer.
    pub(super) async fn discard(self) {
        let Some(mut body) = self.0.and_then(|mut unread| unread.try_recv().ok()) else { return };
        let all = async {
            let mut seen = 0;
            while let Some(Ok(frame)) = body.frame().await {
                seen += frame.data_ref().map_or(0, Bytes::len);
                if seen > LINGER_BYTES {
                    return;
                }
            }
        };
        let _ = timeout(LINGER, all).await;
    }
}

/// A body that gives back what is left of it when it is dropped; `None` once nothing is.
struct Lent(Option<(Incoming, oneshot::Sender<Incoming>)>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some((body, back)) = self.0.take() {
            // Nobody may be left to take it.
            let _ = back.send(body);
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((body, _)) = &mut self.0 else { return Poll::Ready(None) };
        let mut polled = Pin::new(&mut *body).poll_frame(context);
        // Trailers mean nothing here, and an upstream shall not take them for headers.
        if matches!(&polled, Poll::Ready(Some(Ok(frame))) if !frame.is_data()) {
            polled = Poll::Ready(None);
        }
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream() {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}

async fn whole(headers: &HeaderMap, body: &mut Body, limit: usize) -> Result<Bytes, Rejection> {
    let encoding = Encoding::of(headers).map_err(|written| {
        Rejection::UnsupportedMediaType(format!("content-encoding `{written}` is not supported; one of gzip, deflate, br and zstd is"))
    })?;
    let announced: Option<usize> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match announced {
        Some(length) if length > limit => Err(Rejection::TooLarge { limit }),
        _ if encoding == Encoding::Identity => collect(body, limit, announced.unwrap_or(0)).await,
        _ => decode(encoding, body, limit).await,
    }
}

async fn collect(body: &mut Body, limit: usize, announced: usize) -> Result<Bytes, Rejection> {
    let Some(first) = next(body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Rejection::TooLarge { limit });
    }
    // Most bodies are one piece; those are not copied.
    let Some(second) = next(body).await? else { return Ok(first) };
    let mut all = BytesMut::with_capacity(announced.max(first.len() + second.len()));
    all.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        if all.len() + bytes.len() > limit {
            return Err(Rejection::TooLarge { limit });
        }
        all.extend_from_slice(&bytes);
        piece = next(body).await?;
    }
    Ok(all.freeze())
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Rejection> {
    loop {
        let frame = match timeout(SILENCE, body.frame()).await {
            Err(_) => return Err(Rejection::SlowBody(SILENCE)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(Rejection::BrokenBody(format!("the body broke off: {error}"))),
            Ok(Some(Ok(frame))) => frame,
        };
        // Anything else is trailers, which mean nothing here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

async fn decode(encoding: Encoding, body: &mut Body, limit: usize) -> Result<Bytes, Rejection> {
    let pieces = stream::try_unfold(body, async |body| {
        let piece = next(body).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, body)))
    });
    let mut decoder = decoder(encoding, StreamReader::new(Box::pin(pieces)));
    let mut all = BytesMut::new();
    loop {
        let count = decoder.read_buf(&mut all).await.map_err(undecodable)?;
        if all.len() > limit {
            return Err(Rejection::TooLarge { limit });
        }
        if count == 0 {
            return Ok(all.freeze());
        }
    }
}

fn undecodable(error: io::Error) -> Rejection {
    match error.downcast::<Rejection>() {
        Ok(rejection) => rejection,
        Err(error) => Rejection::BrokenBody(format!("the body cannot be decompressed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::body::Body;
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::stream;
    use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
    use http::{HeaderMap, HeaderValue};
    use tokio::time::{Instant, sleep};

    use super::{Limits, SILENCE};
    use crate::server::error::Rejection;

    async fn read(headers: &mut HeaderMap, body: Body, size: usize) -> Result<Bytes, Rejection> {
        super::read(headers, body, Limits { size, within: Duration::from_secs(600), received: Instant::now() }).await
    }

    fn pieces(pieces: &[&'static str]) -> Body {
        Body::from_stream(stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece)).collect::<Vec<_>>()))
    }

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    fn encoded(word: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(word))])
    }

    #[tokio::test]
    async fn a_body_is_read_whole_up_to_the_limit() {
        let mut headers = HeaderMap::new();
        assert_eq!(read(&mut headers, Body::empty(), 10).await.unwrap(), "");
        assert_eq!(read(&mut headers, pieces(&["12345"]), 5).await.unwrap(), "12345");
        assert_eq!(read(&mut headers, pieces(&["123", "45", "6"]), 6).await.unwrap(), "123456");
        for body in [pieces(&["123456"]), pieces(&["123", "45", "6"])] {
            assert!(matches!(read(&mut headers, body, 5).await, Err(Rejection::TooLarge { limit: 5 })));
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("6"));
        assert!(matches!(read(&mut headers, Body::empty(), 5).await, Err(Rejection::TooLarge { limit: 5 })));
    }

    #[tokio::test]
    async fn a_compressed_body_is_counted_after_decompression() {
        let mut headers = encoded("gzip");
        assert_eq!(read(&mut headers, Body::from(gzip(b"hello")), 5).await.unwrap(), "hello");
        assert!(!headers.contains_key(CONTENT_ENCODING));
        let bomb = gzip(&vec![b' '; 1_000_000]);
        assert!(bomb.len() < 10_000);
        assert!(matches!(read(&mut encoded("gzip"), Body::from(bomb), 10_000).await, Err(Rejection::TooLarge { .. })));
    }

    #[tokio::test]
    async fn a_broken_or_unknown_encoding_is_the_clients_mistake() {
        let broken = read(&mut encoded("gzip"), Body::from("not gzip"), 100).await;
        assert!(matches!(broken, Err(Rejection::BrokenBody(_))));
        let unknown = read(&mut encoded("lzma"), Body::from("x"), 100).await;
        assert!(matches!(unknown, Err(Rejection::UnsupportedMediaType(_))));
    }

    #[tokio::test]
    async fn all_members_of_a_compressed_body_are_read() {
        let both = [gzip(b"hel"), gzip(b"lo")].concat();
        assert_eq!(read(&mut encoded("gzip"), Body::from(both), 5).await.unwrap(), "hello");
    }

    #[tokio::test]
    async fn encodings_on_top_of_each_other_are_not_undone() {
        let mut twice = encoded("gzip");
        twice.append(CONTENT_ENCODING, HeaderValue::from_static("br"));
        for mut headers in [encoded("gzip, br"), twice] {
            let refused = read(&mut headers, Body::from(gzip(b"hello")), 100).await;
            assert!(matches!(refused, Err(Rejection::UnsupportedMediaType(_))), "{refused:?}");
        }
    }

    /// A body of `count` pieces, one each `pause`, and how many were taken.
    fn dripping(piece: Bytes, count: usize, pause: Duration) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let pieces = stream::unfold(0, move |index| {
            let (piece, counter) = (piece.clone(), Arc::clone(&counter));
            async move {
                if index == count {
                    return None;
                }
                sleep(pause).await;
                counter.fetch_add(1, Ordering::Relaxed);
                Some((Ok::<_, std::io::Error>(piece), index + 1))
            }
        });
        (Body::from_stream(pieces), taken)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_only_drips_is_not_waited_for_for_ever() {
        for word in ["identity", "gzip"] {
            let (body, _) = dripping(gzip(b""), usize::MAX, Duration::from_secs(59));
            let began = Instant::now();
            let refused = read(&mut encoded(word), body, 100_000_000).await;
            assert!(matches!(refused, Err(Rejection::LateBody(_))), "{refused:?}");
            assert_eq!(began.elapsed().as_secs(), 600);

            let (body, _) = dripping(gzip(b""), 1, SILENCE * 2);
            assert!(matches!(read(&mut encoded(word), body, 100).await, Err(Rejection::SlowBody(_))));
        }
    }
}
