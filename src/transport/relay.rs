//! [`Relay`]: requests to one upstream over sockets, with a pool of connections.
//!
//! Follows no redirect and retries nothing, but for one case: a request that no upstream has taken on, because its pooled
//! connection died unanswered or HTTP/2 turned it away unprocessed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::PROXY_AUTHORIZATION;
use http::{Extensions, HeaderValue, Request, Response};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use tracing::debug;

use super::connect::{ConnectFailure, Connector, Resolver};
use super::connection::{Count, Life};
use super::tls::Tls;
use super::via::Via;
use super::{Payload, Transport, TransportError, UpstreamBody, cause, decode};

/// Read of an answer at once, its head included: the most of it that waits in memory for a client that does not read.
const READ_AHEAD: usize = 64 * 1024;

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
    pooled: Client<Connector, Payload>,
    /// Never takes a connection from a pool: what replaces a dead connection must not be another dead one.
    fresh: Client<Connector, Payload>,
    open: Count,
    authorization: Option<HeaderValue>,
}

impl Relay {
    /// To one upstream, `via` a proxy or not.
    pub fn new(via: Via, tls: Tls, limits: &Limits, resolver: Resolver) -> Arc<Relay> {
        let authorization = via.forward_authorization().cloned();
        let connector = Connector::new(via, tls, limits.http2, limits.connect, resolver);
        let open = connector.count().clone();
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .http1_max_buf_size(READ_AHEAD)
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits.idle_timeout);
        let pooled = builder.pool_max_idle_per_host(limits.idle_connections).build(connector.clone());
        let fresh = builder.pool_max_idle_per_host(0).build(connector);
        Arc::new(Relay { pooled, fresh, open, authorization })
    }

    async fn exchange(&self, mut request: Request<Payload>) -> Result<Response<UpstreamBody>, TransportError> {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let (copy, begun) = (again(&request), Instant::now());
        let mut response = match (self.pooled.request(request).await, copy) {
            (Ok(response), _) => response,
            (Err(error), Some(request)) if was_not_taken_on(&error) => {
                debug!(cause = %cause::describe(&error), "a connection took the request no further; replacing it");
                self.fresh.request(request).await.map_err(|error| failure(&error))?
            }
            (Err(error), _) => return Err(failure(&error)),
        };
        if let Some(life) = response.extensions().get::<Life>() {
            life.answered();
            if let Some(made) = life.made_since(begun) {
                response.extensions_mut().insert(made);
            }
        }
        decode::response(response)
    }
}

impl Transport for Relay {
    fn send(&self, request: Request<Payload>) -> BoxFuture<'_, Result<Response<UpstreamBody>, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn connections(&self) -> usize {
        self.open.get()
    }
}

fn again(request: &Request<Payload>) -> Option<Request<Payload>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Whether nobody can have begun to work on the request that ended in `error`.
fn was_not_taken_on(error: &Error) -> bool {
    match cause::find::<h2::Error>(error) {
        // The stream was refused, or is beyond the last one of a connection that goes away: whoever says so has not looked at
        // it (RFC 9113 §8.7). What else ends a stream may have come after the work was done.
        Some(error) => error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM)),
        None => died_unanswered(error),
    }
}

fn died_unanswered(error: &Error) -> bool {
    let Some(connected) = error.connect_info() else { return false };
    let mut extensions = Extensions::new();
    connected.get_extras(&mut extensions);
    // A request's own body that fails ends a connection too, and would fail again.
    extensions.get::<Life>().is_some_and(Life::is_used_and_silent) && cause::find::<TransportError>(error).is_none()
}

fn failure(error: &Error) -> TransportError {
    match (cause::find::<ConnectFailure>(error), cause::find::<TransportError>(error)) {
        (Some(ConnectFailure::TimedOut(limit)), _) => TransportError::ConnectTimeout(*limit),
        (Some(ConnectFailure::Failed(reason)), _) => TransportError::Connect(reason.clone()),
        (_, Some(TransportError::Request(reason))) => TransportError::Request(reason.clone()),
        (_, Some(own)) => TransportError::Request(own.to_string()),
        _ if error.is_connect() => TransportError::Connect(cause::describe(error)),
        _ => TransportError::Closed(cause::describe(error)),
    }
}
