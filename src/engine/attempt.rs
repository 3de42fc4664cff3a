//! One try at one upstream: adapt, sign, send, look at the reply, hold it until it is committed.
//!
//! Another credential of the same upstream is the same attempt. Never touches health: what happened is in [`Failed`].

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout_at};

use crate::config::{Cooldown, Detect, Secret};
use crate::dialects::openai_chat::{Answer, ApiError};
use crate::engine::Error;
use crate::engine::adapt::{Adapted, adapt};
use crate::engine::demand::Demand;
use crate::engine::hold::{Begun, Unbegun, hold};
use crate::engine::live::Snapshot;
use crate::engine::verdict::{Reason, Verdict, judge, retry_after};
use crate::hub::Usage;
use crate::providers::{Call, CredentialId, Provider, ProviderError, Refusal, Retry, Target, headers};
use crate::routing::{Candidate, Failure};
use crate::telemetry::redact::{redact, redact_known};
use crate::transport::{Payload, TransportError, UpstreamBody};

/// How much of an error's body is read: enough for any message, little enough to hold.
const LARGEST_ERROR: usize = 256 * 1024;

/// How long an error's body may take: the status alone says enough.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// How long a refused credential rests where no cooldown is configured.
const CREDENTIAL_REST: Duration = Duration::from_secs(300);

/// How long a key rests after a 429 that does not say how long.
const LIMITED_REST: Duration = Duration::from_secs(10);

/// What one try needs to know beside its candidate.
pub struct Attempting<'a> {
    /// The configuration.
    pub snapshot: &'a Snapshot,
    /// What is asked for.
    pub demand: &'a Demand,
    /// The client's headers that may go on.
    pub headers: &'a HeaderMap,
    /// Until when the answer must be committed.
    pub deadline: Instant,
}

/// How a try ended.
pub enum Tried {
    /// An answer, or a status that goes back as it is.
    Answered(Answered),
    /// The next one may do better.
    Failed(Failed),
    /// The request itself cannot be sent to this upstream.
    Wrong(Error),
}

/// A reply that is the client's.
pub struct Answered {
    /// The upstream's status.
    pub status: StatusCode,
    /// Its headers that may go on.
    pub headers: HeaderMap,
    /// Its body.
    pub body: AnsweredBody,
}

/// A committed body.
pub enum AnsweredBody {
    /// All of it.
    Full(Bytes, Option<Usage>),
    /// A stream of events.
    Events {
        /// The held-back beginning and the rest.
        begun: Box<Begun>,
        /// The usage chunk is not the client's.
        withhold_usage: bool,
    },
    /// Any other body: its first piece and the rest.
    Raw(Option<Bytes>, UpstreamBody),
}

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
}

impl Failed {
    fn new(reason: impl Into<String>, failure: Option<Failure>) -> Failed {
        let (status, retry_after, body) = (None, None, None);
        Failed { status, reason: reason.into(), failure, in_passing: true, timed_out: false, retry_after, body }
    }

    fn timed_out(what: &str, limit: Duration) -> Failed {
        let reason = format!("{what} within {}", humantime::format_duration(rounded(limit)));
        Failed { timed_out: true, ..Failed::new(reason, Some(Failure::Attempt)) }
    }

    /// The upstream refused the only credential there was.
    pub fn credentials(status: StatusCode) -> Failed {
        Failed { status: Some(status), in_passing: false, ..Failed::new("the credential was refused", Some(Failure::Credentials)) }
    }

    /// The upstream points elsewhere; credentials don't follow.
    pub fn redirected(status: StatusCode) -> Failed {
        Failed { status: Some(status), in_passing: false, ..Failed::new("a redirect, which is never followed", None) }
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

    fn from_provider(error: &ProviderError) -> Failed {
        let refused = matches!(error, ProviderError::Login { refused: true, .. });
        Failed {
            in_passing: !refused,
            ..Failed::new(error.to_string(), Some(if refused { Failure::Credentials } else { Failure::Connect }))
        }
    }
}

impl Attempting<'_> {
    /// Tries `candidate`.
    pub async fn run(&self, candidate: &Candidate) -> Tried {
        let config = &self.snapshot.config.providers[candidate.provider];
        let adapted = match adapt(self.demand, &candidate.model, &candidate.params, config.stream_usage) {
            Ok(adapted) => adapted,
            Err(error) => return Tried::Wrong(error),
        };
        match self.exchange(candidate, adapted).await {
            Ok(answered) => Tried::Answered(answered),
            Err(failed) => Tried::Failed(failed),
        }
    }

