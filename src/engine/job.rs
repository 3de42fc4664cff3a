//! One request on its way.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::time::Instant;

use crate::access::Caller;
use crate::engine::Snapshot;
use crate::hub::{Endpoint, Kind};
use crate::transport::Payload;

/// A request that names a model, whole, before anyone looked into its body.
pub struct Job {
    /// The configuration it runs on from beginning to end.
    pub snapshot: Arc<Snapshot>,
    /// Its id, on every log line and in the reply.
    pub id: RequestId,
    /// The operation.
    pub endpoint: Endpoint,
    /// Who asks.
    pub caller: Caller,
    /// From where; `None` for the command line.
    pub client: Option<IpAddr>,
    /// The client's headers as they came.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// When it came in.
    pub received: Instant,
}

/// A request that names a provider instead of a model; its body streams through, with one attempt.
pub struct Forward {
    /// The configuration it runs on.
    pub snapshot: Arc<Snapshot>,
    /// Its id.
    pub id: RequestId,
    /// Who asks; was asked already whether it may pass through.
    pub caller: Caller,
    /// From where.
    pub client: Option<IpAddr>,
    /// Name of the provider; `None`: `routing.passthrough`, else 404.
    pub provider: Option<String>,
    /// The name of the provider's credential that it is for; `None`: any.
    pub key: Option<String>,
    /// The method.
    pub method: Method,
    /// Path below the base URL with a leading slash, and the query; not yet checked to stay below it.
    pub path: String,
    /// The client's headers as they came.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
    /// When it came in.
    pub received: Instant,
}

/// Where a request comes from and what it wants, before anyone has looked into it.
pub struct Origin<'a> {
    /// Its id.
    pub id: Arc<str>,
    /// Name of the caller's key.
    pub caller: Arc<str>,
    /// From where.
    pub client: Option<IpAddr>,
    /// How it is asked.
    pub method: Method,
    /// What is asked, without a query: it may hold a key.
    pub endpoint: Cow<'static, str>,
    /// What the client speaks.
    pub dialect: Option<Kind>,
    /// When it came in.
    pub received: Instant,
    /// The client's headers.
    pub headers: &'a HeaderMap,
}

impl Job {
    /// Where it comes from.
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            id: self.id.0.clone(),
            caller: self.caller.name().clone(),
            client: self.client,
            method: Method::POST,
            endpoint: Cow::Borrowed(self.endpoint.path()),
            dialect: Some(self.endpoint.dialect()),
            received: self.received,
            headers: &self.headers,
        }
    }
}

impl Forward {
    /// Where it comes from.
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            id: self.id.0.clone(),
            caller: self.caller.name().clone(),
            client: self.client,
            method: self.method.clone(),
            endpoint: Cow::Owned(self.path.split('?').next().unwrap_or_default().to_owned()),
            dialect: None,
            received: self.received,
            headers: &self.headers,
        }
    }
}

/// Names a request in replies and logs: the client's `x-request-id` when it is sane, else made.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

/// Longer ids of clients are not taken over.
const LONGEST_ID: usize = 128;

impl RequestId {
    /// A new one: time and a counter, unique in this process and sortable.
    pub fn make() -> RequestId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let number = NEXT.fetch_add(1, Ordering::Relaxed) & 0xffff;
        // Twelve digits, four, and four.
        let micros = since_epoch.as_micros() & 0xffff_ffff_ffff;
        let mut id = *b"req-00000000000000000000";
        let mut rest = micros << 32 | u128::from(number) << 16 | u128::from(rand::random::<u16>());
        for digit in id[4..].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        RequestId(std::str::from_utf8(&id).unwrap_or_default().into())
    }

    /// The client's, if it is 1 to 128 characters of letters, digits and `-_.:/+=`.
    pub fn from_client(text: &str) -> Option<RequestId> {
        let sane = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b));
        sane.then(|| RequestId(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
