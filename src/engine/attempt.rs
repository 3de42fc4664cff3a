//! One try at one upstream: adapt, sign, send, look at the reply, hold it until it is committed.
//!
//! Another credential of the same upstream is the same attempt. Never touches health: what happened is in [`Failed`].

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::response::Parts as Head;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::config::Secret;
use crate::dialects::DialectError;
use crate::engine::Error;
use crate::engine::answer::{Answered, AnsweredBody, Credential, Failed, Read, failed, mask, unsuccessful};
use crate::engine::ask::{Asking, Unasked, ask, headers as headers_for};
use crate::engine::conversation::keep::Keeper;
use crate::engine::demand::Demand;
use crate::engine::hold::{Overheard, Unbegun, hold};
use crate::engine::live::Snapshot;
use crate::engine::speech::Speech;
use crate::engine::verdict::Reason;
use crate::hub::MediaType;
use crate::providers::{Call, CredentialId, Provider, Refusal, Retry, headers};
use crate::routing::Candidate;
use crate::telemetry::TraceContext;
use crate::transport::{Payload, UpstreamBody};

/// So much of a body's announced length is believed before it has come.
const BELIEVED: usize = 1024 * 1024;

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
    /// Which span of its trace this try is, for the upstream to know; `None`: the headers say what the client said.
    pub span: Option<TraceContext>,
    /// Until when the answer must be committed.
    pub deadline: Instant,
    /// What the upstream reports before that.
    pub overheard: Arc<Overheard>,
}

/// How a try ended.
pub enum Tried {
    /// An answer, or a status that goes back as it is.
    Answered(Answered),
    /// The next one may do better.
    Failed(Failed),
    /// The request itself cannot be sent to this upstream.
    Wrong(Error),
    /// It says what this upstream has no words for; another may have them.
    Unsaid(DialectError),
}

/// A limit of this attempt, and whether our own deadline cut it short.
#[derive(Clone, Copy)]
struct Limit {
    begun: Instant,
    by: Instant,
    is_ours: bool,
}

impl Limit {
    fn late(self, what: &str) -> Failed {
        Failed::timed_out(what, self.by - self.begun, self.is_ours)
    }
}

