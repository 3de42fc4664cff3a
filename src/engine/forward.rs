//! Requests that name a provider instead of a model: both bodies stream, there is one attempt, nothing is read.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::engine::answer::{Answered, AnsweredBody, Credential, Failed, error_body};
use crate::engine::attempt::{report_refusal, sign};
use crate::engine::claim::claim_when_free;
use crate::engine::error::Attempt;
use crate::engine::hold::Overheard;
use crate::engine::live::Snapshot;
use crate::engine::meter::Meter;
use crate::engine::run::{Won, settle};
use crate::engine::verdict::{Reason, Verdict, judge};
use crate::engine::{Error, Forward, Inner};
use crate::hub::ApiError;
use crate::providers::{Call, Target, headers, path};
use crate::routing::{Candidate, Failure, Skipped};
use crate::transport::{Payload, TransportError};

/// Passes `forward` on.
pub async fn run(engine: &Inner, forward: Forward, meter: &mut Meter) -> Result<Box<Won>, Error> {
    let candidate = candidate(&forward)?;
    meter.names(&candidate);
    let Some(path) = path::below_base(&forward.path) else {
        // Not the query: it may hold a key.
        let path = forward.path.split('?').next().unwrap_or_default();
        let message = format!("the path `{path}` leads outside of the provider's base URL");
        return Err(Error::InvalidRequest { message, param: None });
    };
    let deadline = forward.received + forward.snapshot.config.routing.deadline;
    let begun = Instant::now();
    let claimed = claim_when_free(engine, &forward.snapshot, vec![candidate.clone()], deadline).await;
    let (candidate, permit) = claimed.map_err(|skipped| unavailable(&candidate, skipped))?;
    let overheard = Arc::<Overheard>::default();
    let trial = meter.tries(&candidate, overheard.clone(), false);
    let mut headers = headers::forwardable_unread(&forward.headers);
    meter.drop_foreign_state(&mut headers);
    if let Some(span) = meter.span_of(trial) {
        span.put(&mut headers);
    }
    let path = path::without_credentials(path);
    let call = Call { target: Target::Path(&path), method: &forward.method, model: "", stream: false, headers: &headers };
    let sent =
        timeout_at(deadline, send(&forward.snapshot, &candidate, (&call, forward.key.as_deref(), &overheard), forward.body, deadline))
            .await;
    meter.waited += begun.elapsed();
    match sent {
        Ok(Ok(answered)) => {
            let slot = settle(permit, answered.status, begun.elapsed(), engine.now());
            meter.takes(trial);
            Ok(Box::new(Won { answered, candidate, slot }))
        }
        // Its client's mistake: nobody's health is hurt.
        Ok(Err(Unsent::Request(error))) => Err(Error::InvalidRequest { message: error.to_string(), param: None }),
        Ok(Err(Unsent::Failed(failed))) => {
            if let Some(failure) = &failed.failure {
                permit.failed(failure, true, engine.now());
            }
            meter.failed(trial, failed.status.map(|status| status.as_u16()), &failed.reason, failed.timed_out);
            let attempts = vec![attempt(&candidate, failed.status, failed.reason.clone(), begun)];
            Err(match failed.failure {
                Some(Failure::Credentials) => Error::CredentialsExhausted { attempts },
                _ if failed.timed_out => Error::Timeout { attempts },
                _ => Error::Upstream { attempts },
            })
        }
        Err(_) => {
            let reason = "no response within the deadline".to_owned();
            meter.failed(trial, None, &reason, true);
            Err(Error::Timeout { attempts: vec![attempt(&candidate, None, reason, begun)] })
        }
    }
}

fn unavailable(candidate: &Candidate, skipped: Option<Skipped>) -> Error {
    let retry_after = if let Some(Skipped::Cooling { left }) = skipped { left } else { Duration::from_secs(1) };
    let reason = skipped.map(|skipped| skipped.to_string()).unwrap_or_default();
    Error::Unavailable { model: candidate.provider_name.to_string(), reason, retry_after, attempts: Vec::new() }
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
    if table.is_switched_off(index) {
        return Err(Error::NotFound(format!("the provider `{}` is disabled by an operator", provider.name)));
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

async fn send(
    snapshot: &Snapshot,
    candidate: &Candidate,
    (call, key, overheard): (&Call<'_>, Option<&str>, &Overheard),
    payload: Payload,
    by: Instant,
) -> Result<Answered, Unsent> {
    let upstream = &snapshot.upstreams[candidate.provider];
    let (used, mut head) = sign(&*upstream.provider, call, &payload, key).await?;
    if payload.length() == Some(0) && matches!(*call.method, Method::POST | Method::PUT | Method::PATCH) {
        // RFC 9110 §8.6; Google's front ends answer 411 without it.
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    let credential = Credential::of(&head);
    let response = upstream.transport.send(Request::from_parts(head, payload)).await?;
    overheard.answered(&response);
    let (head, body) = response.into_parts();
    if head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
        return Err(Failed { in_passing: false, failure: None, ..Failed::after(head.status, "a redirect, which is never followed") }.into());
    }
    let headers = headers::returnable(&head.headers);
    let answered = |body, credential| Answered { credential, ..Answered::new(head.status, headers, body) };
    if head.status.as_u16() < 400 {
        return Ok(answered(AnsweredBody::Raw(None, body), credential));
    }
    // One attempt: whatever the upstream says goes back, but for a refusal of our own credential.
    let secrets = credential.secrets(snapshot, candidate.provider);
    let (read, rest) = error_body(body, by).await;
    let error = if rest.is_none() { ApiError::read_failed(&read) } else { None };
    if judge(&snapshot.config.routing.detect, head.status, error.as_ref()) == Verdict::TryNext(Reason::Credential) {
        report_refusal(snapshot, candidate, used, Reason::Credential, None);
        return Err(Failed::refused(head.status, error.as_ref()).masked(&secrets).into());
    }
    let body = match rest {
        None => AnsweredBody::Full(read, None),
        Some(rest) => AnsweredBody::Raw(Some(read), rest),
    };
    Ok(answered(body.masked(&secrets), credential))
}
