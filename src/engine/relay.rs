//! A committed answer on its way from an upstream to a client.
//!
//! Polled by whoever reads it: no task, no channel. Dropping it cancels the upstream's request. Events go out as the
//! bytes that came in; only those that may say something of interest are read.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use tokio::time::Instant;

use crate::config::Secret;
use crate::dialects::frames::Framer;
use crate::dialects::sse::Frame;
use crate::dialects::{self, Chunk};
use crate::engine::answer::{Credential, mask};
use crate::engine::conversation::keep::Keeper;
use crate::engine::hold::Begun;
use crate::engine::live::Snapshot;
use crate::engine::meter::{Fault, Meter};
use crate::engine::speech::{Speech, Translator};
use crate::hub::ApiError;
use crate::routing::Candidate;
use crate::telemetry::redact::redact_cut;
use crate::transport::UpstreamBody;

mod clock;
mod translation;

use clock::Clock;
pub use clock::Limits;

/// How long an upstream may keep its body open after the terminator: only so that its connection can be used again.
const AFTER_DONE: Duration = Duration::from_secs(1);

/// Events that come at once go out at once, up to this many bytes.
const TOGETHER: usize = 16 * 1024;

/// A committed answer on its way.
pub struct Relay {
    upstream: Option<UpstreamBody>,
    kind: Kind,
    queue: VecDeque<Bytes>,
    meter: Meter,
    clock: Clock,
    from: Source,
}

/// The one failure that a body shows as such, so that the connection is cut and the client sees a truncated body:
/// a binary or unknown body that broke off. A stream of events ends with an error event instead.
#[derive(Debug, thiserror::Error)]
#[error("the upstream's answer broke off: {0}")]
pub struct BrokenOff(pub String);

/// What goes through.
enum Kind {
    /// A stream of events.
    Events(Events),
    /// Bytes of any kind.
    Raw,
}

struct Events {
    framer: Framer,
    speech: Speech,
    /// Says in the client's words what comes in the upstream's.
    translator: Option<Box<Translator>>,
    /// Keeps the answer, if somebody shall.
    keeper: Option<Box<Keeper>>,
    /// Usage was asked for on our own account: its chunk is not the client's.
    withhold_usage: bool,
    finished: bool,
    done: bool,
    failed: bool,
}

/// Whose answer it is.
pub struct Source {
    /// The configuration that knows the upstream's credentials.
    pub snapshot: Arc<Snapshot>,
    /// Which upstream it is.
    pub candidate: Candidate,
    /// What the request was signed with.
    pub credential: Credential,
}

impl Source {
    /// What must not reach the client.
    pub fn secrets(&self) -> Vec<Secret> {
        self.credential.secrets(&self.snapshot, self.candidate.provider)
    }
}

impl Relay {
    /// A stream of events whose beginning was held back.
    pub fn events(begun: Begun, speech: Speech, withhold_usage: bool, limits: Limits, meter: Meter, from: Source) -> Relay {
        let translator = speech.translator().map(Box::new);
        let (framer, keeper) = (begun.framer, begun.keeper);
        let events = Events { framer, speech, translator, keeper, withhold_usage, finished: false, done: false, failed: false };
        let mut relay = Relay::new(begun.upstream, Kind::Events(events), limits, meter, from);
        for (frame, chunk) in begun.held.into_iter().zip(begun.chunks) {
            relay.take(frame, Some(chunk));
        }
        relay.drain(None);
        if relay.upstream.is_none() {
            relay.end();
        }
        relay
    }

    fn new(upstream: Option<UpstreamBody>, kind: Kind, limits: Limits, meter: Meter, from: Source) -> Relay {
        Relay { upstream, kind, queue: VecDeque::new(), meter, clock: Clock::new(limits), from }
    }

    /// Any other body, of which `first` was read.
    pub fn raw(first: Option<Bytes>, upstream: Option<UpstreamBody>, limits: Limits, meter: Meter, from: Source) -> Relay {
        let mut relay = Relay::new(upstream, Kind::Raw, limits, meter, from);
        relay.queue.extend(first);
        // Nobody polls a body that has no bytes (HEAD, 204, 304).
        if relay.upstream.as_ref().is_none_or(UpstreamBody::is_end_stream) {
            relay.end();
        }
        relay
    }