impl Attempting<'_> {
    /// Tries `candidate`.
    pub async fn run(&self, candidate: &Candidate) -> Tried {
        let asking = match ask(self.snapshot, self.demand, candidate) {
            Ok(asking) => asking,
            Err(Unasked::Wrong(error)) => return Tried::Wrong(error),
            Err(Unasked::Unsaid(reason)) => return Tried::Unsaid(reason),
            Err(Unasked::Answered(answered)) => return Tried::Answered(*answered),
        };
        self.overheard.asked(asking.speech.upstream_kind());
        let config = &self.snapshot.config.providers[candidate.provider];
        let until = (!self.demand.is_stream()).then(|| Instant::now() + config.timeout.non_stream);
        match self.exchange(candidate, &asking).await {
            Ok(answered) => Tried::Answered(Answered { until, dropped: asking.adapted.dropped, ..answered }),
            Err(failed) => Tried::Failed(failed),
        }
    }

    fn limit(&self, begun: Instant, limit: Duration) -> Limit {
        let by = begun + limit;
        Limit { begun, by: by.min(self.deadline), is_ours: self.deadline < by }
    }

    /// Sends until a credential is taken, then commits the answer.
    async fn exchange(&self, candidate: &Candidate, asking: &Asking) -> Result<Answered, Failed> {
        let (_, credentials) = self.snapshot.upstreams[candidate.provider].provider.credentials();
        let timeout = &self.snapshot.config.providers[candidate.provider].timeout;
        let begun = Instant::now();
        let (head, whole) =
            if self.demand.is_stream() { (timeout.first_byte, timeout.first_content) } else { (timeout.non_stream, timeout.non_stream) };
        // A fresh token is one credential more than there are.
        let mut sends_left = credentials.max(1) + 1;
        loop {
            let head_limit = self.limit(begun, head);
            let sent = timeout_at(head_limit.by, self.send(candidate, asking)).await;
            let (used, credential, response) = sent.map_err(|_| head_limit.late("no response"))??;
            let provider = &*self.snapshot.upstreams[candidate.provider].provider;
            let keeper = asking.keeper.clone().map(|keeper| Box::new(keeper.of(provider, used)));
            let (mut head, body) = response.into_parts();
            let read = self.read(&mut head, body, (asking, keeper), self.limit(begun, whole)).await;
            let secrets = || credential.secrets(self.snapshot, candidate.provider);
            let (failed, reason) = match read.map_err(|failed| failed.masked(&secrets()))? {
                Read::Answered(answered) if answered.status.is_success() => return Ok(Answered { credential, ..answered }),
                Read::Answered(answered) => {
                    let given_back = given_back(answered, &asking.speech, &secrets());
                    return Ok(Answered { credential, ..given_back });
                }
                Read::Failed(failed, reason) => (failed, reason),
            };
            sends_left -= 1;
            let retry = report_refusal(self.snapshot, candidate, used, reason, failed.retry_after);
            // What goes on from an answer that was given to one key is for no other.
            let is_for_this_one = self.demand.earlier.key().is_some();
            if retry == Retry::No || sends_left == 0 || is_for_this_one {
                let failed = failed.masked(&secrets());
                let status = failed.status.map_or(0, |status| status.as_u16());
                let body = failed.body.map(|body| asking.speech.error(status, body));
                return Err(Failed { body, ..failed });
            }
        }
    }

    async fn send(&self, candidate: &Candidate, asking: &Asking) -> Result<(CredentialId, Credential, Response<UpstreamBody>), Failed> {
        let upstream = &self.snapshot.upstreams[candidate.provider];
        let payload = Payload::from_pieces(asking.adapted.pieces.iter().cloned());
        let headers = headers_for(self.headers, asking);
        let call = Call {
            target: asking.target,
            method: &Method::POST,
            model: &candidate.model,
            stream: self.demand.is_stream(),
            headers: &headers,
        };
        let (used, mut head) = sign(&*upstream.provider, &call, &payload, self.demand.earlier.key()).await?;
        // No signature is about it.
        if let Some(span) = self.span {
            span.put(&mut head.headers);
        }
        let credential = Credential::of(&head);
        let response = upstream.transport.send(Request::from_parts(head, payload)).await.map_err(|error| Failed::from_transport(&error))?;
        self.overheard.answered(&response);
        Ok((used, credential, response))
    }

    /// Looks at the reply and reads as much of it as decides.
    async fn read(
        &self,
        head: &mut Head,
        body: UpstreamBody,
        asking: (&Asking, Option<Box<Keeper>>),
        limit: Limit,
    ) -> Result<Read, Failed> {
        if !head.status.is_success() {
            return Ok(unsuccessful(&self.snapshot.config.routing.detect, head.status, &head.headers, body, limit.by).await);
        }
        let is_page = MediaType::of(&head.headers).is_some_and(MediaType::is_html);
        let is_json = MediaType::of(&head.headers).is_some_and(MediaType::is_json);
        let is_chat = self.demand.endpoint.has_json_reply();
        match (is_chat && self.demand.is_stream() && !is_json, is_chat || is_json) {
            // No endpoint answers with one: it is a login, a block, or the wrong `base_url`. JSON speaks for itself.
            (true, _) | (false, false) if is_page => Err(Failed::after(head.status, "the answer is a web page")),
            (true, _) => self.read_events(head, body, asking, limit).await,
            (false, true) => self.read_json(head, body, asking, limit).await,
            (false, false) => {
                let mut body = body;
                let first = timeout_at(limit.by, body.frame()).await.map_err(|_| limit.late("no answer"))?;
                let first = first.transpose().map_err(|error| Failed::from_transport(&error))?;
                Ok(answered(head, AnsweredBody::Raw(first.and_then(|frame| frame.into_data().ok()), body)))
            }
        }
    }

    async fn read_events(
        &self,
        head: &mut Head,
        body: UpstreamBody,
        (asking, keeper): (&Asking, Option<Box<Keeper>>),
        limit: Limit,
    ) -> Result<Read, Failed> {
        match timeout_at(limit.by, hold(body, asking.speech.upstream_kind(), &self.overheard))
            .await
            .map_err(|_| limit.late("no content"))?
        {
            Ok(mut begun) => {
                begun.keeper = keeper;
                // Some upstreams stream without saying so; their clients shall know.
                if !MediaType::of(&head.headers).is_some_and(MediaType::is_event_stream) {
                    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
                }
                let (speech, withhold_usage) = (asking.speech.clone(), asking.adapted.withhold_usage);
                Ok(answered(head, AnsweredBody::Events { begun: Box::new(begun), speech, withhold_usage }))
            }
            Err(Unbegun::Broken(reason)) => Err(Failed::after(head.status, reason)),
            Err(Unbegun::Error(error)) => {
                let body = AnsweredBody::Full(Bytes::new(), None);
                Ok(failed(&self.snapshot.config.routing.detect, head.status, &head.headers, Some(error), body))
            }
        }
    }

    async fn read_json(
        &self,
        head: &mut Head,
        body: UpstreamBody,
        (asking, keeper): (&Asking, Option<Box<Keeper>>),
        limit: Limit,
    ) -> Result<Read, Failed> {
        let speech = &asking.speech;
        let largest = self.snapshot.config.server.max_response;
        let body = timeout_at(limit.by, whole(body, largest)).await.map_err(|_| limit.late("no complete answer"))??;
        let Some(answer) = speech.upstream().glance(&body) else { return Err(Failed::after(head.status, "the answer is not JSON")) };
        let detect = &self.snapshot.config.routing.detect;
        Ok(match answer.error {
            Some(error) => failed(detect, head.status, &head.headers, Some(error), AnsweredBody::Full(body, None)),
            None => {
                let body = speech.reply(body).map_err(|mistake| Failed::after(head.status, mistake.to_string()))?;
                if speech.is_translated() {
                    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
                if let Some(keeper) = keeper {
                    keeper.whole(&body);
                }
                answered(head, AnsweredBody::Full(body, answer.usage))
            }
        })
    }
}

