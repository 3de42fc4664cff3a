//! What happens, as structs: one place writes the line, so that no two places word it differently.
//!
//! Levels: error, what failed for good; warn, what went wrong and was mended or refused; info, what happened; debug,
//! why. Fields borrow, and are formatted only when the level is on.

mod disk;

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::hub::{Outcome, Provenance, Usage};
use crate::telemetry::record::Record;

pub use disk::{LogTrouble, RequestFileTrouble, StorageTrouble};

/// The engine is up.
pub struct EngineStarted {
    /// Enabled providers.
    pub providers: usize,
    /// Names that can be asked for.
    pub models: usize,
}

impl EngineStarted {
    /// Writes the line.
    pub fn emit(&self) {
        info!(providers = self.providers, models = self.models, "started");
    }
}

/// A request was understood and is on its way to an upstream.
pub struct RequestAccepted<'a> {
    /// From where; `None` for the command line.
    pub client: Option<IpAddr>,
    /// Name of the caller's key.
    pub caller: &'a str,
    /// The name that was asked for.
    pub model: &'a str,
    /// Whether a stream was asked for.
    pub stream: bool,
}

impl RequestAccepted<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let client = self.client.map(tracing::field::display);
        // Its end is told at `info`: one line a request is what busy servers can afford.
        debug!(client, caller = self.caller, model = self.model, stream = self.stream, "accepted");
    }
}

/// A request ended, well or not: the one line that every request to an upstream gets.
pub struct RequestFinished<'a>(pub &'a Record);

impl RequestFinished<'_> {
    /// Writes the line: an error when every attempt failed or llmgw did, a warning when the upstream did, else info.
    pub fn emit(&self) {
        let record = self.0;
        let wasted = record.attempts.iter().find(|attempt| attempt.outcome == Outcome::Abandoned);
        let wasted = wasted.and_then(|attempt| Some((&*attempt.route.provider, attempt.usage?)));
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    client = record.client.map(tracing::field::display),
                    caller = &*record.caller,
                    model = record.model,
                    provider = &*record.provider,
                    upstream_model = &*record.upstream_model,
                    attempts = record.attempts.len(),
                    status = record.status,
                    outcome = record.outcome.as_str(),
                    first_token_ms = record.first_token.map(milliseconds),
                    upstream_ms = record.upstream.map(milliseconds),
                    total_ms = milliseconds(record.total),
                    bytes = record.bytes,
                    chunks = record.chunks,
                    input_tokens = record.usage.map(|(usage, _)| usage.input),
                    cached_tokens = record.usage.map(|(usage, _)| usage.cached).filter(|tokens| *tokens > 0),
                    output_tokens = record.usage.map(|(usage, _)| usage.output),
                    reasoning_tokens = record.usage.map(|(usage, _)| usage.reasoning).filter(|tokens| *tokens > 0),
                    tokens_are = record.usage.map(|(_, provenance)| provenance.word()),
                    cost_usd = record.cost.as_ref().map(|cost| (cost.usd * 1e9).round() / 1e9),
                    hedged = record.hedged.then_some(true),
                    trace_id = record.span.map(|span| tracing::field::display(span.trace)),
                    wasted_provider = wasted.map(|(provider, _)| provider),
                    wasted_input_tokens = wasted.map(|(_, (usage, _))| usage.input),
                    wasted_output_tokens = wasted.map(|(_, (usage, _))| usage.output).filter(|tokens| *tokens > 0),
                    wasted_tokens_are = wasted.map(|(_, (_, provenance))| provenance.word()),
                    error = record.error.as_deref(),
                    "finished"
                )
            };
        }
        match record.outcome {
            Outcome::UpstreamError | Outcome::UpstreamTimeout | Outcome::Unavailable | Outcome::Internal => line!(error),
            Outcome::GivenBack | Outcome::CutOff | Outcome::Denied => line!(warn),
            Outcome::Ok | Outcome::BadRequest | Outcome::ClientGone | Outcome::Abandoned => line!(info),
        }
    }
}

