//! Undoes an upstream's compression as the bytes come in. How much may come out is not decided here.

use std::error::Error;
use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
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
    let encoding = response.headers().get(CONTENT_ENCODING).filter(|_| !response.body().is_end_stream());
    let encoding = match encoding.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase()) {
        None => Encoding::Identity,
        Some(word) => Encoding::parse(&word)?,
    };
    let (mut head, body) = response.into_parts();
    let body = body.map_err(|error| TransportError::Broken(cause::describe(&error)));
    if let Encoding::Identity = encoding {
        return Ok(Response::from_parts(head, body.boxed_unsync()));
    }
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, decoded(encoding, body)))
}

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    fn parse(word: &str) -> Result<Encoding, TransportError> {
        match word {
            "" | "identity" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "deflate" => Ok(Encoding::Deflate),
            "br" => Ok(Encoding::Brotli),
            "zstd" => Ok(Encoding::Zstd),
            _ => Err(TransportError::Encoding("its content-encoding is unknown".to_owned())),
        }
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

fn decoder(encoding: Encoding, input: impl AsyncBufRead + Send + Unpin + 'static) -> Pin<Box<dyn AsyncRead + Send>> {
    match encoding {
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        // RFC 9110 §8.4.1.2: `deflate` is deflate within zlib's frame.
        Encoding::Deflate => Box::pin(ZlibDecoder::new(input)),
        Encoding::Brotli => Box::pin(BrotliDecoder::new(input)),
        Encoding::Zstd => Box::pin(ZstdDecoder::new(input)),
        Encoding::Identity => Box::pin(input),
    }
}

fn failure(error: io::Error) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(broken) => broken,
        Err(error) => TransportError::Encoding(cause::describe(&error)),
    }
}
