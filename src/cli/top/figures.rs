//! What a gateway tells of itself, as far as it is shown. What an older or newer one tells otherwise is left out.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::hub::Outcome;
use crate::routing::Percentiles;

/// `GET /status`. Whatever has no version and no providers is no gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Status {
    /// Of the gateway.
    pub version: String,
    /// Since it started.
    #[serde(default)]
    pub uptime_seconds: u64,
    /// How the last reload ended.
    #[serde(default)]
    pub last_reload: Option<LastReload>,
    /// Requests on their way now.
    #[serde(default)]
    pub in_flight: u64,
    /// In the file's order.
    pub providers: Vec<Provider>,
}

/// How the last reload ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LastReload {
    /// Seconds since.
    pub age_seconds: u64,
    /// Whether it took effect.
    pub ok: bool,
}

/// A provider, as `/status` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// `openai`, `mock` …
    pub kind: String,
    /// An operator has drained it.
    pub disabled_by_operator: bool,
    /// `closed`, `cooling`, `probing` or `disabled`.
    pub state: String,
    /// Failures in a row.
    pub failures: u32,
    /// Seconds of rest that are left.
    pub cooldown_left_seconds: f64,
    /// Requests on their way now.
    pub in_flight: u32,
    /// Attempts so far.
    pub requests: u64,
    /// Share of them that came through whole.
    pub success_rate: Option<f64>,
    /// Until an answer was committed.
    pub latency_ms: Option<Percentiles>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Its keys.
    pub credentials: Credentials,
    /// How many models it has.
    pub models: Option<usize>,
}

/// Keys of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// At rest.
    pub resting: usize,
    /// All of them.
    pub total: usize,
}

/// The event `overview`: what changes from one second to the next.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Pulse {
    /// `healthy`, `degraded` or `unhealthy`.
    pub health: String,
    /// Requests on their way now.
    pub in_flight: u64,
}

/// A page of `GET /admin/api/requests`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The newest first.
    pub requests: Vec<Ended>,
}

/// A request that has ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// Its id.
    pub id: String,
    /// When it came in, as RFC 3339 has it.
    pub received: String,
    /// Name of the caller's key.
    pub caller: String,
    /// What was asked.
    pub endpoint: String,
    /// The name that was asked for.
    pub model: String,
    /// Who answered, or was tried last.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// What the client was told.
    pub status: u16,
    /// How it ended, in one word.
    pub outcome: String,
    /// Until the first content.
    pub first_token_ms: Option<f64>,
    /// Until the end.
    pub total_ms: f64,
    /// Tokens.
    pub usage: Option<Tokens>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// What went wrong.
    pub error: Option<String>,
    /// Every try.
    pub attempts: Vec<Attempt>,
}

/// Tokens of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

/// What it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// In US dollars.
    pub usd: f64,
}

/// One try.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// Whom.
    pub provider: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// How it ended, in one word.
    pub outcome: String,
    /// How long that took.
    pub took_ms: f64,
    /// What went wrong.
    pub reason: Option<String>,
}

/// What an act on a provider came to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Acted {
    /// Whether all went well.
    pub ok: bool,
    /// Of a test: each route.
    pub results: Vec<Tested>,
}

/// One route that was asked for real.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tested {
    /// The name it stands under.
    pub model: String,
    /// The upstream's name of the model.
    pub upstream_model: String,
    /// Whether it answered.
    pub ok: bool,
    /// Why it was not asked.
    pub skipped: Option<String>,
    /// Until the answer was complete.
    pub latency_ms: u64,
    /// What went wrong.
    pub error: Option<String>,
}

impl Ended {
    /// Whether both are one request.
    pub fn is_same(&self, other: &Ended) -> bool {
        self.id == other.id && self.received == other.received
    }

    /// How long ago it ended. Clocks of two machines differ: never less than nothing.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        let ended = humantime::parse_rfc3339(&self.received).ok()? + self.took();
        Some(now.duration_since(ended).unwrap_or_default())
    }

    /// How long it took.
    pub fn took(&self) -> Duration {
        milliseconds(self.total_ms)
    }

    /// How it ended, unless that is a word that is not known here.
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::of_word(&self.outcome)
    }
}

/// As a duration; what can be none is none at all.
pub fn milliseconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1_000.0).unwrap_or_default()
}