    /// Sends until a credential is taken, then commits the answer.
    async fn exchange(&self, candidate: &Candidate, adapted: Adapted) -> Result<Answered, Failed> {
        let upstream = &self.snapshot.upstreams[candidate.provider];
        let timeout = &self.snapshot.config.providers[candidate.provider].timeout;
        let begun = Instant::now();
        let stream = self.demand.is_stream();
        let limit = if stream { timeout.first_byte } else { timeout.non_stream };
        let (_, credentials) = upstream.provider.credentials();
        // A fresh token is one credential more than there are.
        let mut left = credentials.max(1) + 1;
        loop {
            let payload = adapted.payload.again().unwrap_or_else(Payload::empty);
            let head_by = (begun + limit).min(self.deadline);
            let sent = timeout_at(head_by, self.send(candidate, payload)).await;
            let (used, response) = sent.map_err(|_| Failed::timed_out("no response", head_by - begun))??;
            let commit_by = if stream { begun + timeout.first_content } else { begun + timeout.non_stream }.min(self.deadline);
            let (failed, reason) = match self.read(response, &adapted, commit_by, begun).await? {
                Read::Answered(answered) => return Ok(self.shown(candidate, answered)),
                Read::Failed(failed, reason) => (failed, reason),
            };
            left -= 1;
            if refused(self.snapshot, candidate, used, reason, &failed) == Retry::No || left == 0 {
                return Err(self.masked(candidate, failed));
            }
        }
    }

    async fn send(&self, candidate: &Candidate, payload: Payload) -> Result<(CredentialId, Response<UpstreamBody>), Failed> {
        let upstream = &self.snapshot.upstreams[candidate.provider];
        let call = Call {
            target: Target::Endpoint(self.demand.endpoint),
            method: &Method::POST,
            model: &candidate.model,
            stream: self.demand.is_stream(),
            headers: self.headers,
        };
        let (used, head) = sign(&*upstream.provider, &call, &payload).await?;
        let response = upstream.transport.send(Request::from_parts(head, payload)).await.map_err(|error| Failed::from_transport(&error))?;
        Ok((used, response))
    }

    /// Looks at the reply and reads as much of it as decides.
    async fn read(&self, response: Response<UpstreamBody>, adapted: &Adapted, commit_by: Instant, begun: Instant) -> Result<Read, Failed> {
        let (head, body) = response.into_parts();
        let detect = &self.snapshot.config.routing.detect;
        if !head.status.is_success() {
            return Ok(unsuccessful(detect, head.status, &head.headers, body).await);
        }
        let is_json = has_type(&head.headers, "json");
        let stream = self.demand.is_stream();
        let endpoint = self.demand.endpoint;
        let answered = |body| Answered { status: head.status, headers: headers::returnable(&head.headers), body };
        let late = || Failed::timed_out(if stream { "no content" } else { "no complete answer" }, commit_by - begun);
        if endpoint.has_json_reply() && stream && !is_json {
            if has_type(&head.headers, "html") {
                return Err(Failed { status: Some(head.status), ..Failed::new("the answer is a web page", Some(Failure::Attempt)) });
            }
            return match timeout_at(commit_by, hold(body)).await.map_err(|_| late())? {
                Ok(begun) => {
                    Ok(Read::Answered(answered(AnsweredBody::Events { begun: Box::new(begun), withhold_usage: adapted.withhold_usage })))
                }
                Err(Unbegun::Broken(reason)) => Err(Failed { status: Some(head.status), ..Failed::new(reason, Some(Failure::Attempt)) }),
                Err(Unbegun::Error(error)) => Ok(failed(detect, head.status, &head.headers, Some(error), None)),
            };
        }
        if endpoint.has_json_reply() {
            let largest = self.snapshot.config.server.max_response;
            let body = timeout_at(commit_by, whole(body, largest)).await.map_err(|_| late())??;
            let Some(answer) = Answer::read(&body) else {
                return Err(Failed { status: Some(head.status), ..Failed::new("the answer is not JSON", Some(Failure::Attempt)) });
            };
            return Ok(match answer.error {
                Some(error) => failed(detect, head.status, &head.headers, Some(error), Some(body)),
                None => Read::Answered(answered(AnsweredBody::Full(body, answer.usage))),
            });
        }
        let mut body = body;
        let first = timeout_at(commit_by, body.frame()).await.map_err(|_| late())?;
        let first = first.transpose().map_err(|error| Failed::from_transport(&error))?;
        Ok(Read::Answered(answered(AnsweredBody::Raw(first.and_then(|frame| frame.into_data().ok()), body))))
    }

    /// `answered`, with the provider's credentials masked in an error that is given back.
    fn shown(&self, candidate: &Candidate, answered: Answered) -> Answered {
        match answered {
            Answered { status, headers, body: AnsweredBody::Full(body, usage) } if !status.is_success() => {
                let body = mask_body(body, &self.snapshot.config.providers[candidate.provider].api_keys);
                Answered { status, headers, body: AnsweredBody::Full(body, usage) }
            }
            answered => answered,
        }
    }