/// A request was answered without an upstream: a list, a page, a refusal.
pub struct RequestAnswered<'a> {
    /// From where.
    pub client: IpAddr,
    /// The method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// What the client was told.
    pub status: u16,
    /// How long it took.
    pub total: Duration,
    /// Asked by machines every few seconds (the health family): debug.
    pub quiet: bool,
}

impl RequestAnswered<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    client = %self.client,
                    method = self.method,
                    path = self.path,
                    status = self.status,
                    total_ms = milliseconds(self.total),
                    "answered"
                )
            };
        }
        match self.quiet {
            true => line!(debug),
            false => line!(info),
        }
    }
}

/// One try at one upstream failed.
pub struct AttemptFailed<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The upstream's name of the model.
    pub upstream_model: &'a str,
    /// The upstream's status, if it gave one.
    pub status: Option<u16>,
    /// What went wrong.
    pub reason: &'a str,
    /// How long it took.
    pub took: Duration,
}

impl AttemptFailed<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!(
            provider = self.provider,
            upstream_model = self.upstream_model,
            status = self.status,
            reason = self.reason,
            took_ms = milliseconds(self.took),
            "upstream failed"
        );
    }
}

/// A request moves on to the next route.
pub struct SwitchedUpstream<'a> {
    /// `PROVIDER/MODEL` that failed.
    pub from: &'a str,
    /// `PROVIDER/MODEL` that is tried now.
    pub to: &'a str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl SwitchedUpstream<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(from = self.from, to = self.to, attempt = self.attempt, "trying the next upstream");
    }
}

/// A stream is silent, and the next route is started beside it.
pub struct AttemptHedged<'a> {
    /// `PROVIDER/MODEL` that is silent.
    pub silent: &'a str,
    /// `PROVIDER/MODEL` that is started.
    pub beside: &'a str,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl AttemptHedged<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(silent = self.silent, beside = self.beside, attempt = self.attempt, "no content yet: starting the next upstream too");
    }
}

/// An attempt was given up because another one has the answer.
pub struct AttemptAbandoned<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The upstream's name of the model.
    pub upstream_model: &'a str,
    /// For how long it ran.
    pub took: Duration,
    /// Tokens it used for nothing.
    pub wasted: (Usage, Provenance),
}

impl AttemptAbandoned<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let (usage, provenance) = self.wasted;
        info!(
            provider = self.provider,
            upstream_model = self.upstream_model,
            took_ms = milliseconds(self.took),
            wasted_input_tokens = usage.input,
            wasted_output_tokens = Some(usage.output).filter(|tokens| *tokens > 0),
            wasted_tokens_are = provenance.word(),
            "given up: another upstream spoke first"
        );
    }
}

/// A candidate was passed over.
pub struct CandidateSkipped<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The upstream's name of the model.
    pub upstream_model: &'a str,
    /// Why; written only when the level is on.
    pub reason: &'a dyn Display,
}

impl CandidateSkipped<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        debug!(provider = self.provider, upstream_model = self.upstream_model, reason = %self.reason, "skipped");
    }
}

/// A reload ended.
pub enum ReloadFinished<'a> {
    /// The new configuration is in force.
    Done {
        /// Paths of keys that changed.
        changed: &'a [String],
        /// Of those, which need a restart.
        restart_required: &'a [String],
    },
    /// The old one stays.
    Refused {
        /// What is wrong with the new one.
        diagnostics: &'a [String],
    },
}

impl ReloadFinished<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self {
            ReloadFinished::Done { changed: [], restart_required: [] } => info!("configuration reloaded: nothing changed"),
            ReloadFinished::Done { changed, restart_required: [] } => info!(changed = changed.join(", "), "configuration reloaded"),
            ReloadFinished::Done { changed, restart_required } => {
                let restart_required = restart_required.join(", ");
                warn!(changed = changed.join(", "), restart_required, "configuration reloaded; some of it needs a restart");
            }
            ReloadFinished::Refused { diagnostics } => {
                // The first line of each says what and where; `/status` and the reply have the rest.
                let mistakes: Vec<&str> = diagnostics.iter().filter_map(|text| text.lines().next()).collect();
                warn!(mistakes = mistakes.join("; "), "configuration not reloaded; the old one stays");
            }
        }
    }
}

