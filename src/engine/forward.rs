//! Requests that name a provider instead of a model: both bodies stream, there is one attempt, nothing is read.

use bytes::BytesMut;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::engine::attempt::{Answered, AnsweredBody, Failed, mask_body, sign};
use crate::engine::error::Attempt;
use crate::engine::meter::{Held, Meter};
use crate::engine::{Error, Forward, Inner};
use crate::providers::{Call, Refusal, Target, headers, path};
use crate::routing::{Candidate, Failure};
use crate::transport::{Payload, TransportError, UpstreamBody};

/// Errors are small; what is larger streams through unread.
const LARGEST_ERROR: usize = 256 * 1024;

/// Passes `forward` on.
pub async fn run(engine: &Inner, forward: Forward, meter: &mut Meter) -> Result<(Answered, Candidate, Held), Error> {
    let candidate = candidate(&forward)?;
    meter.provider = candidate.provider_name.clone();
    let Some(path) = path::below_base(&forward.path) else {
        let message = format!("the path `{}` leads outside of the provider's base URL", forward.path);
        return Err(Error::InvalidRequest { message, param: None });
    };
    let cooldown = forward.snapshot.config.routing.cooldown;
    let permit = candidate.claim(engine.now(), cooldown).map_err(|skipped| Error::Unavailable {
        model: candidate.provider_name.to_string(),
        reason: skipped.to_string(),
        retry_after: std::time::Duration::from_secs(1),
    })?;
    meter.attempts = 1;
    let begun = Instant::now();
    let headers = headers::forwardable_unread(&forward.headers);
    let call = Call { target: Target::Path(path), method: &forward.method, model: "", stream: false, headers: &headers };
    let deadline = forward.received + forward.snapshot.config.routing.deadline;
    let upstream = &forward.snapshot.upstreams[candidate.provider];
    let sent = timeout_at(deadline, send(upstream, &call, forward.body)).await;
    meter.waited += begun.elapsed();
    match sent {
        Ok(Ok(answered)) => {
            let slot = permit.succeeded(begun.elapsed(), engine.now());
            let secrets = &forward.snapshot.config.providers[candidate.provider].api_keys;
            let freed = forward.snapshot.upstreams[candidate.provider].freed.clone();
            let body = match answered.body {
                AnsweredBody::Full(bytes, usage) => AnsweredBody::Full(mask_body(bytes, secrets), usage),
                other => other,
            };
            Ok((Answered { body, ..answered }, candidate, Held::new(slot, freed)))
        }
        // Its client's mistake: nobody's health is hurt.
        Ok(Err(Unsent::Request(error))) => Err(Error::InvalidRequest { message: error.to_string(), param: None }),
        Ok(Err(Unsent::Failed(failed))) => {
            if let Some(failure) = &failed.failure {
                permit.failed(failure, true, engine.now());
            }
            let attempts = vec![attempt(&candidate, failed.status, failed.reason.clone(), begun)];
            Err(if failed.failure == Some(Failure::Credentials) {
                Error::CredentialsExhausted { attempts }
            } else {
                Error::Upstream { attempts }
            })
        }
        Err(_) => Err(Error::Timeout { attempts: vec![attempt(&candidate, None, "no response within the deadline".to_owned(), begun)] }),
    }
}

fn attempt(candidate: &Candidate, status: Option<StatusCode>, reason: String, begun: Instant) -> Attempt {
    let status = status.map(|status| status.as_u16());
    Attempt { provider: candidate.provider_name.to_string(), model: String::new(), status, reason, took: begun.elapsed() }
}

/// The provider that is named, or configured for what names none.
fn candidate(forward: &Forward) -> Result<Candidate, Error> {
    let table = &forward.snapshot.table;
    let index = match &forward.provider {
        Some(name) => table.provider(name).ok_or_else(|| Error::NotFound(format!("there is no provider `{name}`")))?,
        None => forward.snapshot.config.routing.passthrough.ok_or_else(|| {
            let path = forward.path.split('?').next().unwrap_or_default();
            let way_out = "name a provider in the header `x-llmgw-provider`, or set `routing.passthrough`";
            Error::NotFound(format!("`{} {path}` is none of llmgw's own paths; to pass it through, {way_out}", forward.method))
        })?,
    };
    let provider = &forward.snapshot.config.providers[index];
    if !provider.enabled {
        return Err(Error::NotFound(format!("the provider `{}` is disabled", provider.name)));
    }
    let candidate = table.candidate(index, "").ok_or_else(|| Error::Internal("a provider without a place in the table".to_owned()))?;
    // There is no other: if it rests, this is its probe.
    Ok(Candidate { last_resort: true, ..candidate })
}

/// Why there is no answer.
enum Unsent {
    /// The client's own body broke off.
    Request(TransportError),
    /// The upstream failed.
    Failed(Failed),
}

impl From<Failed> for Unsent {
    fn from(failed: Failed) -> Unsent {
        Unsent::Failed(failed)
    }
}

impl From<TransportError> for Unsent {
    fn from(error: TransportError) -> Unsent {
        match error {
            TransportError::Request(_) => Unsent::Request(error),
            _ => Unsent::Failed(Failed::from_transport(&error)),
        }
    }
}

async fn send(upstream: &crate::engine::live::Upstream, call: &Call<'_>, payload: Payload) -> Result<Answered, Unsent> {
    let (used, mut head) = sign(&*upstream.provider, call, &payload).await?;
    if payload.length() == Some(0) && matches!(*call.method, Method::POST | Method::PUT | Method::PATCH) {
        // RFC 9110 §8.6; Google's front ends answer 411 without it.
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    let sent = upstream.transport.send(Request::from_parts(head, payload)).await;
    let (head, body) = sent?.into_parts();
    if matches!(head.status.as_u16(), 401 | 402) {
        upstream.provider.refused(used, &Refusal::Credential { rest: std::time::Duration::from_secs(60) });
        return Err(Failed::credentials(head.status).into());
    }
    if head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
        return Err(Failed::redirected(head.status).into());
    }
    let is_error = head.status.as_u16() >= 400 && *call.method != Method::HEAD;
    let body = if is_error { whole_if_small(body).await } else { AnsweredBody::Raw(None, body) };
    Ok(Answered { status: head.status, headers: headers::returnable(&head.headers), body })
}

async fn whole_if_small(mut body: UpstreamBody) -> AnsweredBody {
    let mut read = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(piece) = frame.into_data() else { continue };
        read.extend_from_slice(&piece);
        if read.len() > LARGEST_ERROR {
            return AnsweredBody::Raw(Some(read.freeze()), body);
        }
    }
    AnsweredBody::Full(read.freeze(), None)
}
