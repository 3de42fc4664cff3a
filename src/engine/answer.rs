//! What an upstream's reply comes to: an answer for the client, or a failure with its meaning.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue};
use http::{StatusCode, request};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::config::{Detect, Secret};
use crate::engine::hold::Begun;
use crate::engine::live::Snapshot;
use crate::engine::mask::masked;
use crate::engine::speech::Speech;
use crate::engine::verdict::{Reason, Verdict, judge, retry_delay};
use crate::hub::{ApiError, Topic, Usage, retry_after};
use crate::providers::{ProviderError, headers};
use crate::routing::Failure;
use crate::telemetry::redact::{redact, redact_cut};
use crate::transport::{TransportError, UpstreamBody};

pub use crate::engine::mask::{mask, mask_headers};

/// How much of an error's body is read before it decides: enough for any message, little enough to hold.
const LARGEST_ERROR: usize = 256 * 1024;

/// How long an error's body may take before the status alone decides.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// A reply that is the client's.
pub struct Answered {
    /// The upstream's status.
    pub status: StatusCode,
    /// Its headers that may go on.
    pub headers: HeaderMap,
    /// Its body.
    pub body: AnsweredBody,
    /// What must not reach the client.
    pub credential: Credential,
    /// When all of the body must have come, unless it is a stream.
    pub until: Option<Instant>,
    /// Hints of the request that the upstream was not given.
    pub dropped: Vec<Cow<'static, str>>,
    /// Of an error that goes back: what it is about.
    pub topic: Option<Topic>,
}

impl Answered {
    /// With this status, these headers and this body.
    pub fn new(status: StatusCode, headers: HeaderMap, body: AnsweredBody) -> Answered {
        Answered { status, headers, body, credential: Credential::default(), until: None, dropped: Vec::new(), topic: None }
    }
}

/// A committed body.
pub enum AnsweredBody {
    /// All of it.
    Full(Bytes, Option<Usage>),
    /// A stream of events.
    Events {
        /// The held-back beginning and the rest.
        begun: Box<Begun>,
        /// In which dialects it is said.
        speech: Speech,
        /// The usage chunk is not the client's.
        withhold_usage: bool,
    },
    /// Any other body: its first piece and the rest.
    Raw(Option<Bytes>, UpstreamBody),
}

impl AnsweredBody {
    /// Without any of `secrets`, wherever in an error's body the upstream repeated them.
    pub fn masked(self, secrets: &[Secret]) -> AnsweredBody {
        match self {
            AnsweredBody::Full(body, usage) => AnsweredBody::Full(mask(body, secrets), usage),
            AnsweredBody::Raw(first, rest) => AnsweredBody::Raw(None, masked(first.unwrap_or_default(), rest, secrets.to_vec())),
            AnsweredBody::Events { .. } => self,
        }
    }
}

/// What a request was signed with; kept as it was sent, read only when something went wrong.
#[derive(Clone, Debug, Default)]
pub struct Credential([Option<HeaderValue>; 2]);

/// Why a try failed.
#[derive(Debug)]
pub struct Failed {
    /// The upstream's status, if it gave one.
    pub status: Option<StatusCode>,
    /// In one line, without secrets.
    pub reason: String,
    /// What it means for the upstream's health; `None`: nothing.
    pub failure: Option<Failure>,
    /// The same upstream may well answer the next time.
    pub in_passing: bool,
    /// It ran out of time.
    pub timed_out: bool,
    /// How long the upstream asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The upstream's error body, if it is one.
    pub body: Option<Bytes>,
    /// Its headers that may go on.
    pub headers: HeaderMap,
    /// What its error is about.
    pub topic: Option<Topic>,
}

/// What a reply was found to be.
pub enum Read {
    /// The client's.
    Answered(Answered),
    /// A failure, and which.
    Failed(Failed, Reason),
}

impl Failed {
    /// A failure in passing.
    pub fn new(reason: impl Into<String>, failure: Option<Failure>) -> Failed {
        let (status, retry_after, body) = (None, None, None);
        Failed {
            status,
            reason: reason.into(),
            failure,
            in_passing: true,
            timed_out: false,
            retry_after,
            body,
            headers: HeaderMap::new(),
            topic: None,
        }
    }

    /// Of an upstream that had said `status` before it failed.
    pub fn after(status: StatusCode, reason: impl Into<String>) -> Failed {
        Failed { status: Some(status), ..Failed::new(reason, Some(Failure::Attempt)) }
    }

    /// Of an upstream that refused the only credential there was.
    pub fn refused(status: StatusCode, error: Option<&ApiError>) -> Failed {
        let reason = error.map_or_else(|| "the credential was refused".to_owned(), |error| error.summary().into_owned());
        Failed { in_passing: false, failure: Some(Failure::Credentials), ..Failed::after(status, reason) }
    }

    /// `what` did not happen within `limit`. When that was cut short by our own deadline, it is not the upstream's fault.
    pub fn timed_out(what: &str, limit: Duration, is_ours: bool) -> Failed {
        let reason = format!("{what} within {}", humantime::format_duration(rounded(limit)));
        Failed { timed_out: true, ..Failed::new(reason, (!is_ours).then_some(Failure::Attempt)) }
    }

