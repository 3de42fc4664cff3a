//! What happens to every request on every path: an id, a span, the open gateway's rules, CORS, a net under panics, a line
//! in the log.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, EXPECT, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::service_fn;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Cors, CorsLayer};
use tower_service::Service;
use tracing::{Instrument, Span, error_span};

use crate::engine::RequestId;
use crate::server::accept::Handle;
use crate::server::admit::{Place, check_form};
use crate::server::body::lend;
use crate::server::caller::{check_open, is_allowed_origin};
use crate::server::error::{Rejection, in_dialect_of};
use crate::server::metrics::Counted;
use crate::server::router::Paths;
use crate::server::state::{App, Arrival, Metered};
use crate::telemetry::events::RequestAnswered;

/// A request's id, in and out.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What pages of other origins may read of an answer.
const EXPOSED: [HeaderName; 8] = [
    REQUEST_ID,
    HeaderName::from_static("x-upstream-request-id"),
    HeaderName::from_static("x-llmgw-provider"),
    HeaderName::from_static("x-llmgw-model"),
    HeaderName::from_static("x-llmgw-attempts"),
    HeaderName::from_static("x-llmgw-overhead-ms"),
    HeaderName::from_static("x-llmgw-dropped"),
    RETRY_AFTER,
];
/// Asked every few seconds by machines.
const QUIET: [&str; 5] = ["/health", "/v1/health", "/healthz", "/readyz", "/metrics"];

/// The outermost part of one port's paths.
pub(super) struct Edge {
    app: Arc<App>,
    paths: Paths,
    cors: CorsLayer,
}

impl Edge {
    pub(super) fn new(app: Arc<App>, paths: Paths) -> Edge {
        let cors = cors(Arc::clone(&app));
        Edge { app, paths, cors }
    }

    /// `place` is the request's until its answer has ended.
    fn guarded(&self, arrival: Arrival, request: Request<Incoming>, place: &OnceLock<Place>) -> impl Future<Output = Response> + Send {
        let (mut parts, body) = request.into_parts();
        let waits = waits_for_leave(&parts);
        let (body, unread) = lend(body);
        // A block, for it uses what it is given in place.
        async move {
            let response = match self.refusal(&arrival, &parts, &body, place) {
                None => self.paths.answer(&arrival, &mut parts, body).await,
                Some(refusal) => {
                    drop(body);
                    *refusal
                }
            };
            // A client that still sends reads no answer, unless it waits for one before it sends.
            if response.status().as_u16() >= 400 && !waits {
                Box::pin(unread.discard()).await;
            }
            response
        }
    }

    /// Why the request is not answered; else it has its place.
    fn refusal(&self, arrival: &Arrival, parts: &Parts, body: &Body, place: &OnceLock<Place>) -> Option<Box<Response>> {
        match self.check(arrival, parts, body) {
            Ok(taken) => {
                taken.map(|taken| place.set(taken));
                None
            }
            Err(refusal) => Some(Box::new(refuse(refusal, parts.version))),
        }
    }

    /// A place for the request, where it needs one.
    fn check(&self, arrival: &Arrival, parts: &Parts, body: &Body) -> Result<Option<Place>, Rejection> {
        check_form(parts)?;
        let config = &arrival.snapshot.config;
        if !self.app.insecure && arrival.snapshot.keys.is_open() {
            let takes_forms = self.paths.takes_forms(parts.uri.path());
            check_open(parts, !body.is_end_stream(), arrival.client, &config.server.cors, takes_forms)?;
        }
        if self.paths.is_vital(parts.uri.path()) {
            return Ok(None);
        }
        self.app.requests.admit(parts, self.app.room(config)).map(Some)
    }

    /// In a box, for what is around it is moved, and it is large.
    fn answer<'a>(&'a self, arrival: Arrival, request: Request<Incoming>, place: &'a OnceLock<Place>) -> BoxFuture<'a, Response> {
        let asks_across = request.headers().contains_key(ORIGIN) && !arrival.snapshot.config.server.cors.is_empty();
        if asks_across { Box::pin(self.across(arrival, request, place)) } else { Box::pin(self.guarded(arrival, request, place)) }
    }