    /// The next piece for the client; ends cleanly after an error event, and with an error where no event can say it.
    pub fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        loop {
            if self.is_enough() {
                return Poll::Ready(self.next_piece());
            }
            let Some(upstream) = self.upstream.as_mut() else { return Poll::Ready(None) };
            let polled = Pin::new(upstream).poll_frame(context);
            let broken = match polled {
                // All that has come is here.
                Poll::Pending if !self.queue.is_empty() => return Poll::Ready(self.next_piece()),
                Poll::Ready(Some(Ok(frame))) => {
                    self.clock.last = Instant::now();
                    if let Ok(data) = frame.into_data() {
                        self.receive(data);
                    }
                    continue;
                }
                Poll::Ready(None) => {
                    self.end();
                    continue;
                }
                Poll::Ready(Some(Err(error))) => (error.to_string(), Fault::Upstream),
                Poll::Pending => match self.clock.poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(passed) => passed,
                },
            };
            if let Err(error) = self.break_off(broken.0, broken.1) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Whether something waits that shall go out without waiting for more.
    fn is_enough(&self) -> bool {
        let is_over = self.upstream.is_none() && !self.queue.is_empty();
        is_over || self.queue.iter().map(Bytes::len).sum::<usize>() >= TOGETHER
    }

    /// The next piece for the client.
    fn next_piece(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        let piece = self.join()?;
        self.meter.sent(&piece);
        Some(Ok(piece))
    }

    /// What waits, together: a chunk and a write for each event would cost more than copying them.
    fn join(&mut self) -> Option<Bytes> {
        let first = self.queue.pop_front()?;
        let mut length = first.len();
        let fits = |piece: &&Bytes| {
            length += piece.len();
            length <= TOGETHER
        };
        let more = self.queue.iter().take_while(fits).count();
        if more == 0 {
            return Some(first);
        }
        let mut joined = BytesMut::with_capacity(TOGETHER.min(length));
        joined.extend_from_slice(&first);
        self.queue.drain(..more).for_each(|piece| joined.extend_from_slice(&piece));
        Some(joined.freeze())
    }

    /// Whether it is a stream of events, rather than bytes of any kind.
    pub fn is_events(&self) -> bool {
        matches!(self.kind, Kind::Events(_))
    }

    /// Whether something else may go in now: between whole events, before the last one.
    pub fn is_between_events(&self) -> bool {
        matches!(&self.kind, Kind::Events(events) if !events.done && !events.failed) && self.upstream.is_some() && self.queue.is_empty()
    }

    /// Gives the answer up on llmgw's own account, if it is not over: cancels the upstream's request and notes `reason`.
    /// In a stream of events `last` goes out yet, and the stream ends cleanly.
    pub fn stop(&mut self, last: &ApiError, reason: &str) {
        let last = self.last_words(last);
        if self.upstream.take().is_none() {
            return;
        }
        match &mut self.kind {
            Kind::Events(events) if events.done || events.failed => return,
            Kind::Events(events) => {
                events.failed = true;
                self.queue.push_back(last);
            }
            Kind::Raw => {}
        }
        self.meter.cut_off(reason, Fault::Nobodys);
    }

    fn receive(&mut self, data: Bytes) {
        match &mut self.kind {
            Kind::Raw if data.is_empty() => {}
            Kind::Raw => self.queue.push_back(data),
            Kind::Events(events) => {
                // A chunk that begins and ends with whole events goes out in one piece.
                let whole = (events.framer.held() == 0).then(|| data.clone());
                if let Err(error) = events.framer.push(data) {
                    // Only the event within is too large: nothing of it was sent. The limit is ours.
                    let _ = self.break_off(error.to_string(), Fault::Nobodys);
                    return;
                }
                self.drain(whole);
            }
        }
    }

    /// Takes out all events that are here. `whole`: the chunk they come from, if nothing else was pending.
    fn drain(&mut self, whole: Option<Bytes>) {
        let before = self.queue.len();
        let mut is_whole = whole.is_some();
        loop {
            let Kind::Events(events) = &mut self.kind else { return };
            if events.failed {
                return;
            }
            let Some(frame) = events.framer.next_frame() else { break };
            is_whole &= self.take(frame, None);
        }
        let Kind::Events(events) = &self.kind else { return };
        if let Some(whole) = whole.filter(|_| is_whole && events.framer.held() == 0 && self.queue.len() > before + 1) {
            self.queue.truncate(before);
            self.queue.push_back(whole);
        }
    }

