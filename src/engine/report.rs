//! What the engine says of itself: rows and reports for the command line, the HTTP surface and the dashboard.
//! Plain data, serialisable, free of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Capability, Change, Price};
use crate::engine::live::Snapshot;
use crate::hub::{Endpoint, Usage};
use crate::routing::{Candidate, Percentiles};

/// One route of a model that can be asked for.
#[derive(Clone, Debug, Serialize)]
pub struct ModelRow {
    /// The name to ask for.
    pub name: String,
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// Lower is tried first.
    pub priority: u32,
    /// All three switches together.
    pub enabled: bool,
    /// Tokens of context, if known.
    pub context_window: Option<u64>,
    /// USD per million tokens, if known.
    pub price: Option<Price>,
    /// `ok`, `cooling 7.2s`, `disabled`, `unchecked`.
    pub state: String,
    /// `alias`, `auto`, `listed` or `discovered`.
    pub source: &'static str,
}

/// One real call to one route.
#[derive(Clone)]
pub struct Probe {
    /// The name it stands under.
    pub name: String,
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// Why it is not asked (image and audio models), if so.
    pub skip: Option<String>,
    /// How it is asked.
    pub endpoint: Endpoint,
    /// What is said.
    pub message: String,
    /// Whether to ask for a stream.
    pub stream: bool,
    /// Longest answer, in tokens; `None`: the upstream decides.
    pub max_tokens: Option<u64>,
    /// Time limit of the whole call.
    pub timeout: Duration,
    /// What the model is to prove, instead of answering `message`.
    pub capability: Option<Capability>,
    /// What the model is said to be able to do.
    pub claims: Vec<Capability>,
    pub(super) candidate: Candidate,
    /// The configuration that `candidate` belongs to.
    pub(super) snapshot: Arc<Snapshot>,
}

/// What one real call came to.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeResult {
    /// The name it stands under.
    pub model: String,
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// Whether it answered.
    pub ok: bool,
    /// Why it was not asked at all, if so (`ok` is then true).
    pub skipped: Option<String>,
    /// Until the answer was complete.
    pub latency_ms: u64,
    /// Until the first content, for streams.
    pub first_token_ms: Option<u64>,
    /// The first 500 characters of the answer.
    pub reply: Option<String>,
    /// What went wrong, in one line.
    pub error: Option<String>,
    /// The same more finely, for those who compare.
    #[serde(skip)]
    pub measured: Measured,
}

/// What was measured of one real call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Until the answer was complete, or the call had failed.
    pub total: Duration,
    /// Until the first content, for streams.
    pub first_token: Option<Duration>,
    /// What the upstream reported.
    pub usage: Option<Usage>,
    /// It said what it reasoned, too, and so the first content may have been of that.
    pub has_reasoned: bool,
}

/// The plan for a name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The name that was asked for.
    pub model: String,
    /// How it was found: `models entry`, `auto`, `PROVIDER/MODEL`, `offered by …`, `wildcard gpt-*`.
    pub resolved_by: String,
    /// In the order in which they would be tried.
    pub candidates: Vec<ExplainedRoute>,
    /// Passed over, and why.
    pub skipped: Vec<ExplainedRoute>,
    /// Attempts that one request may make.
    pub max_attempts: u32,
}

/// One route of a plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct ExplainedRoute {
    /// The public name it came from.
    pub via: String,
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// Lower is tried first.
    pub priority: u32,
    /// Share under the `weighted` strategy.
    pub weight: u32,
    /// USD per million tokens, if known.
    pub price: Option<Price>,
    /// The dialects of a plain chat there, most native first: a client of one of them is passed on byte for byte, any other
    /// is translated.
    #[serde(default)]
    pub speaks: Vec<String>,
    /// How its upstream stands; `None` where nobody knows.
    #[serde(default)]
    pub live: Option<LiveState>,
    /// Why it was passed over, or what is special about it (`last resort`).
    pub note: Option<String>,
}