    /// What a failure on the wire means.
    pub fn from_transport(error: &TransportError) -> Failed {
        let failure = match error {
            TransportError::Connect(_) | TransportError::ConnectTimeout(_) => Some(Failure::Connect),
            // The client's own sender went away.
            TransportError::Request(_) => None,
            TransportError::Closed(_) | TransportError::Broken(_) | TransportError::Encoding(_) => Some(Failure::Attempt),
        };
        let timed_out = matches!(error, TransportError::ConnectTimeout(_));
        Failed { timed_out, ..Failed::new(error.to_string(), failure) }
    }

    /// What a failure to address or sign means.
    pub fn from_provider(error: &ProviderError) -> Failed {
        let failure = match error {
            ProviderError::Login { refused: true, .. } => Some(Failure::Credentials),
            ProviderError::Login { refused: false, .. } => Some(Failure::Connect),
            // Nobody was asked.
            ProviderError::Address(_) | ProviderError::Signature(_) => None,
        };
        Failed { in_passing: failure == Some(Failure::Connect), ..Failed::new(error.to_string(), failure) }
    }

    /// Without any secret of the provider, in whatever text the upstream repeated it.
    pub fn masked(self, secrets: &[Secret]) -> Failed {
        let reason = redact(&redact_cut(&self.reason, secrets)).into_owned();
        let body = self.body.map(|body| mask(body, secrets));
        Failed { reason, body, headers: mask_headers(self.headers, secrets), ..self }
    }
}

impl Credential {
    /// What `head` was signed with.
    pub fn of(head: &request::Parts) -> Credential {
        let mut sent = headers::OF_CREDENTIALS.iter().filter_map(|name| head.headers.get(name)).cloned();
        // No provider sends more than two.
        Credential([sent.next(), sent.next()])
    }

    /// Everything that must not leave: what was sent, and all that is configured for the provider.
    pub fn secrets(&self, snapshot: &Snapshot, provider: usize) -> Vec<Secret> {
        let sent = self.0.iter().flatten().filter_map(|value| value.to_str().ok()).flat_map(headers::credentials_of);
        let configured = snapshot.upstreams.get(provider).map(|upstream| upstream.secrets.as_slice()).unwrap_or_default();
        configured.iter().cloned().chain(sent.map(Secret::new)).collect()
    }
}

/// What a reply means whose status is no success. Its body is read as far as it may decide; a longer one is passed on.
pub async fn unsuccessful(detect: &Detect, status: StatusCode, head: &HeaderMap, body: UpstreamBody, by: Instant) -> Read {
    match error_body(body, by).await {
        (read, None) => {
            let error = ApiError::read_failed(&read);
            failed(detect, status, head, error, AnsweredBody::Full(read, None))
        }
        (read, Some(rest)) => failed(detect, status, head, None, AnsweredBody::Raw(Some(read), rest)),
    }
}

/// What a reply with this status and error means; `body` goes to the client if it is the client's.
pub fn failed(detect: &Detect, status: StatusCode, head: &HeaderMap, error: Option<ApiError>, body: AnsweredBody) -> Read {
    let reason = match judge(detect, status, error.as_ref()) {
        Verdict::TryNext(reason) => reason,
        Verdict::Accept | Verdict::GiveBack => {
            let headers = headers::returnable(head);
            let topic = error.as_ref().and_then(ApiError::topic);
            return Read::Answered(Answered { topic, ..Answered::new(status, headers, body) });
        }
    };
    let told = match &body {
        AnsweredBody::Full(body, _) => retry_delay(body),
        _ => None,
    };
    let wait = retry_after(head, SystemTime::now()).or(told);
    let failure = match reason {
        Reason::Credential => Some(Failure::Credentials),
        Reason::RateLimited => Some(Failure::RateLimited(wait)),
        Reason::Failed { harmless: true, .. } => None,
        Reason::Failed { harmless: false, .. } => Some(Failure::Attempt),
    };
    let in_passing = matches!(reason, Reason::RateLimited | Reason::Failed { lasting: false, .. });
    let text = match &error {
        Some(error) => error.summary().into_owned(),
        None => status.canonical_reason().unwrap_or("failed").to_owned(),
    };
    let body = match body {
        AnsweredBody::Full(body, _) if error.is_some() => Some(body),
        _ => None,
    };
    let (headers, topic) = (headers::returnable(head), error.as_ref().and_then(ApiError::topic));
    Read::Failed(
        Failed { status: Some(status), reason: text, failure, in_passing, timed_out: false, retry_after: wait, body, headers, topic },
        reason,
    )
}

/// As much of an error's body as comes soon, `by` at the latest, and is small enough to be held; and the rest if there is one.
pub async fn error_body(mut body: UpstreamBody, by: Instant) -> (Bytes, Option<UpstreamBody>) {
    let by = by.min(Instant::now() + ERROR_TIME);
    let mut read = BytesMut::new();
    loop {
        match timeout_at(by, body.frame()).await {
            Ok(Some(Ok(frame))) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
            // What broke off is all there is.
            Ok(Some(Err(_)) | None) => return (read.freeze(), None),
            Err(_) => return (read.freeze(), Some(body)),
        }
        if read.len() > LARGEST_ERROR && !body.is_end_stream() {
            return (read.freeze(), Some(body));
        }
    }
}

/// What is left until a deadline is a crooked number, which helps nobody.
fn rounded(limit: Duration) -> Duration {
    let step = if limit < Duration::from_secs(10) { 10 } else { 1000 };
    let steps = (limit.as_millis() + step / 2) / step;
    Duration::from_millis(u64::try_from(steps * step).unwrap_or(u64::MAX))
}