    /// `failed` with every credential of its provider masked: some upstreams repeat the key that they refuse.
    fn masked(&self, candidate: &Candidate, failed: Failed) -> Failed {
        let secrets = &self.snapshot.config.providers[candidate.provider].api_keys;
        let body = failed.body.map(|body| mask_body(body, secrets));
        let reason = redact(&redact_known(&failed.reason, secrets)).into_owned();
        Failed { reason, body, ..failed }
    }
}

/// What is left until a deadline is a crooked number, which helps nobody.
fn rounded(limit: Duration) -> Duration {
    let step = if limit < Duration::from_secs(10) { 10 } else { 1000 };
    let steps = (limit.as_millis() + step / 2) / step;
    Duration::from_millis(u64::try_from(steps * step).unwrap_or(u64::MAX))
}

/// Addresses and signs a call.
pub async fn sign(provider: &dyn Provider, call: &Call<'_>, payload: &Payload) -> Result<(CredentialId, Parts), Failed> {
    let mut head = provider.head(call).map_err(|error| Failed::from_provider(&error))?;
    let used = provider.sign(&mut head, call.model, payload).await.map_err(|error| Failed::from_provider(&error))?;
    Ok((used, head))
}

/// A body in which no credential stands.
pub fn mask_body(body: Bytes, secrets: &[Secret]) -> Bytes {
    match std::str::from_utf8(&body) {
        Ok(text) => Bytes::from(redact_known(text, secrets).into_owned()),
        Err(_) => body,
    }
}

/// Tells the provider that its credential was refused.
fn refused(snapshot: &Snapshot, candidate: &Candidate, used: CredentialId, reason: Reason, failed: &Failed) -> Retry {
    let provider = &snapshot.upstreams[candidate.provider].provider;
    let longest = snapshot.config.routing.cooldown.map(|Cooldown { max, .. }| max);
    match reason {
        Reason::Credential => provider.refused(used, &Refusal::Credential { rest: longest.unwrap_or(CREDENTIAL_REST) }),
        Reason::RateLimited => {
            let asked = failed.retry_after.unwrap_or(LIMITED_REST);
            let rest = longest.map_or(asked, |longest| asked.min(longest));
            provider.refused(used, &Refusal::RateLimited { model: &candidate.model, rest })
        }
        Reason::Failed { .. } => Retry::No,
    }
}

enum Read {
    Answered(Answered),
    Failed(Failed, Reason),
}

/// A reply whose status is no success.
async fn unsuccessful(detect: &Detect, status: StatusCode, head: &HeaderMap, body: UpstreamBody) -> Read {
    let body = tokio::time::timeout(ERROR_TIME, Limited::new(body, LARGEST_ERROR).collect()).await;
    let body = body.ok().and_then(Result::ok).map(|body| body.to_bytes());
    let error = body.as_deref().and_then(ApiError::read_failed);
    failed(detect, status, head, error, body)
}

/// What a reply with this status and error means.
fn failed(detect: &Detect, status: StatusCode, head: &HeaderMap, error: Option<ApiError>, body: Option<Bytes>) -> Read {
    let reason = match judge(detect, status, error.as_ref()) {
        Verdict::TryNext(reason) => reason,
        Verdict::Accept | Verdict::GiveBack => {
            let body = AnsweredBody::Full(body.unwrap_or_default(), None);
            return Read::Answered(Answered { status, headers: headers::returnable(head), body });
        }
    };
    let wait = retry_after(head, SystemTime::now());
    let failure = match reason {
        Reason::Credential => Some(Failure::Credentials),
        Reason::RateLimited => Some(Failure::RateLimited(wait)),
        Reason::Failed { harmless: true, .. } => None,
        Reason::Failed { harmless: false, .. } => Some(Failure::Attempt),
    };
    let in_passing = matches!(reason, Reason::RateLimited | Reason::Failed { lasting: false, .. });
    let text =
        error.as_ref().map_or_else(|| status.canonical_reason().unwrap_or("failed").to_owned(), |error| error.summary().into_owned());
    let body = body.filter(|_| error.is_some());
    Read::Failed(Failed { status: Some(status), reason: text, failure, in_passing, timed_out: false, retry_after: wait, body }, reason)
}

/// A whole body of at most `largest` bytes.
async fn whole(body: UpstreamBody, largest: usize) -> Result<Bytes, Failed> {
    match Limited::new(body, largest).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(match error.downcast::<TransportError>() {
            Ok(error) => Failed::from_transport(&error),
            // Our own limit, not the upstream's fault.
            Err(_) => Failed {
                in_passing: false,
                ..Failed::new(format!("the answer is larger than `server.max_response` ({largest} bytes)"), None)
            },
        }),
    }
}

fn has_type(headers: &HeaderMap, word: &str) -> bool {
    header(headers, &CONTENT_TYPE).is_some_and(|value| value.split(';').next().unwrap_or_default().to_ascii_lowercase().contains(word))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
