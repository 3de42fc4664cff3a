//! Usage of one request, and the line that is written when it ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::Error;
use crate::hub::{Outcome, Provenance, Usage};
use crate::routing::{Candidate, Slot};
use crate::telemetry::events::RequestFinished;

/// nginx's word for a client that left before it was answered; for logs only, never sent.
const CLIENT_GONE: u16 = 499;

/// Reports a request exactly once: when its reply ends, or when it is dropped.
pub struct Meter {
    client: Option<IpAddr>,
    caller: Arc<str>,
    received: Instant,
    /// When the engine got it; until then its client was still sending.
    begun: Instant,
    running: Arc<AtomicU64>,
    /// The name asked for, once it is known.
    pub model: String,
    /// Who answers, or was tried last.
    pub provider: Arc<str>,
    /// The upstream's name of the model.
    pub upstream_model: Arc<str>,
    /// Attempts made.
    pub attempts: u32,
    /// Time spent waiting for upstreams.
    pub waited: Duration,
    first_token: Option<Duration>,
    upstream: Option<Duration>,
    status: u16,
    outcome: Outcome,
    bytes: u64,
    chunks: u64,
    events: u64,
    usage: Option<Usage>,
    /// A second attempt was started beside a silent one.
    pub hedged: bool,
    wasted: Option<(Arc<str>, Usage, Provenance)>,
    error: Option<String>,
    slot: Option<Slot>,
}

/// Who ended an answer before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The upstream, which it hurts.
    Upstream,
    /// We, or what the client asked for.
    Nobodys,
}

impl Meter {
    /// For a request that has just come in; `running` counts those on their way.
    pub fn start(client: Option<IpAddr>, caller: Arc<str>, received: Instant, running: &Arc<AtomicU64>) -> Meter {
        running.fetch_add(1, Ordering::Relaxed);
        Meter {
            client,
            caller,
            received,
            begun: Instant::now(),
            running: running.clone(),
            model: String::new(),
            provider: Arc::from(""),
            upstream_model: Arc::from(""),
            attempts: 0,
            waited: Duration::ZERO,
            first_token: None,
            upstream: None,
            status: CLIENT_GONE,
            outcome: Outcome::ClientGone,
            bytes: 0,
            chunks: 0,
            events: 0,
            usage: None,
            hedged: false,
            wasted: None,
            error: None,
            slot: None,
        }
    }

    /// `candidate` is asked, or has the answer.
    pub fn tries(&mut self, candidate: &Candidate) {
        self.provider = candidate.provider_name.clone();
        self.upstream_model = candidate.model.clone();
    }

    /// Since the request came in.
    pub fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    /// Time spent in llmgw itself so far, without the client's upload.
    pub fn overhead(&self) -> Duration {
        self.begun.elapsed().saturating_sub(self.waited)
    }

    /// The request failed with an error of ours.
    pub fn fail(&mut self, error: &Error) {
        self.status = error.status().as_u16();
        self.outcome = error.outcome();
        self.error = Some(error.to_string());
    }

    /// An upstream's answer is committed. `slot` stays taken until the answer's end.
    pub fn commit(&mut self, status: u16, slot: Slot) {
        self.status = status;
        self.slot = Some(slot);
        self.upstream = Some(self.elapsed());
        // Until the end was seen, whoever drops this has cut it off.
        self.outcome = Outcome::ClientGone;
    }

    /// First content was seen.
    pub fn first_token(&mut self) {
        self.first_token = Some(self.elapsed());
    }

    /// The answer ended as it should.
    pub fn complete(&mut self) {
        let given_back = self.status >= 400;
        self.outcome = if given_back { Outcome::GivenBack } else { Outcome::Ok };
        if let Some(slot) = self.slot.take() {
            slot.completed();
        }
    }

    /// The answer broke off; `reason` is short and free of secrets.
    pub fn cut_off(&mut self, reason: &str, fault: Fault) {
        self.outcome = Outcome::CutOff;
        self.error = Some(format!("{}/{}: {reason}", self.provider, self.upstream_model));
        let begun = self.upstream.unwrap_or_default();
        if let Some(slot) = self.slot.take().filter(|_| fault == Fault::Upstream) {
            slot.broke(reason, self.elapsed().saturating_sub(begun));
        }
    }

    /// A piece goes out.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.chunks += 1;
    }

    /// An event of a stream goes by.
    pub fn event(&mut self) {
        self.events(1);
    }

    /// So many events of a stream go by.
    pub fn events(&mut self, count: u64) {
        self.events += count;
    }

    /// What the upstream reported. A later report may leave out what an earlier one said (Anthropic's counts of the prompt
    /// stand at the beginning), and none is smaller.
    pub fn report(&mut self, usage: Usage) {
        self.usage = Some(self.usage.map_or(usage, |before| before.most(usage)));
    }

    /// An attempt at `provider` was given up for another one's answer, after it had used this much.
    pub fn waste(&mut self, provider: Arc<str>, usage: Usage, provenance: Provenance) {
        self.wasted = Some((provider, usage, provenance));
    }

    fn counted(&self) -> Option<(Usage, Provenance)> {
        match self.usage {
            Some(usage) => Some((usage, Provenance::Reported)),
            // Most upstreams send a token an event.
            None if self.events > 0 => {
                let provenance = if self.outcome == Outcome::Ok { Provenance::Estimated } else { Provenance::Partial };
                Some((Usage { output: self.events, ..Usage::default() }, provenance))
            }
            None => None,
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.slot = None;
        self.running.fetch_sub(1, Ordering::Relaxed);
        let finished = RequestFinished {
            client: self.client,
            caller: &self.caller,
            model: &self.model,
            provider: &self.provider,
            upstream_model: &self.upstream_model,
            attempts: self.attempts,
            status: self.status,
            outcome: self.outcome,
            first_token: self.first_token,
            upstream: self.upstream,
            total: self.elapsed(),
            bytes: self.bytes,
            chunks: self.chunks,
            usage: self.counted(),
            hedged: self.hedged,
            wasted: self.wasted.as_ref().map(|(provider, usage, provenance)| (&**provider, *usage, *provenance)),
            error: self.error.as_deref(),
        };
        finished.emit();
    }
}
