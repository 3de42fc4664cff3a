//! Undoes compression as the bytes come in, an upstream's and a client's. How much may come out is not decided here.

use std::error::Error;
use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use tokio::io::{AsyncBufRead, AsyncRead};
use tokio_util::io::{ReaderStream, StreamReader};

use super::cause;
use super::{TransportError, UpstreamBody};

/// Largest piece handed on at once.
const PIECE: usize = 16 * 1024;

/// `response` with a body that says what went wrong in our words, decoded if it was compressed.
pub fn response<B>(response: Response<B>) -> Result<Response<UpstreamBody>, TransportError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Error + 'static,
{
    let encoding = match response.body().is_end_stream() {
        true => Encoding::Identity,
        false => Encoding::of(response.headers()).map_err(|_| TransportError::Encoding("its content-encoding is unknown".to_owned()))?,
    };
    let (mut head, body) = response.into_parts();
    let body = body.map_err(|error| TransportError::Broken(cause::describe(&error)));
    if encoding == Encoding::Identity {
        return Ok(Response::from_parts(head, body.boxed_unsync()));
    }
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, decoded(encoding, body)))
}

/// How a body is compressed: in one way, never in several on top of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// `gzip`
    Gzip,
    /// `deflate`
    Deflate,
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
}

impl Encoding {
    /// What `headers` say of their body; `Err` is what is not known here, as written.
    pub fn of(headers: &HeaderMap) -> Result<Encoding, String> {
        if !headers.contains_key(CONTENT_ENCODING) {
            return Ok(Encoding::Identity);
        }
        let lines: Vec<&str> = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?").trim()).collect();
        let written = lines.join(", ").to_ascii_lowercase();
        match written.as_str() {
            "" | "identity" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "deflate" => Ok(Encoding::Deflate),
            "br" => Ok(Encoding::Brotli),
            "zstd" => Ok(Encoding::Zstd),
            _ => Err(written),
        }
    }
}

/// What `input` is once it is decompressed.
pub fn decoder<'a>(encoding: Encoding, input: impl AsyncBufRead + Send + Unpin + 'a) -> Pin<Box<dyn AsyncRead + Send + 'a>> {
    match encoding {
        // RFC 1952 §2.2 and RFC 8878 §3: several members, one after the other, are one text.
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Encoding::Zstd => {
            let mut decoder = ZstdDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        // RFC 9110 §8.4.1.2: `deflate` is deflate within zlib's frame.
        Encoding::Deflate => Box::pin(ZlibDecoder::new(input)),
        Encoding::Brotli => Box::pin(BrotliDecoder::new(input)),
        Encoding::Identity => Box::pin(input),
    }
}

fn decoded<B>(encoding: Encoding, body: B) -> UpstreamBody
where
    B: Body<Data = Bytes, Error = TransportError> + Send + 'static,
{
    let pieces = BodyStream::new(body).try_filter_map(async |frame| Ok(frame.into_data().ok()));
    let input = StreamReader::new(Box::pin(pieces.map_err(io::Error::other)));
    let output = ReaderStream::with_capacity(decoder(encoding, input), PIECE);
    StreamBody::new(output.map_ok(Frame::data).map_err(failure)).boxed_unsync()
}

fn failure(error: io::Error) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(broken) => broken,
        Err(error) => TransportError::Encoding(cause::describe(&error)),
    }
}
