//! The account of one request, as plain data: what was asked, which way it went, how each attempt ended, what it cost.
//!
//! Made once, when a request ends. Whoever wants to know of it is an [`Observer`]: the ledger, the metrics, traces, files
//! of requests, the dashboard. Holds no secret: errors and reasons were masked before, what a client
//! has chosen is by [`Record::mask`], and no header is kept.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use serde::{Serialize, Serializer};

use crate::config::Secret;
use crate::hub::{Kind, Outcome, Provenance, Usage};
use crate::telemetry::redact::Known;
use crate::telemetry::trace::{SpanId, TraceContext};

/// nginx's word for a client that left before it was answered; for logs only, never sent.
const CLIENT_GONE: u16 = 499;

/// A request that has ended, well or not.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Its id, as its client and the log know it.
    pub id: Arc<str>,
    /// When it came in.
    #[serde(serialize_with = "rfc3339")]
    pub received: SystemTime,
    /// From where; `None` for the command line.
    pub client: Option<IpAddr>,
    /// Name of the caller's key.
    pub caller: Arc<str>,
    /// How it was asked.
    #[serde(skip)]
    pub method: Method,
    /// What was asked: `/chat/completions`, or the path that was passed through, without its query.
    pub endpoint: Cow<'static, str>,
    /// What the client speaks; `None` where a provider is named and nothing is read.
    #[serde(serialize_with = "word")]
    pub dialect: Option<Kind>,
    /// The name that was asked for; empty where none was.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// What the name was found to be.
    pub resolved_by: String,
    /// The same as a name: the entry of `models` (a wildcard as it is written there), `auto`, or what a provider offers;
    /// empty where it was found to be nothing. Unlike `model`, it is mostly not the client's to choose. For metrics; not kept.
    #[serde(skip)]
    pub entry: Arc<str>,
    /// Whom to ask, in this order.
    pub plan: Vec<Route>,
    /// When that was begun to be looked for, after the request came in, and how long it took; `None`: it never was.
    #[serde(skip)]
    pub planning: Option<(Duration, Duration)>,
    /// Who was passed over, and why.
    pub skipped: Vec<Skip>,
    /// Every try, in the order in which they began.
    pub attempts: Vec<Attempt>,
    /// The provider that answered, or was tried last; empty if none was.
    pub provider: Arc<str>,
    /// The upstream's name of the model.
    pub upstream_model: Arc<str>,
    /// What the client was told.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Until the first content.
    #[serde(rename = "first_token_ms", serialize_with = "some_milliseconds")]
    pub first_token: Option<Duration>,
    /// Until the upstream's answer began.
    #[serde(rename = "upstream_ms", serialize_with = "some_milliseconds")]
    pub upstream: Option<Duration>,
    /// Spent in llmgw itself until the answer began, or the request failed.
    #[serde(rename = "overhead_ms", serialize_with = "milliseconds")]
    pub overhead: Duration,
    /// Until the end.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub total: Duration,
    /// Bytes of the request's body; `None` where it streamed through.
    pub request_bytes: Option<u64>,
    /// Bytes sent to the client.
    pub bytes: u64,
    /// Pieces sent to the client.
    pub chunks: u64,
    /// Tokens of the answer that the client got.
    #[serde(serialize_with = "counted")]
    pub usage: Option<(Usage, Provenance)>,
    /// What all attempts have cost; `None`: nothing was used, or no price is known.
    pub cost: Option<Cost>,
    /// A second attempt was started beside a silent one.
    pub hedged: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// What a tracing client sent along.
    pub traceparent: Option<TraceContext>,
    /// What it sent along beside that, for its tracing system; kept only for a request that is traced.
    #[serde(skip)]
    pub tracestate: Option<Box<str>>,
    /// The request's own span; `None`: it is not traced.
    pub span: Option<TraceContext>,
    /// What was said; kept only while an observer wants it.
    #[serde(skip)]
    pub bodies: Option<Bodies>,
}

/// One route of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The public name whose route it is.
    pub via: Arc<str>,
    /// Name of the provider.
    pub provider: Arc<str>,
    /// The upstream's name of the model.
    pub upstream_model: Arc<str>,
}

/// A route that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Which.
    #[serde(flatten)]
    pub route: Route,
    /// Why, in a few words.
    pub reason: String,
    /// When, after the request came in.
    #[serde(skip)]
    pub at: Duration,
}

/// Who is asked, as programs name it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// The preset, or the word for the provider's kind.
    pub vendor: Arc<str>,
    /// Its host, without a port.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
}

/// One try at one upstream.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Whom.
    #[serde(flatten)]
    pub route: Route,
    /// Where that is.
    pub peer: Arc<Peer>,
    /// In which dialect it was asked; `None` where nothing was read.
    #[serde(serialize_with = "word")]
    pub dialect: Option<Kind>,
    /// When it began, after the request came in.
    #[serde(rename = "began_ms", serialize_with = "milliseconds")]
    pub began: Duration,
    /// Making a connection took so long; `None`: one stood already, or there is none.
    #[serde(rename = "connect_ms", serialize_with = "some_milliseconds")]
    pub connect: Option<Duration>,
    /// TLS on it took so long.
    #[serde(rename = "tls_ms", serialize_with = "some_milliseconds")]
    pub tls: Option<Duration>,
    /// From its beginning until the head of the answer.
    #[serde(rename = "first_byte_ms", serialize_with = "some_milliseconds")]
    pub first_byte: Option<Duration>,
    /// From its beginning until the first content of a stream.
    #[serde(rename = "first_token_ms", serialize_with = "some_milliseconds")]
    pub first_token: Option<Duration>,
    /// From its beginning to its end.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub took: Duration,
    /// The upstream's status, if it gave one.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong.
    pub reason: Option<String>,
    /// Tokens it used.
    #[serde(serialize_with = "counted")]
    pub usage: Option<(Usage, Provenance)>,
    /// What it cost; `None`: nothing was used, or no price is known.
    pub cost: Option<Cost>,
    /// It was started beside a silent one.
    pub is_hedge: bool,
    /// Its span, as the upstream was told of it; `None`: the request is not traced.
    pub span: Option<SpanId>,
}

