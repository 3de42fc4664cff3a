//! Reads a request's body whole: decompressed, up to a limit, and never for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyDataStream, BodyExt};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::server::error::Rejection;

/// Between two pieces of a body. A phone in a tunnel comes back within this.
const SILENCE: Duration = Duration::from_secs(60);
/// A client that still sends reads no answer; so long it may go on after it was refused.
const LINGER: Duration = Duration::from_secs(5);
/// And so much it may send.
const LINGER_BYTES: usize = 256 * 1024 * 1024;

/// The whole body, decompressed; `headers` no longer say how it was encoded. Larger than `limit`: 413.
pub(super) async fn read(headers: &mut HeaderMap, mut body: Body, limit: usize) -> Result<Bytes, Rejection> {
    let encoding = match headers.get(CONTENT_ENCODING) {
        Some(value) => Encoding::parse(value.to_str().unwrap_or("?"))?,
        None => Encoding::Identity,
    };
    let announced: Option<usize> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match announced {
        Some(length) if length > limit => Err(Rejection::TooLarge { limit }),
        _ if encoding == Encoding::Identity => collect(&mut body, limit, announced.unwrap_or(0)).await,
        _ => decode(encoding, headers, body, limit).await,
    }
}

/// Lends `body` to whoever answers; what they leave of it can be taken back.
pub(super) fn lend(body: Body) -> (Body, Unread) {
    if body.is_end_stream() {
        return (body, Unread(None));
    }
    let (back, unread) = oneshot::channel();
    (Body::new(Lent { body, back: Some(back) }), Unread(Some(unread)))
}

/// What was lent and not read to its end, once nobody holds it any more.
pub(super) struct Unread(Option<oneshot::Receiver<Body>>);

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

/// A body that gives back what is left of it when it is dropped.
struct Lent {
    body: Body,
    /// `None` once nothing is left.
    back: Option<oneshot::Sender<Body>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // Nobody may be left to take it.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.back = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    fn parse(word: &str) -> Result<Encoding, Rejection> {
        match word.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "deflate" => Ok(Encoding::Deflate),
            "br" => Ok(Encoding::Brotli),
            "zstd" => Ok(Encoding::Zstd),
            other => {
                Err(Rejection::UnsupportedMediaType(format!("content-encoding `{other}` is not supported; gzip, deflate, br and zstd are")))
            }
        }
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

async fn decode(encoding: Encoding, headers: &mut HeaderMap, body: Body, limit: usize) -> Result<Bytes, Rejection> {
    let source = StreamReader::new(TryStreamExt::map_err(BodyDataStream::new(body), io::Error::other));
    let mut decoder: Pin<Box<dyn AsyncRead + Send>> = match encoding {
        Encoding::Identity => Box::pin(source),
        Encoding::Gzip => Box::pin(GzipDecoder::new(source)),
        Encoding::Deflate => Box::pin(ZlibDecoder::new(source)),
        Encoding::Brotli => Box::pin(BrotliDecoder::new(source)),
        Encoding::Zstd => Box::pin(ZstdDecoder::new(source)),
    };
    let mut all = BytesMut::new();
    loop {
        let count = timeout(SILENCE, decoder.read_buf(&mut all))
            .await
            .map_err(|_| Rejection::SlowBody(SILENCE))?
            .map_err(|error| Rejection::BrokenBody(format!("the body cannot be decompressed: {error}")))?;
        if all.len() > limit {
            return Err(Rejection::TooLarge { limit });
        }
        if count == 0 {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
            return Ok(all.freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::body::Body;
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::stream;
    use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
    use http::{HeaderMap, HeaderValue};

    use super::read;
    use crate::server::error::Rejection;

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
}
