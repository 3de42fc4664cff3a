//! What can be asked of the ledger, and the forms of its answers.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::hub::Outcome;
use crate::telemetry::Record;

/// Which requests: all those that fit whatever is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// When they ended.
    pub period: Period,
    /// The name asked for.
    pub model: Option<String>,
    /// The provider that answered, or was tried last.
    pub provider: Option<String>,
    /// Name of the caller's key.
    pub caller: Option<String>,
}

/// A span of time: from `since` on, before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `None`: from the beginning.
    pub since: Option<SystemTime>,
    /// `None`: up to now.
    pub until: Option<SystemTime>,
}

/// Which requests, and which page of them. The newest come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which.
    pub scope: Scope,
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// Only those whose client got less than it asked for.
    pub only_failed: bool,
    /// Only those before this [`Entry::at`]: the next page.
    pub before: Option<i64>,
    /// Only those after this [`Entry::at`]: what is new since.
    pub after: Option<i64>,
    /// How many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter { scope: Scope::default(), outcome: None, only_failed: false, before: None, after: None, limit: 100 }
    }
}

/// One request of a page.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its place: microseconds since 1970 when it ended, made unique.
    pub at: i64,
    /// When it ended, in the time of this machine's place: `2026-11-28 09:30:05.123`.
    pub local: String,
    /// Its account.
    #[serde(flatten)]
    pub record: Record,
}

/// What sums are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The name asked for.
    Model,
    /// The provider.
    Provider,
    /// The caller's key.
    Key,
    /// The day, in the time of this machine's place.
    Day,
    /// `PROVIDER/MODEL` that was used.
    Upstream,
}

/// What was used, of one model, provider, key or day.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Sum {
    /// Of which; empty where a name led nowhere, or no provider was asked.
    pub name: String,
    /// Requests; counted with the provider that answered, or was tried last.
    pub requests: u64,
    /// Those of them whose client got less than it asked for.
    pub failed: u64,
    /// Attempts, failed ones included.
    pub attempts: u64,
    /// Attempts that were started beside a silent one.
    pub hedges: u64,
    /// Tokens of prompts, cached ones included.
    pub input: u64,
    /// The part that was read from a cache.
    pub cached: u64,
    /// The part that was written to a cache.
    pub cache_write: u64,
    /// Tokens of answers, reasoning included.
    pub output: u64,
    /// The part that was reasoning.
    pub reasoning: u64,
    /// Answers whose tokens were estimated, or counted until they were cut off.
    pub uncertain: u64,
    /// USD, as far as prices are known.
    pub cost: f64,
    /// Answers that used tokens whose price nobody knows.
    pub unpriced: u64,
    /// Bytes sent to clients.
    pub bytes: u64,
    /// How long a request took, on average, in milliseconds.
    pub mean_ms: Option<f64>,
    /// Until the first content of a stream, on average, in milliseconds.
    pub mean_first_token_ms: Option<f64>,
}

/// What was used in one span of time.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// When it begins, in milliseconds since 1970.
    pub time: u64,
    /// What was used.
    #[serde(flatten)]
    pub sum: Sum,
}

/// How long complete answers took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Latency {
    /// So many were looked at: the newest.
    pub requests: usize,
    /// Half were faster.
    pub p50: Option<f64>,
    /// Nineteen of twenty were faster.
    pub p95: Option<f64>,
    /// Ninety-nine of a hundred were faster.
    pub p99: Option<f64>,
    /// Until the first content: half were faster.
    pub first_token_p50: Option<f64>,
    /// Nineteen of twenty were faster.
    pub first_token_p95: Option<f64>,
}

/// What was used of late.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recent {
    /// The last minute, or a little more or less: it begins with a minute of the clock.
    pub minute: Span,
    /// The last hour, from the beginning of a minute on.
    pub hour: Span,
    /// This day, in the time of this machine's place.
    pub today: Span,
}

/// What was used from some time on, and how it went.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Span {
    /// When it begins, in seconds since 1970.
    pub begins: u64,
    /// How long ago that was.
    pub seconds: f64,
    /// Requests that ended.
    pub requests: u64,
    /// Those of them whose client got less than it asked for.
    pub failed: u64,
    /// Share of the others, 0 to 1; nothing without requests.
    pub success_rate: Option<f64>,
    /// Requests, on average.
    pub requests_per_second: f64,
    /// Tokens of prompts.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
    /// Tokens of answers, on average.
    pub output_per_second: f64,
    /// USD, as far as prices are known.
    pub cost: f64,
    /// Answers that used tokens whose price nobody knows.
    pub unpriced: u64,
    /// How long complete answers took.
    pub latency: Latency,
    /// For each model: those that cost most, then those that were asked most.
    pub models: Vec<Sum>,
    /// For each key, likewise.
    pub keys: Vec<Sum>,
}
