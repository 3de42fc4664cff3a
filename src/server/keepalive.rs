//! Keeps a stream of events alive while its upstream is silent, and gives it a last word when the server ends.
//!
//! The status waits for the upstream's answer, so that a failure has a status of its own, but not so long that somebody
//! between cuts the connection: then 200 goes out, the rest of the wait happens within the body, and a failure is an
//! event. Comments go in only where the engine says that they may. A piece that passes by costs no timer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::config::Keepalive;
use crate::dialects::openai_chat::error::envelope;
use crate::dialects::{client, sse};
use crate::engine::{Accepted, BrokenOff, Error, Reply, ReplyBody};
use crate::hub::{ApiError, Kind};
use crate::server::error::{Rejection, kind};
use crate::server::reply;
use crate::server::shutdown::{Shutdown, Stage};

/// A comment, which clients of event streams skip.
const COMMENT: &[u8] = b": keepalive\n\n";

type Answer = BoxFuture<'static, Result<Reply, Error>>;

/// Answers with a stream of events: the upstream's as soon as it begins, or one without a beginning when that is late.
pub(super) async fn answer(accepted: Accepted, keepalive: Keepalive, shutdown: &Shutdown) -> Response {
    let dialect = accepted.dialect();
    let mut answer: Answer = accepted.answer();
    let in_time = match keepalive.before_headers {
        Some(patience) => timeout(patience, answer.as_mut()).await.ok(),
        None => Some(answer.as_mut().await),
    };
    let kept =
        |state, is_due| Body::new(Kept { state, dialect, silence: Silence::new(keepalive.every, is_due), ending: Ending::of(shutdown) });
    match in_time {
        Some(result) => reply::metered_with(result, |body| match body.is_events() {
            true => kept(State::Answered(body), false),
            false => Body::new(body),
        }),
        None => reply::early(kept(State::Waiting(answer), true)),
    }
}

/// A stream of events on its way, from before there is an answer to its end. Dropping it cancels all of it.
struct Kept {
    state: State,
    /// In which the client reads errors.
    dialect: Kind,
    silence: Silence,
    ending: Ending,
}

enum State {
    /// The status has gone out, and nobody has answered yet.
    Waiting(Answer),
    /// An upstream's stream of events.
    Answered(ReplyBody),
    /// Nothing follows but this.
    Over(Option<Bytes>),
}

impl Kept {
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        let dialect = self.dialect;
        loop {
            self.state = match &mut self.state {
                // Nobody above can make an answer of a panic any more.
                State::Waiting(answer) => match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
                    Ok(polled) => begun(dialect, ready!(polled)),
                    Err(panic) => State::Over(Some(rejected(dialect, &Rejection::of_panic(&*panic)))),
                },
                State::Answered(body) => {
                    let frame = ready!(Pin::new(body).poll_frame(context));
                    return Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())));
                }
                State::Over(last) => return Poll::Ready(last.take().map(Ok)),
            };
        }
    }

    /// The server ends: cancels what runs and tells the client. Afterwards nothing is waited for.
    fn stop(&mut self) {
        let last = Rejection::ShuttingDown;
        match &mut self.state {
            State::Waiting(_) => self.state = State::Over(Some(rejected(self.dialect, &last))),
            State::Answered(body) => body.stop(&last.api_error(), "llmgw was shut down"),
            State::Over(_) => {}
        }
    }

    fn takes_comments(&self) -> bool {
        match &self.state {
            State::Waiting(_) => true,
            State::Answered(body) => body.takes_comments(),
            State::Over(_) => false,
        }
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(piece) = this.poll_upstream(context) {
                this.silence.end();
                return Poll::Ready(piece.map(|piece| piece.map(Frame::data)));
            }
            if this.ending.poll(context).is_ready() {
                this.stop();
            } else if this.takes_comments() && this.silence.poll(context).is_ready() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(COMMENT)))));
            } else {
                return Poll::Pending;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over(None))
    }
}

/// How long nothing has come. The timer is set once and looked at when it rings, not for every piece.
struct Silence {
    every: Option<Duration>,
    /// A comment is due whatever the time.
    is_due: bool,
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    fn new(every: Option<Duration>, is_due: bool) -> Silence {
        Silence { every, is_due, since: None, sleep: None }
    }

    fn end(&mut self) {
        self.since = None;
    }

    /// Ready when a comment is due.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(every) = self.every else { return Poll::Pending };
        if std::mem::take(&mut self.is_due) {
            return Poll::Ready(());
        }
        let at = *self.since.get_or_insert_with(Instant::now) + every;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= at {
                self.since = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

/// The server's end, waited for by those streams only that wait at all.
struct Ending {
    shutdown: Shutdown,
    reached: Option<BoxFuture<'static, ()>>,
}

impl Ending {
    fn of(shutdown: &Shutdown) -> Ending {
        Ending { shutdown: shutdown.clone(), reached: None }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let shutdown = &self.shutdown;
        let reached = self.reached.get_or_insert_with(|| {
            let shutdown = shutdown.clone();
            Box::pin(async move { shutdown.reached(Stage::Ended).await })
        });
        reached.as_mut().poll(context)
    }
}

/// What a late answer is to a client that was told 200 already.
fn begun(dialect: Kind, answer: Result<Reply, Error>) -> State {
    match answer {
        Ok(reply) if reply.body.is_events() => State::Answered(reply.body),
        Ok(reply) => State::Over(Some(given_back(dialect, reply))),
        Err(error) => State::Over(Some(rejected(dialect, &error.into()))),
    }
}

/// An upstream's answer that is no stream of events, as the event of an error.
fn given_back(dialect: Kind, reply: Reply) -> Bytes {
    let Reply { status, mut body, .. } = reply;
    let read = match &mut body {
        ReplyBody::Full(bytes, _) if !status.is_success() => bytes.take(),
        _ => None,
    };
    body.stop(&ApiError::default(), "what came is no stream of events, and the status had gone out");
    event(dialect, status, &read.unwrap_or_default())
}

fn rejected(dialect: Kind, rejection: &Rejection) -> Bytes {
    event(dialect, rejection.status(), &rejection.body())
}

/// An error's body as an event of `dialect`; in OpenAI's on one line, and with its envelope if it had none.
fn event(dialect: Kind, status: StatusCode, body: &[u8]) -> Bytes {
    let enveloped = serde_json::from_slice::<Value>(body).ok().filter(|body| body["error"].is_object());
    let line = enveloped.map_or_else(|| say(status, body), |body| body.to_string());
    match dialect {
        Kind::OpenAiChat | Kind::OpenAiText => sse::Frame::from_data(&line).into_bytes(),
        _ => client(dialect).encode_stream_error(&ApiError::read_failed(line.as_bytes()).unwrap_or_default()),
    }
}

/// OpenAI's envelope around what an upstream says in another shape, or does not say.
fn say(status: StatusCode, body: &[u8]) -> String {
    let said = ApiError::read_failed(body).unwrap_or_default();
    let message = match said.message.as_str() {
        "" if status.is_success() => "the upstream answered with something else than a stream of events",
        "" => &format!("the upstream answered {status}"),
        message => message,
    };
    let kind = if status.is_success() { "upstream_error" } else { kind(status) };
    envelope(
        message,
        if said.kind.is_empty() { kind } else { &said.kind },
        None,
        Some(if said.code.is_empty() { "upstream_error" } else { &said.code }),
    )
}

#[cfg(test)]
mod tests;