/// What tokens have cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// In US dollars.
    pub usd: f64,
    /// Which list of prices that is by: the built-in one's date, or `config`.
    pub prices: Cow<'static, str>,
}

/// What was said: neither masked nor decoded.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    /// The request's body.
    pub request: Bytes,
    /// What was sent to the client: all of it, or its beginning.
    pub response: Bytes,
    /// The answer was longer.
    pub is_cut: bool,
    /// What the upstream was asked with, tokens of logins included: it may repeat them in the answer.
    pub secrets: Vec<Secret>,
}

/// Wants to know of requests. Called in the middle of the work: must neither wait nor do much.
pub trait Observer: Send + Sync {
    /// A request has ended.
    fn finished(&self, record: &Arc<Record>);

    /// Whether [`Record::bodies`] shall be kept for it.
    fn wants_bodies(&self) -> bool {
        false
    }

    /// Whether requests shall have spans, of which upstreams are told.
    fn wants_spans(&self) -> bool {
        false
    }
}

impl Attempt {
    /// How long it took until it had a connection, TLS included.
    pub fn connected(&self) -> Duration {
        self.connect.map_or(Duration::ZERO, |connect| connect + self.tls.unwrap_or_default())
    }

    /// Whether it was sent over a connection that stood already; the built-in mock has none.
    pub fn reused_connection(&self) -> bool {
        self.first_byte.is_some() && self.connect.is_none() && &*self.peer.vendor != "mock"
    }
}

impl Default for Record {
    /// Of a request of which nothing is known but that its client left.
    fn default() -> Record {
        Record {
            id: Arc::default(),
            received: SystemTime::UNIX_EPOCH,
            client: None,
            caller: Arc::default(),
            method: Method::POST,
            endpoint: Cow::default(),
            dialect: None,
            model: String::new(),
            stream: false,
            resolved_by: String::new(),
            entry: Arc::default(),
            plan: Vec::new(),
            planning: None,
            skipped: Vec::new(),
            attempts: Vec::new(),
            provider: Arc::default(),
            upstream_model: Arc::default(),
            status: CLIENT_GONE,
            outcome: Outcome::ClientGone,
            first_token: None,
            upstream: None,
            overhead: Duration::ZERO,
            total: Duration::ZERO,
            request_bytes: None,
            bytes: 0,
            chunks: 0,
            usage: None,
            cost: None,
            hedged: false,
            error: None,
            traceparent: None,
            tracestate: None,
            span: None,
            bodies: None,
        }
    }
}

impl Record {
    /// Whether a client got less than it asked for, and not by its own doing.
    pub fn has_failed(&self) -> bool {
        self.outcome.is_failure()
    }

    /// Masks what its client chose: some send a key as the model's name.
    pub fn mask(&mut self, secrets: &Known) {
        if let Cow::Owned(id) = secrets.redact(&self.id) {
            self.id = id.into();
        }
        self.error = self.error.take().map(|error| secrets.redact(&error).into_owned());
        if let Cow::Owned(model) = secrets.redact(&self.model) {
            self.model = model;
            // Where a name is passed on, it stands in its routes too.
            let routes = self.plan.iter_mut().chain(self.skipped.iter_mut().map(|skip| &mut skip.route));
            for route in routes.chain(self.attempts.iter_mut().map(|attempt| &mut attempt.route)) {
                route.via = secrets.redact(&route.via).into();
                route.upstream_model = secrets.redact(&route.upstream_model).into();
            }
            self.upstream_model = secrets.redact(&self.upstream_model).into();
        }
    }

    /// When it was over, its attempts too, after it came in.
    pub fn over(&self) -> Duration {
        self.attempts.iter().map(|attempt| attempt.began + attempt.took).max().unwrap_or_default().max(self.total)
    }

    /// Attempts that failed before one was taken.
    pub fn failovers(&self) -> usize {
        self.attempts.len().saturating_sub(1)
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*duration))
}

fn some_milliseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(rounded).serialize(serializer)
}

/// Milliseconds to the microsecond.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}

fn word<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(Kind::word).serialize(serializer)
}

/// Tokens, and where the numbers come from, beside each other.
fn counted<S: Serializer>(usage: &Option<(Usage, Provenance)>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counted {
        #[serde(flatten)]
        usage: Usage,
        provenance: Provenance,
    }
    usage.map(|(usage, provenance)| Counted { usage, provenance }).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Record, Route, Skip};
    use crate::config::Secret;
    use crate::telemetry::redact::Known;

    #[test]
    fn a_key_that_is_sent_as_a_models_name_is_shown_nowhere() {
        let name = "x/upsecret-0123456789abc";
        let route = Route { via: name.into(), provider: "x".into(), upstream_model: "upsecret-0123456789abc".into() };
        let skip = Skip { route: route.clone(), reason: "cooling".to_owned(), at: Duration::ZERO };
        let error = Some(format!("the model `{name}` does not exist"));
        let plan = vec![route];
        let mut record = Record { id: name.into(), model: name.to_owned(), error, plan, skipped: vec![skip], ..Record::default() };
        record.upstream_model = "upsecret-0123456789abc".into();
        record.mask(&Known::new(vec![Secret::new("upsecret-0123456789abc")]));
        let shown = format!("{record:?}");
        assert!(!shown.contains("0123456789") && shown.contains("upsec****9abc"), "{shown}");
    }
}