/// A caller was turned away.
pub struct KeyRefused<'a> {
    /// From where.
    pub client: IpAddr,
    /// Why; never the key.
    pub reason: &'a str,
}

impl KeyRefused<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!(client = %self.client, reason = self.reason, "key refused");
    }
}

/// An operator intervened by hand.
pub struct OperatorActed<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// What was done to it.
    pub act: OperatorAct,
}

/// What an operator can do to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAct {
    /// Switched it off.
    Disabled,
    /// Switched it on again.
    Enabled,
    /// Ended its cooldowns.
    Reset,
}

impl OperatorActed<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self.act {
            OperatorAct::Disabled => warn!(provider = self.provider, "disabled by an operator until the next start"),
            OperatorAct::Enabled => info!(provider = self.provider, "enabled by an operator"),
            OperatorAct::Reset => info!(provider = self.provider, "cooldowns reset by an operator"),
        }
    }
}

/// A bug ended something in the middle.
pub struct Panicked<'a> {
    /// What it says.
    pub message: &'a str,
    /// File, line and column.
    pub place: &'a str,
}

impl Panicked<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        error!(panic = self.message, at = self.place, "panicked");
    }
}

/// A token that a login yields came or went.
pub struct TokenChanged<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// What happened to it.
    pub change: TokenChange,
    /// How long it would still be used, were nothing to happen.
    pub expires_in: Duration,
}

/// What can happen to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenChange {
    /// A login yielded it.
    Fetched,
    /// Its time is over.
    Expired,
    /// The upstream refused it.
    Dropped,
    /// It was at hand.
    Reused,
}

impl TokenChanged<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self.change {
            TokenChange::Fetched => info!(provider = self.provider, expires_in_s = self.expires_in.as_secs(), "token fetched"),
            TokenChange::Expired => info!(provider = self.provider, "token expired"),
            TokenChange::Dropped => info!(provider = self.provider, expires_in_s = self.expires_in.as_secs(), "token dropped after a 401"),
            TokenChange::Reused => debug!(provider = self.provider, expires_in_s = self.expires_in.as_secs(), "token reused"),
        }
    }
}

/// Traces are exported from now on.
pub struct TracesOn<'a> {
    /// Where to, without secrets.
    pub endpoint: &'a str,
    /// How.
    pub protocol: &'a str,
    /// With prompts and answers.
    pub contents: bool,
}

impl TracesOn<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(endpoint = self.endpoint, protocol = self.protocol, contents = self.contents, "exporting traces");
    }
}

/// Something is wrong with the export of traces. Requests go on without it.
pub enum TracesTrouble<'a> {
    /// Nothing can be exported until the next start.
    Unusable {
        /// Why.
        reason: &'a str,
    },
    /// The collector does not take anything now; it is tried again.
    Undelivered {
        /// Why.
        reason: &'a str,
    },
    /// It did not for too long.
    Lost {
        /// How many were given up.
        spans: usize,
        /// Why.
        reason: &'a str,
    },
    /// The collector refuses what it is sent.
    Refused {
        /// How many it refused.
        spans: usize,
        /// Why.
        reason: &'a str,
    },
    /// More requests ended than could be exported.
    Dropped,
    /// The collector takes them again.
    Over,
}

impl TracesTrouble<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        match self {
            TracesTrouble::Unusable { reason } => warn!(reason, "traces cannot be exported"),
            TracesTrouble::Undelivered { reason } => warn!(reason, "traces cannot be delivered; trying again"),
            TracesTrouble::Lost { spans, reason } => warn!(spans, reason, "traces could not be delivered and are lost"),
            TracesTrouble::Refused { spans, reason } => warn!(spans, reason, "the collector refused traces"),
            TracesTrouble::Dropped => warn!("the collector is too slow: traces are dropped"),
            TracesTrouble::Over => info!("traces are delivered again"),
        }
    }
}

/// Milliseconds with one decimal.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