fn answered(head: &Head, body: AnsweredBody) -> Read {
    let headers = headers::returnable(&head.headers);
    Read::Answered(Answered::new(head.status, headers, body))
}

/// A status that goes back, with the upstream's words in the client's dialect and without secrets.
fn given_back(answered: Answered, speech: &Speech, secrets: &[Secret]) -> Answered {
    let status = answered.status.as_u16();
    let body = match answered.body {
        AnsweredBody::Full(body, usage) => AnsweredBody::Full(speech.error(status, mask(body, secrets)), usage),
        // Too long for an error: what it says is nobody's to read in another dialect.
        AnsweredBody::Raw(..) if speech.is_translated() => AnsweredBody::Full(speech.error(status, Bytes::new()), None),
        body => body.masked(secrets),
    };
    let mut headers = answered.headers;
    if speech.is_translated() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Answered { body, headers, ..answered }
}

/// Addresses and signs a call; with the credential of the name `with`, if there is one.
pub async fn sign(
    provider: &dyn Provider,
    call: &Call<'_>,
    payload: &Payload,
    with: Option<&str>,
) -> Result<(CredentialId, Parts), Failed> {
    let mut head = provider.head(call).map_err(|error| Failed::from_provider(&error))?;
    if let Some(used) = with.and_then(|name| provider.sign_as(&mut head, name)) {
        return Ok((used, head));
    }
    let used = provider.sign(&mut head, call.model, payload).await.map_err(|error| Failed::from_provider(&error))?;
    Ok((used, head))
}

/// How long a refused credential rests.
pub fn credential_rest(snapshot: &Snapshot) -> Duration {
    snapshot.config.routing.cooldown.map_or(CREDENTIAL_REST, |cooldown| cooldown.max)
}

/// Tells the provider that its credential `used` was refused, if it was; whether the same upstream is worth another request at once.
pub fn report_refusal(snapshot: &Snapshot, candidate: &Candidate, used: CredentialId, reason: Reason, asked: Option<Duration>) -> Retry {
    let provider = &snapshot.upstreams[candidate.provider].provider;
    match reason {
        Reason::Credential => provider.refused(used, &Refusal::Credential { rest: credential_rest(snapshot) }),
        Reason::RateLimited => {
            let asked = asked.unwrap_or(LIMITED_REST);
            let rest = snapshot.config.routing.cooldown.map_or(asked, |cooldown| asked.min(cooldown.max));
            provider.refused(used, &Refusal::RateLimited { model: &candidate.model, rest })
        }
        Reason::Failed { .. } => Retry::No,
    }
}

/// A whole body of at most `largest` bytes. Most come in one piece; those are not copied.
async fn whole(mut body: UpstreamBody, largest: usize) -> Result<Bytes, Failed> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failed::from_transport(&error))?;
        // Anything else is trailers.
        let Ok(piece) = frame.into_data() else { continue };
        if all.len() + piece.len() > largest {
            let reason = format!("the answer is larger than `server.max_response` ({largest} bytes)");
            // Our own limit, not the upstream's fault.
            return Err(Failed { in_passing: false, ..Failed::new(reason, None) });
        }
        if all.is_empty() {
            if body.is_end_stream() {
                return Ok(piece);
            }
            let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            all.reserve(piece.len() + announced.min(BELIEVED));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}
