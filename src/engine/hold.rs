//! Holds a stream back until its first content, so that a failure before it can still move on to the next route.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::dialects::frames::Framer;
use crate::dialects::sse::Frame;
use crate::dialects::{Chunk, upstream};
use crate::engine::conversation::keep::Keeper;
use crate::hub::{ApiError, Kind, Usage};
use crate::transport::{Handshake, UpstreamBody};

/// More start-up events than this are no start-up (architecture: bounded).
const MOST_EVENTS: usize = 64;

/// More bytes than this are not held back.
const MOST_BYTES: usize = 256 * 1024;

/// A stream whose answer is committed: what was held back, and the rest.
pub struct Begun {
    /// To be sent first, in order.
    pub held: VecDeque<Frame>,
    /// What each of `held` means.
    pub chunks: VecDeque<Chunk>,
    /// Cuts what is to come.
    pub framer: Framer,
    /// What is to come; `None`: it has ended.
    pub upstream: Option<UpstreamBody>,
    /// Keeps the answer, if somebody shall.
    pub keeper: Option<Box<Keeper>>,
    dialect: Kind,
    /// There was content, rather than a full buffer or an empty answer.
    has_content: bool,
    events: usize,
    /// What was reported so far.
    usage: Option<Usage>,
}

/// What is seen of an attempt while it runs, for whoever gives it up or leaves.
#[derive(Debug, Default)]
pub struct Overheard(Mutex<Seen>);

/// What was seen of an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// In which dialect it was asked.
    pub dialect: Option<Kind>,
    /// When the head of its answer came.
    pub head: Option<Instant>,
    /// The status in it.
    pub status: Option<u16>,
    /// The connection that was made for it.
    pub connected: Option<Handshake>,
    /// What its stream reported while it was held back.
    pub usage: Option<Usage>,
}

impl Overheard {
    /// All of it so far.
    pub fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is asked in this dialect.
    pub fn asked(&self, dialect: Kind) {
        self.note(|seen| seen.dialect = Some(dialect));
    }

    /// The head of its answer is here.
    pub fn answered<B>(&self, response: &Response<B>) {
        let connected = response.extensions().get::<Handshake>().copied();
        self.note(|seen| {
            seen.head = Some(Instant::now());
            seen.status = Some(response.status().as_u16());
            seen.connected = connected.or(seen.connected);
        });
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why a stream failed before it was committed.
#[derive(Debug)]
pub enum Unbegun {
    /// The connection broke, or the stream is no stream of JSON events.
    Broken(String),
    /// The upstream said an error.
    Error(ApiError),
}

impl Begun {
    fn new(upstream: UpstreamBody, dialect: Kind) -> Begun {
        Begun {
            held: VecDeque::new(),
            chunks: VecDeque::new(),
            framer: Framer::of(dialect),
            upstream: Some(upstream),
            keeper: None,
            dialect,
            has_content: false,
            events: 0,
            usage: None,
        }
    }

    /// Takes in one frame; `true`: the answer is committed.
    fn take(&mut self, frame: Frame) -> Result<bool, Unbegun> {
        let data = frame.data();
        // Comments and pings are no events: however many come, they are not the answer's beginning.
        self.events += usize::from(!data.is_empty());
        let chunk = if data.is_empty() { Chunk { valid: true, ..Chunk::default() } } else { upstream(self.dialect).chunk(&frame) };
        drop(data);
        if let Some(error) = chunk.error {
            return Err(Unbegun::Error(error));
        }
        if !chunk.valid {
            return Err(Unbegun::Broken("the stream holds data that is not JSON".to_owned()));
        }
        self.has_content |= chunk.content;
        self.usage = chunk.usage.or(self.usage);
        let is_over = chunk.content || chunk.done;
        self.held.push_back(frame);
        self.chunks.push_back(chunk);
        Ok(is_over)
    }

    fn is_full(&self) -> bool {
        let held: usize = self.held.iter().map(|frame| frame.bytes().len()).sum();
        self.events >= MOST_EVENTS || held + self.framer.held() >= MOST_BYTES
    }

    /// Takes in all frames that are already here.
    fn drain(&mut self) -> Result<bool, Unbegun> {
        while let Some(frame) = self.framer.next_frame() {
            if self.take(frame)? {
                return Ok(true);
            }
        }
        Ok(self.is_full())
    }

    /// The body has ended: complete if it ended with a terminator or a finish reason.
    fn end(&mut self) -> Result<(), Unbegun> {
        self.upstream = None;
        if let Some(rest) = self.framer.rest() {
            self.take(rest)?;
        }
        match self.has_content || self.chunks.iter().any(|chunk| chunk.done || chunk.finish) {
            true => Ok(()),
            false => Err(Unbegun::Broken("the stream ended before its first content".to_owned())),
        }
    }
}

/// Reads `upstream`, which speaks `dialect`, until its answer is committed: first content, its end, or a full buffer. What it reports until then is
/// told to `overheard`.
pub async fn hold(upstream: UpstreamBody, dialect: Kind, overheard: &Overheard) -> Result<Begun, Unbegun> {
    let mut begun = Begun::new(upstream, dialect);
    loop {
        let Some(body) = begun.upstream.as_mut() else { return Ok(begun) };
        match body.frame().await {
            None => {
                begun.end()?;
                return Ok(begun);
            }
            Some(Err(error)) => return Err(Unbegun::Broken(error.to_string())),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_else(|_| Bytes::new());
                begun.framer.push(data).map_err(|error| Unbegun::Broken(error.to_string()))?;
                if begun.drain()? {
                    return Ok(begun);
                }
                if let Some(usage) = begun.usage {
                    overheard.note(|seen| seen.usage = Some(usage));
                }
            }
        }
    }
}