    /// Passes one event on, unless it is ours alone; `true`: passed on as it is. `chunk`: what it means, if that is known.
    fn take(&mut self, frame: Frame, chunk: Option<Chunk>) -> bool {
        let Kind::Events(events) = &mut self.kind else { return false };
        if events.translator.is_some() {
            self.translate(&frame);
            return false;
        }
        if let Some(keeper) = &mut events.keeper {
            keeper.event(&frame);
        }
        let dialect = events.speech.upstream();
        let chunk = match chunk {
            Some(chunk) => Some(chunk),
            None if dialect.is_of_interest(frame.bytes()) => Some(dialect.chunk(&frame)),
            None => None,
        };
        let Some(chunk) = chunk else {
            self.meter.event();
            let (bytes, is_as_it_was) = self.without_secrets(frame);
            self.queue.push_back(bytes);
            return is_as_it_was;
        };
        let is_ours = events.withhold_usage && chunk.no_choices && chunk.usage.is_some();
        events.finished |= chunk.finish;
        if chunk.content {
            self.meter.event();
        }
        if let Some(usage) = chunk.usage {
            self.meter.report(usage);
        }
        if let Some(error) = chunk.error {
            self.fail(&error, frame.into_bytes());
            return false;
        }
        if chunk.done {
            self.done();
        }
        if is_ours {
            return false;
        }
        let (bytes, is_as_it_was) = self.without_secrets(frame);
        self.queue.push_back(bytes);
        is_as_it_was
    }

    /// The terminator came.
    fn done(&mut self) {
        if let Kind::Events(events) = &mut self.kind {
            events.done = true;
        }
        self.clock = Clock::new(Limits { idle: Some(AFTER_DONE), until: Some(Instant::now() + AFTER_DONE) });
        self.meter.complete();
    }

    /// The upstream said, within the stream, that it failed; `bytes` say it to the client.
    fn fail(&mut self, error: &ApiError, bytes: Bytes) {
        if let Kind::Events(events) = &mut self.kind {
            events.failed = true;
        }
        let secrets = self.from.secrets();
        let fault = if error.blames_the_request() { Fault::Nobodys } else { Fault::Upstream };
        self.meter.cut_off(&format!("within the stream: {}", redact_cut(&error.summary(), &secrets)), fault);
        self.upstream = None;
        self.queue.push_back(mask(bytes, &secrets));
    }

    /// An error as the client's dialect says it within a stream.
    fn last_words(&self, error: &ApiError) -> Bytes {
        match &self.kind {
            Kind::Events(events) => events.speech.client().encode_stream_error(error),
            Kind::Raw => Bytes::new(),
        }
    }

    /// An event of a name that its dialect does not have may be an error in a form that nobody foresaw.
    fn without_secrets(&self, frame: Frame) -> (Bytes, bool) {
        let bytes = frame.into_bytes();
        let is_foreseen = match &self.kind {
            Kind::Events(events) => dialects::is_own_event(events.speech.upstream(), &bytes),
            Kind::Raw => true,
        };
        if is_foreseen {
            return (bytes, true);
        }
        let masked = mask(bytes.clone(), &self.from.secrets());
        let is_as_it_was = masked == bytes;
        (masked, is_as_it_was)
    }

    /// The upstream's body has ended.
    fn end(&mut self) {
        self.upstream = None;
        let Kind::Events(events) = &mut self.kind else { return self.meter.complete() };
        // After an error event nothing follows, whatever came with it.
        if events.failed {
            return;
        }
        if let Some(rest) = events.framer.rest() {
            // An unfinished event is passed on only if it is whole but for its blank line.
            if events.speech.upstream().chunk(&rest).valid {
                self.take(rest, None);
            }
        }
        let Kind::Events(events) = &self.kind else { return };
        if events.failed || events.done {
            return;
        }
        match events.finished {
            true => {
                self.conclude();
                self.meter.complete();
            }
            false => self.say("the upstream's stream ended before it was complete", Fault::Upstream),
        }
    }

    /// The answer cannot go on.
    fn break_off(&mut self, reason: String, fault: Fault) -> Result<(), BrokenOff> {
        self.upstream = None;
        match &self.kind {
            // The client has all of it.
            Kind::Events(events) if events.done => Ok(()),
            Kind::Events(_) => {
                self.say(&reason, fault);
                Ok(())
            }
            Kind::Raw => {
                self.meter.cut_off(&reason, fault);
                Err(BrokenOff(reason))
            }
        }
    }

    /// Tells the client, in the stream, that there will be no more.
    fn say(&mut self, reason: &str, fault: Fault) {
        let word = "upstream_error".to_owned();
        let error = ApiError { message: format!("the answer broke off: {reason}"), kind: word.clone(), code: word };
        self.queue.push_back(self.last_words(&error));
        self.meter.cut_off(reason, fault);
        if let Kind::Events(events) = &mut self.kind {
            events.failed = true;
        }
    }
}