/// How the upstream of a route stands now.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct LiveState {
    /// `closed`, `cooling` or `probing`: the worse of the model's and the provider's.
    pub state: String,
    /// Seconds of rest that are left.
    pub cooldown_left_seconds: f64,
    /// Failures of the upstream model in a row.
    pub failures: u32,
    /// Failures of its provider in a row: connections, credentials.
    pub provider_failures: u32,
    /// So many in a row send it to rest; `None`: it never rests.
    pub failures_allowed: Option<u32>,
    /// Requests at the provider now.
    pub in_flight: u32,
    /// How many there may be at once.
    pub max_in_flight: Option<u32>,
}

/// What a reload changed, or would change.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Reloaded {
    /// One sentence.
    pub message: String,
    /// Enabled providers now.
    pub providers_count: usize,
    /// Paths of keys that changed.
    pub changed: Vec<String>,
    /// Paths of keys whose change takes effect at the next start.
    pub restart_required: Vec<String>,
    /// `changed`, with values; those of secrets are masked.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

/// Whether there is somebody to ask.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct HealthReport {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: &'static str,
    /// Enabled providers, and whether each is usable.
    pub providers: BTreeMap<String, bool>,
    /// How many are.
    pub healthy_providers: usize,
    /// Of how many.
    pub total_providers: usize,
}

/// How the engine and its upstreams are.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = EngineStatus))]
pub struct Status {
    /// Of llmgw.
    pub version: &'static str,
    /// Since the engine started.
    pub uptime_seconds: u64,
    /// The configuration file, or where else the configuration came from.
    pub config: String,
    /// Since it was loaded.
    pub config_age_seconds: u64,
    /// When and how the last reload ended.
    pub last_reload: Option<LastReload>,
    /// Requests on their way now.
    pub in_flight: u64,
    /// State of each provider.
    pub providers: Vec<ProviderStatus>,
}

/// How the last reload ended.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct LastReload {
    /// Seconds since.
    pub age_seconds: u64,
    /// Whether it took effect.
    pub ok: bool,
    /// What was wrong.
    pub error: Option<String>,
    /// What changed.
    pub changed: Vec<String>,
}

/// State of one provider.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct ProviderStatus {
    /// Its name.
    pub name: String,
    /// `openai`, `request`, `mock`.
    pub kind: &'static str,
    /// All switches together.
    pub enabled: bool,
    /// An operator has switched it off by hand, until the next start.
    pub disabled_by_operator: bool,
    /// As that of a model, or `disabled`. Cooling too while every model of it that was used is.
    pub state: &'static str,
    /// Failures in a row of the account (connections, credentials).
    pub failures: u32,
    /// Seconds of rest that are left.
    pub cooldown_left_seconds: f64,
    /// Requests on their way now.
    pub in_flight: u32,
    /// Attempts so far, over all models.
    pub requests: u64,
    /// Share of attempts that came through whole, 0 to 1; those that a client or a limit of ours ended are left out.
    pub success_rate: Option<f64>,
    /// Milliseconds until the answer was committed.
    pub latency_ms: Option<Percentiles>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Keys or tokens.
    pub credentials: Credentials,
    /// Its models: listed, discovered or not known yet.
    pub models: Option<usize>,
    /// When discovery last failed, why.
    pub discovery_error: Option<String>,
    /// Each upstream model that was used.
    pub upstreams: Vec<UpstreamStatus>,
}

/// Keys or tokens of a provider.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Credentials {
    /// At rest, for some model at least.
    pub resting: usize,
    /// All of them.
    pub total: usize,
}

/// State of one upstream model.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct UpstreamStatus {
    /// The upstream's name of the model.
    pub model: String,
    /// `closed`; `cooling`; `probing`: its rest is over, and the next request finds out, or one is at it.
    pub state: &'static str,
    /// Failures in a row.
    pub failures: u32,
    /// Seconds of rest that are left.
    pub cooldown_left_seconds: f64,
    /// Requests on their way now.
    pub in_flight: u32,
    /// Attempts so far.
    pub requests: u64,
    /// Share of attempts that came through whole, 0 to 1; those that a client or a limit of ours ended are left out.
    pub success_rate: Option<f64>,
    /// Milliseconds until the answer was committed, of the last 256.
    pub latency_ms: Option<Percentiles>,
    /// What went wrong last.
    pub last_error: Option<String>,
}
