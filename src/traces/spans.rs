//! A request's account as spans: the request, the choice of whom to ask, the call of a model, and every attempt at it.
//!
//! Pure. Which ids the request and its attempts have was decided before anything was sent; those of the two spans between
//! follow from the request's.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::attributes::Attributes;
use super::model_call::{self, error_type};
use crate::hub::{Endpoint, Outcome};
use crate::telemetry::conventions::{self as names, Names};
use crate::telemetry::record::{Attempt, Record, Route, Skip};
use crate::telemetry::trace::{SpanId, TraceContext};

/// OTLP's flag: it is known whether the parent is in another process.
const HAS_IS_REMOTE: u32 = 0x100;

/// OTLP's flag: the parent is in another process.
const IS_REMOTE: u32 = 0x200;

/// Which ids follow from a request's own.
const PLAN: u64 = 1;
const MODEL_CALL: u64 = 2;

/// What spans depend on beside the account.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The generation's names.
    pub names: Names,
    /// `http` or `https`.
    pub scheme: &'static str,
}

/// The spans of `record`, the request's own first; none if it is not traced. `said` is what its bodies say of the call.
pub fn spans(record: &Record, view: View, said: Attributes) -> Vec<Span> {
    let Some(context) = record.span else { return Vec::new() };
    let scene = Scene { record, context, view };
    let mut spans = vec![scene.request()];
    let plan = scene.plan();
    let call = record.dialect.and_then(|_| Endpoint::of_path(&record.endpoint)).filter(|_| !record.attempts.is_empty());
    let parent = match call {
        Some(endpoint) => {
            spans.extend(plan);
            spans.push(scene.model_call(endpoint, said));
            context.span.beside(MODEL_CALL)
        }
        None => {
            spans.extend(plan);
            context.span
        }
    };
    spans.extend(record.attempts.iter().enumerate().filter_map(|(place, attempt)| scene.attempt(place, attempt, parent)));
    spans
}

/// One request, looked at.
struct Scene<'a> {
    record: &'a Record,
    context: TraceContext,
    view: View,
}