    /// Answers a page of another origin.
    async fn across(&self, arrival: Arrival, request: Request<Incoming>, place: &OnceLock<Place>) -> Response {
        let inner = service_fn(|request| {
            let arrival = arrival.clone();
            async move { Ok::<_, Infallible>(self.guarded(arrival, request, place).await) }
        });
        let mut cors: Cors<_> = tower::Layer::layer(&self.cors, inner);
        let Ok(response) = cors.call(request).await;
        response
    }
}

impl Handle for Arc<Edge> {
    type Body = Traced;

    fn max_connections(&self) -> usize {
        self.app.room(&self.app.engine.snapshot().config).connections
    }

    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Traced> {
        let client = peer.ip().to_canonical();
        let id = request_id(&request);
        let span = error_span!("request", %id);
        let arrival = Arrival { id, client, received: Instant::now(), snapshot: self.app.engine.snapshot() };
        let is_dashboard = self.paths.takes_forms(request.uri().path());
        let line = Line { arrival: arrival.clone(), method: request.method().clone(), uri: request.uri().clone(), is_dashboard };
        let mut counted = Counted::begin(self.app.engine.metrics(), request.method(), request.uri().path(), arrival.received);
        let place = OnceLock::new();
        let answer = AssertUnwindSafe(self.answer(arrival, request, &place)).catch_unwind().instrument(span.clone());
        let mut response = answer.await.unwrap_or_else(|panic| span.in_scope(|| Rejection::of_panic(&*panic)).into_response());
        in_dialect_of(line.uri.path(), &mut response);
        if let Ok(value) = HeaderValue::from_str(line.arrival.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        if response.extensions_mut().remove::<Metered>().is_none() {
            span.in_scope(|| line.write(response.status().as_u16()));
        }
        counted.answers(response.status().as_u16());
        let place = place.into_inner();
        response.map(|body| Traced { body, span, _counted: counted, _place: place })
    }
}

/// Over HTTP/1.0, or with another expectation, nobody waits.
fn waits_for_leave(parts: &Parts) -> bool {
    let expected = parts.headers.get(EXPECT);
    parts.version > Version::HTTP_10 && expected.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn refuse(refusal: Rejection, version: Version) -> Response {
    // HTTP/2 knows where a request ends.
    let is_last = refusal.ends_connection() && version < Version::HTTP_2;
    let mut response = refusal.into_response();
    if is_last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn request_id<B>(request: &Request<B>) -> RequestId {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    given.and_then(RequestId::from_client).unwrap_or_else(RequestId::make)
}

/// The origins are read from the configuration in force, so a reload changes them.
fn cors(app: Arc<App>) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &Parts| is_allowed_origin(origin, &app.engine.snapshot().config.server.cors);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(std::time::Duration::from_secs(600))
}

/// What the log says of a request that no engine saw.
struct Line {
    arrival: Arrival,
    method: Method,
    uri: Uri,
    /// Its pages ask again and again while somebody looks at them.
    is_dashboard: bool,
}

impl Line {
    fn write(&self, status: u16) {
        let answered = RequestAnswered {
            client: self.arrival.client,
            method: self.method.as_str(),
            path: self.uri.path(),
            status,
            total: self.arrival.received.elapsed(),
            quiet: QUIET.contains(&self.uri.path()) || (self.is_dashboard && self.method == Method::GET),
        };
        answered.emit();
    }
}

pin_project! {
    /// An answer's body; what happens while it is read belongs to its request's span.
    pub(super) struct Traced {
        #[pin]
        body: Body,
        span: Span,
        _counted: Counted,
        _place: Option<Place>,
    }

    impl PinnedDrop for Traced {
        fn drop(this: Pin<&mut Self>) {
            // The engine settles its accounts, and writes its last line, when the body goes.
            let mut this = this.project();
            let _entered = this.span.enter();
            this.body.set(Body::empty());
        }
    }
}

impl http_body::Body for Traced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let _entered = this.span.enter();
        this.body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::request_id;

    #[test]
    fn a_sane_id_of_the_clients_is_kept_and_any_other_replaced() {
        let with = |id: &str| request_id(&Request::builder().header("x-request-id", id).body(()).unwrap()).to_string();
        assert_eq!(with("trace-1/2"), "trace-1/2");
        for wild in ["", "a b", "<script>", &"x".repeat(200)] {
            assert!(with(wild).starts_with("req-"), "{wild}");
        }
        assert!(request_id(&Request::new(())).as_str().starts_with("req-"));
    }
}
