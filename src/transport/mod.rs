//! Bytes to and from upstreams. Nothing else opens a socket to one.
//!
//! [`Transport`] is the seam: sockets in `relay`, memory in tests and for the mock. No retries but one (a request
//! that no upstream has taken on), no meaning of what the bytes say.

pub mod cause;
mod connect;
mod connection;
pub mod control;
pub mod decode;
mod http1;
mod http2;
pub mod memory;
pub mod payload;
pub mod pools;
pub mod relay;
pub mod tls;
pub mod via;

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;

use bytes::Bytes;

pub use connect::Resolver;
pub use control::Control;
pub use memory::Memory;
pub use payload::Payload;
pub use pools::Pools;
pub use relay::Relay;
pub use tls::TransportSetupError;

/// An upstream's body, decoded if it was compressed. Dropping it cancels the request.
pub type UpstreamBody = UnsyncBoxBody<Bytes, TransportError>;

/// Bytes to one upstream and back.
pub trait Transport: Send + Sync {
    /// Sends `request` (an absolute URI) and waits for the response's head. Knows the provider's `connect` limit and no other;
    /// dropping the future cancels the request.
    fn send(&self, request: Request<Payload>) -> BoxFuture<'_, Result<Response<UpstreamBody>, TransportError>>;

    /// Connections that stand, in use or idle.
    fn connections(&self) -> usize {
        0
    }
}

/// How long a connection took that was made for a request; an extension of the response to it. Absent where one stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Until it could carry bytes: the name's look-up, TCP, a proxy.
    pub tcp: Duration,
    /// For TLS on it.
    pub tls: Option<Duration>,
}

/// How bytes fail to arrive. Says nothing that may hold a secret: no URL, no header.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection: refused, unreachable, DNS, proxy, TLS.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// No connection within the provider's `connect` limit.
    #[error("cannot connect within {}", humantime::format_duration(*.0))]
    ConnectTimeout(Duration),
    /// The connection broke before a response's head.
    #[error("connection closed before a response: {0}")]
    Closed(String),
    /// The connection broke, or was malformed, within the response.
    #[error("response broke off: {0}")]
    Broken(String),
    /// The response's compression is broken or unknown.
    #[error("response cannot be decoded: {0}")]
    Encoding(String),
    /// The request's own body failed: its sender went away.
    #[error("request body broke off: {0}")]
    Request(String),
}

/// A request that got no answer.
struct Unanswered {
    error: TransportError,
    /// It may be sent again: its connection had waited in a pool and ended without a byte, as one does that was closed before
    /// the request reached it; or HTTP/2 turned it away unprocessed.
    is_untouched: bool,
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