impl Scene<'_> {
    /// A span from `begun` on, for so long; both after the request came in.
    fn span(&self, id: SpanId, parent: SpanId, (begun, took): (Duration, Duration)) -> Span {
        Span {
            trace_id: self.context.trace.to_bytes().to_vec(),
            span_id: id.to_bytes().to_vec(),
            trace_state: self.record.tracestate.as_deref().unwrap_or_default().to_owned(),
            parent_span_id: parent.to_bytes().to_vec(),
            flags: u32::from(self.context.flags()) | HAS_IS_REMOTE,
            start_time_unix_nano: self.at(begun),
            end_time_unix_nano: self.at(begun + took),
            ..Span::default()
        }
    }

    /// The time so long after the request came in, in nanoseconds since 1970.
    fn at(&self, after: Duration) -> u64 {
        let since = self.record.received.duration_since(std::time::UNIX_EPOCH).unwrap_or_default() + after;
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn event(&self, name: &str, after: Duration, attributes: Attributes) -> Event {
        let (name, attributes) = (name.to_owned(), attributes.into_inner());
        Event { time_unix_nano: self.at(after), name, attributes, dropped_attributes_count: 0 }
    }

    /// As its client sees it.
    fn request(&self) -> Span {
        let record = self.record;
        // What is passed through names no route of few.
        let route = record.dialect.map(|_| format!("/v1{}", record.endpoint));
        let name = route.as_ref().map_or_else(|| record.method.to_string(), |route| format!("{} {route}", record.method));
        let mut about = Attributes::default();
        about.put(names::HTTP_METHOD, record.method.as_str());
        about.put(names::URL_SCHEME, self.view.scheme);
        about.put(names::URL_PATH, route.as_deref().unwrap_or(&record.endpoint));
        about.put_some(names::HTTP_ROUTE, route.as_deref());
        let is_unanswered = record.outcome == Outcome::ClientGone && record.status == 499;
        about.put_some(names::HTTP_STATUS, (!is_unanswered).then_some(i64::from(record.status)));
        about.put_some(names::CLIENT_ADDRESS, record.client.map(|client| client.to_string()));
        about.put_some(names::HTTP_REQUEST_SIZE, record.request_bytes);
        about.put(names::HTTP_RESPONSE_SIZE, record.bytes);
        about.put(names::REQUEST_ID, &*record.id);
        about.put(names::CALLER, &*record.caller);
        about.put(names::OUTCOME, record.outcome.as_str());
        about.put(names::ATTEMPTS, record.attempts.len() as u64);
        about.put_some(names::HEDGE, record.hedged.then_some(true));
        about.put(names::OVERHEAD, record.overhead.as_secs_f64());
        // What is the client's own fault is no error of the server's span.
        let error = error_type(record.outcome, Some(record.status)).filter(|_| record.status >= 500 || record.status < 400);
        about.put_some(names::ERROR_TYPE, error.clone());
        let parent = record.traceparent.filter(|_| record.span.is_some());
        let span = self.span(self.context.span, self.context.span, (Duration::ZERO, record.total));
        Span {
            name,
            kind: SpanKind::Server.into(),
            parent_span_id: parent.map(|parent| parent.span.to_bytes().to_vec()).unwrap_or_default(),
            flags: span.flags | if parent.is_some() { IS_REMOTE } else { 0 },
            attributes: about.into_inner(),
            status: status(error.is_some(), record.error.as_deref()),
            ..span
        }
    }

    /// The choice of whom to ask: the routes in their order, and who was passed over.
    fn plan(&self) -> Option<Span> {
        let (record, (begun, took)) = (self.record, self.record.planning?);
        let mut about = Attributes::default();
        about.put(names::REQUEST_MODEL, record.model.as_str());
        about.put(names::RESOLVED_BY, record.resolved_by.as_str());
        about.put(names::ROUTES, record.plan.iter().map(written).collect::<Vec<_>>());
        let skipped = record.skipped.iter().filter(|skip| skip.at <= begun + took).map(|skip| self.skipped(skip));
        Some(Span {
            name: names::SPAN_PLAN.to_owned(),
            kind: SpanKind::Internal.into(),
            events: skipped.collect(),
            attributes: about.into_inner(),
            ..self.span(self.context.span.beside(PLAN), self.context.span, (begun, took))
        })
    }

    fn skipped(&self, skip: &Skip) -> Event {
        let mut about = Attributes::default();
        put_route(&mut about, &skip.route);
        about.put(names::REASON, skip.reason.as_str());
        self.event(names::EVENT_SKIPPED, skip.at, about)
    }

    /// The call of a model, over all attempts.
    fn model_call(&self, endpoint: Endpoint, said: Attributes) -> Span {
        let record = self.record;
        let begun = record.attempts.first().map(|first| first.began).unwrap_or_default();
        let ended = record.attempts.iter().map(|attempt| attempt.began + attempt.took).max().unwrap_or_default();
        let planned = record.planning.map(|(begun, took)| begun + took).unwrap_or_default();
        let error = model_call::error(record);
        let mut about = model_call::attributes(record, endpoint, begun, self.view.names, said);
        about.put_some(names::ERROR_TYPE, error.clone());
        Span {
            name: format!("{} {}", names::operation(endpoint), record.model),
            kind: SpanKind::Client.into(),
            // Who was found full or at rest when his turn came.
            events: record.skipped.iter().filter(|skip| skip.at > planned).map(|skip| self.skipped(skip)).collect(),
            attributes: about.into_inner(),
            status: status(error.is_some(), record.error.as_deref()),
            ..self.span(self.context.span.beside(MODEL_CALL), self.context.span, (begun, ended.saturating_sub(begun)))
        }
    }

    /// One try at one upstream.
    fn attempt(&self, place: usize, attempt: &Attempt, parent: SpanId) -> Option<Span> {
        let error = error_type(attempt.outcome, attempt.status);
        let method = &self.record.method;
        let mut about = Attributes::default();
        about.put(names::HTTP_METHOD, method.as_str());
        about.put_some(names::HTTP_STATUS, attempt.status.map(i64::from));
        about.put_some(names::HTTP_RESEND, (place > 0).then_some(place as u64));
        about.put(names::SERVER_ADDRESS, &*attempt.peer.host);
        about.put(names::SERVER_PORT, i64::from(attempt.peer.port));
        about.put_some(names::ERROR_TYPE, error.clone());
        put_route(&mut about, &attempt.route);
        about.put(names::OUTCOME, attempt.outcome.as_str());
        about.put_some(names::DIALECT, attempt.dialect.map(|dialect| dialect.word()));
        about.put_some(names::HEDGE, attempt.is_hedge.then_some(true));
        about.put_some(names::COST, attempt.cost.as_ref().map(|cost| cost.usd));
        Some(Span {
            name: format!("{method} {}", written(&attempt.route)),
            kind: SpanKind::Client.into(),
            attributes: about.into_inner(),
            events: self.times(attempt),
            status: status(error.is_some(), attempt.reason.as_deref()),
            ..self.span(attempt.span?, parent, (attempt.began, attempt.took))
        })
    }

    /// What came when. That a connection was begun with the attempt is nearly true: there may have been a login before.
    fn times(&self, attempt: &Attempt) -> Vec<Event> {
        let connected = attempt.connect.unwrap_or_default();
        let secured = attempt.tls.map(|took| (names::EVENT_TLS, connected + took, Some(took)));
        let steps = [
            attempt.connect.map(|took| (names::EVENT_CONNECT, took, Some(took))),
            secured,
            attempt.first_byte.map(|after| (names::EVENT_FIRST_BYTE, after, None)),
            attempt.first_token.map(|after| (names::EVENT_FIRST_TOKEN, after, None)),
        ];
        let events = steps.into_iter().flatten().map(|(name, after, took)| {
            let mut about = Attributes::default();
            about.put_some(names::TOOK, took.map(|took| took.as_secs_f64()));
            self.event(name, attempt.began + after, about)
        });
        events.collect()
    }
}

/// `PROVIDER/MODEL`, or the provider alone where no model is named.
fn written(route: &Route) -> String {
    match &*route.upstream_model {
        "" => route.provider.to_string(),
        model => format!("{}/{model}", route.provider),
    }
}

fn put_route(about: &mut Attributes, route: &Route) {
    about.put(names::ROUTE_PROVIDER, &*route.provider);
    about.put(names::ROUTE_MODEL, &*route.upstream_model);
    about.put(names::ROUTE_VIA, &*route.via);
}

/// Nothing is said of what went well: the conventions leave that to whoever looks.
fn status(has_failed: bool, message: Option<&str>) -> Option<Status> {
    let message = message.unwrap_or_default().to_owned();
    has_failed.then(|| Status { message, code: StatusCode::Error.into() })
}
