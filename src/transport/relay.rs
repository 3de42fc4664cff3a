//! [`Relay`]: requests to one upstream over sockets, with a pool of connections.
//!
//! Follows no redirect and retries nothing, but for one case: a request that no upstream has taken on, because its pooled
//! connection died unanswered or HTTP/2 turned it away unprocessed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use http::header::PROXY_AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response, Uri};
use tracing::debug;

use super::connect::{Connector, Resolver};
use super::http1::{self, Http1};
use super::http2::{self, Sender};
use super::tls::Tls;
use super::via::Via;
use super::{Handshake, Payload, Transport, TransportError, Unanswered, UpstreamBody, cause, decode};

/// How a [`Relay`] connects and what it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Idle connections kept.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// HTTP/2 where the upstream speaks it.
    pub http2: bool,
}

/// Requests to one upstream, over pooled connections.
pub struct Relay {
    connector: Connector,
    /// Those that speak HTTP/1.1.
    pool: Arc<http1::Pool>,
    shared: Arc<http2::Shared>,
    /// It has spoken HTTP/2 before, so that one connection is made for all who wait.
    is_http2: Arc<AtomicBool>,
    /// The making of it.
    connecting: Mutex<Option<WeakShared<Connecting>>>,
    authorization: Option<HeaderValue>,
}

/// `None`: it is one of HTTP/1.1 after all, and waits in the pool.
type Connecting = BoxFuture<'static, Result<Option<(Sender, Handshake)>, TransportError>>;

/// A connection, by what is spoken on it.
enum Spoken {
    Http1(Http1),
    Http2(Sender),
}

impl Relay {
    /// To one upstream, `via` a proxy or not.
    pub fn new(via: Via, tls: Tls, limits: &Limits, resolver: Resolver) -> Arc<Relay> {
        let authorization = via.forward_authorization().cloned();
        let connector = Connector::new(via, tls, limits.http2, limits.connect, resolver);
        let pool = Arc::new(http1::Pool::new(limits.idle_connections, limits.idle_timeout));
        let shared = Arc::new(http2::Shared::new(limits.idle_timeout));
        Arc::new(Relay { connector, pool, shared, is_http2: Arc::default(), connecting: Mutex::default(), authorization })
    }

    async fn exchange(&self, head: &mut Parts, payload: &mut Payload) -> Result<Response<UpstreamBody>, TransportError> {
        if let Some(authorization) = &self.authorization {
            head.headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let can_be_repeated = payload.is_repeatable();
        let asked = match self.standing() {
            Some(standing) => self.ask(standing, head, payload).await,
            // In a box: nearly every request finds a connection.
            None => Box::pin(self.connect_and_ask(head, payload)).await,
        };
        match asked {
            Err(Unanswered { error, is_untouched: true }) if can_be_repeated => {
                debug!(cause = %error, "a connection took the request no further; replacing it");
                Box::pin(self.connect_and_ask(head, payload)).await.map_err(|unanswered| unanswered.error)
            }
            asked => asked.map_err(|unanswered| unanswered.error),
        }
    }

    /// Asks over a connection that is never one from the pool: what replaces a dead one must not be another dead one.
    async fn connect_and_ask(&self, head: &Parts, payload: &mut Payload) -> Result<Response<UpstreamBody>, Unanswered> {
        let connected = self.connect(&head.uri).await;
        let (spoken, made) = connected.map_err(|error| Unanswered { error, is_untouched: false })?;
        let mut response = self.ask(spoken, head, payload).await?;
        if let Some(made) = made {
            response.extensions_mut().insert(made);
        }
        Ok(response)
    }

    /// A connection that was used before.
    fn standing(&self) -> Option<Spoken> {
        let shared = if self.is_http2.load(Ordering::Relaxed) { self.shared.get() } else { None };
        shared.map(Spoken::Http2).or_else(|| self.pool.take().map(Spoken::Http1))
    }

    /// A connection that was not, and how it was made if that was for this request.
    async fn connect(&self, target: &Uri) -> Result<(Spoken, Option<Handshake>), TransportError> {
        if self.is_http2.load(Ordering::Relaxed) {
            let (connecting, is_own) = self.connect_for_all(target);
            if let Some((sender, made)) = connecting.await? {
                return Ok((Spoken::Http2(sender), is_own.then_some(made)));
            }
        }
        let connection = self.connector.connect(target).await?;
        let made = Some(connection.made());
        if !connection.is_http2() {
            return Ok((Spoken::Http1(Http1::new(connection)), made));
        }
        self.is_http2.store(true, Ordering::Relaxed);
        Ok((Spoken::Http2(self.shared.open(connection).await?), made))
    }

    /// One connection for all who wait for one, and one failure if there is none; whether it was begun now. Given up when the
    /// last of them goes away.
    fn connect_for_all(&self, target: &Uri) -> (Shared<Connecting>, bool) {
        let mut connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(begun) = connecting.as_ref().and_then(WeakShared::upgrade) {
            return (begun, false);
        }
        let (connector, target, shared, pool) = (self.connector.clone(), target.clone(), self.shared.clone(), self.pool.clone());
        let is_http2 = self.is_http2.clone();
        let begun = async move {
            let mut connection = connector.connect(&target).await?;
            // Those who wait have made it together, each on its own thread; whoever is here last has it.
            connection.come_here().map_err(|error| TransportError::Connect(cause::describe(&error)))?;
            if connection.is_http2() {
                let made = connection.made();
                return Ok(Some((shared.open(connection).await?, made)));
            }
            is_http2.store(false, Ordering::Relaxed);
            pool.put(Http1::new(connection));
            Ok(None)
        };
        let begun = begun.boxed().shared();
        *connecting = begun.downgrade();
        (begun, true)
    }

    async fn ask(&self, spoken: Spoken, head: &Parts, payload: &mut Payload) -> Result<Response<UpstreamBody>, Unanswered> {
        let decoded = match spoken {
            Spoken::Http1(connection) => {
                decode::response(connection.exchange(head, payload, self.connector.is_forwarded(), &self.pool).await?)
            }
            Spoken::Http2(sender) => decode::response(Box::pin(self.shared.exchange(sender, head, payload)).await?),
        };
        decoded.map_err(|error| Unanswered { error, is_untouched: false })
    }
}

impl Transport for Relay {
    fn send(&self, request: Request<Payload>) -> BoxFuture<'_, Result<Response<UpstreamBody>, TransportError>> {
        let (mut head, mut payload) = request.into_parts();
        // A block, for it uses what it is given in place.
        Box::pin(async move { self.exchange(&mut head, &mut payload).await })
    }

    fn connections(&self) -> usize {
        self.connector.count().get()
    }
}
