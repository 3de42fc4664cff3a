//! The configuration as resolved: what a file, the environment or the built-in mock came to.
//!
//! [`Config`] holds no `Option` that a default could fill and no string that should be a duration, a URL, a pattern or
//! a secret: a value of this type cannot be wrong. How a file becomes one is in [`load`].

mod aws;
mod capability;
mod debug;
mod defaults;
pub mod diagnostic;
pub mod diff;
pub mod env;
mod expand;
mod file;
mod file_kinds;
mod file_tables;
pub mod import;
mod leaves;
pub mod load;
pub mod locate;
mod logging;
mod otlp;
pub mod presets;
mod provider;
pub mod proxy;
mod read;
mod resolve;
mod role;
pub mod schema;
pub mod secret;
mod section;
mod show;
mod source;
mod spanned;
mod telemetry;
#[cfg(test)]
mod tests;
mod units;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use globset::GlobMatcher;

use crate::hub::Topic;

pub use capability::Capability;
pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Change, Diff, diff};
pub use env::Env;
pub use file_kinds::OtlpProtocol;
pub use load::{Loaded, Overrides, from_environment, load, load_file, load_text, ollama_url};
pub use locate::{Located, locate};
pub use logging::{Level, LogFormat, Logging, Requests, Rotate, RotateEvery};
pub use otlp::{Conventions, Otlp};
pub use provider::{
    AwsKeys, AzureApi, Bedrock, ClientTls, Login, LoginBody, Mock, Params, Provider, ProviderKind, Proxy, RequestAuth, Timeouts, Vertex,
};
pub use role::Role;
pub use schema::schema;
pub use secret::Secret;
pub use telemetry::Telemetry;
pub use watch::{LastRead, Watch, WatchError};

/// The name that stands for every provider's default model.
pub const AUTO: &str = "auto";

/// Everything that follows from one configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it came from.
    pub origin: Origin,
    /// The listener.
    pub server: Server,
    /// Administration.
    pub admin: Admin,
    /// Who may call.
    pub auth: Auth,
    /// Upstream accounts, in the file's order. Names are unique.
    pub providers: Vec<Provider>,
    /// Public names, in the file's order. Names are unique.
    pub models: Vec<Model>,
    /// Who a model shall be for questions of the command line, in the file's order. Names are unique.
    pub roles: Vec<Role>,
    /// How requests are routed.
    pub routing: Routing,
    /// Log lines.
    pub logging: Logging,
    /// What else is told of requests.
    pub telemetry: Telemetry,
    /// What is kept on disk.
    pub storage: Storage,
    /// Overrides of the built-in price list, by upstream model.
    pub prices: Vec<(String, Price)>,
}

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This file, found for this reason (`--config`, `$LLMGW_CONFIG`, `./llmgw.yaml`, …).
    File {
        /// Absolute path.
        path: PathBuf,
        /// Why this one.
        why: &'static str,
    },
    /// No file: providers from these environment variables (and a local Ollama, then named `ollama`).
    Environment {
        /// What was found.
        found: Vec<String>,
    },
    /// No file and nothing in the environment: the built-in mock answers to every name.
    Mock,
}

/// `server:`
#[derive(Clone, Debug)]
pub struct Server {
    /// Address or name to listen on.
    pub host: String,
    /// A non-loopback host without keys is allowed.
    pub insecure: bool,
    /// TCP port; 0 lets the system choose.
    pub port: u16,
    /// Threads; 0: one per core.
    pub workers: usize,
    /// Largest request body held, in bytes after decompression.
    pub max_body: usize,
    /// Largest non-streamed reply held, in bytes.
    pub max_response: usize,
    /// Requests at once; `None`: what the process has open files for.
    pub max_in_flight: Option<u32>,
    /// Connections at once; `None`: likewise.
    pub max_connections: Option<u32>,
    /// Between "not ready" and "not accepting".
    pub drain: Duration,
    /// How long running requests may go on at shutdown.
    pub shutdown_grace: Duration,
    /// What clients of silent streams get.
    pub keepalive: Keepalive,
    /// Serve TLS with this certificate.
    pub tls: Option<ServerTls>,
    /// Origins that browsers may call from; `*` is any.
    pub cors: Vec<String>,
}

/// `server.keepalive`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Between two comments; `None`: there are none.
    pub every: Option<Duration>,
    /// How long the status is held back; `None`: until there is an answer.
    pub before_headers: Option<Duration>,
}

/// `server.tls`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// PEM file with the certificate chain.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// `admin:`
#[derive(Clone, Debug)]
pub struct Admin {
    /// What a caller must present; without one, loopback peers only (contract §6).
    pub key: Option<Secret>,
    /// A listener of its own for all admin paths.
    pub port: Option<u16>,
}

/// `auth:`
#[derive(Clone, Debug)]
pub struct Auth {
    /// The model list needs no key.
    pub open_models: bool,
    /// Empty: open, to loopback only.
    pub keys: Vec<Key>,
}

/// One client key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whose it is; `key-1`, `key-2` … (position in the file) for bare strings.
    pub name: Arc<str>,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// Names it may ask for; empty: all.
    pub models: Vec<GlobMatcher>,
    /// May use endpoints that name no model.
    pub passthrough: bool,
}

/// One public name.
#[derive(Clone, Debug)]
pub struct Model {
    /// The name; with `*` it is a wildcard.
    pub name: Arc<str>,
    /// Whether it is offered; a disabled name hides what would come after.
    pub enabled: bool,
    /// What it stands for.
    pub target: Target,
    /// Where to go on after an error that another model may do better.
    pub fallback_on: FallbackOn,
    /// Position in the file, for `explain` and messages.
    pub line: usize,
}

/// Names to ask instead, by what an upstream's error is about.
#[derive(Clone, Debug, Default)]
pub struct FallbackOn {
    /// The prompt is too long.
    pub context_length: Vec<Arc<str>>,
    /// A filter refused.
    pub content_policy: Vec<Arc<str>>,
}

impl FallbackOn {
    /// The names for `topic`.
    pub fn names(&self, topic: Topic) -> &[Arc<str>] {
        match topic {
            Topic::ContextLength => &self.context_length,
            Topic::ContentPolicy => &self.content_policy,
        }
    }
}

/// What a public name stands for.
#[derive(Clone, Debug)]
pub enum Target {
    /// The short form: another name, resolved like a request's.
    Name(Arc<str>),
    /// Routes of its own.
    Routes {
        /// How routes of one priority are ordered.
        strategy: Strategy,
        /// In the file's order.
        routes: Vec<Route>,
        /// Other names, tried when every route failed.
        fallback: Vec<Arc<str>>,
    },
}

/// How routes of one priority are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// At random.
    #[default]
    Priority,
    /// At random, by weight.
    Weighted,
    /// In turn.
    RoundRobin,
    /// Fewest requests in flight first.
    LeastBusy,
    /// Shortest recent time to first content first.
    Fastest,
    /// Lowest price first; unknown prices last.
    Cheapest,
}

/// A public name's way to an upstream model.
#[derive(Clone, Debug)]
pub struct Route {
    /// Index into [`Config::providers`].
    pub provider: usize,
    /// The upstream's name of the model; `None`: the name as asked for.
    pub model: Option<Arc<str>>,
    /// Lower is tried first.
    pub priority: u32,
    /// Share under the `weighted` strategy.
    pub weight: u32,
    /// Whether it is used.
    pub enabled: bool,
    /// Changes to the body, after the provider's.
    pub params: Params,
    /// What its model is said to be able to do; `None`: what the provider says.
    pub capabilities: Option<Vec<Capability>>,
}

/// `routing:`
#[derive(Clone, Debug)]
pub struct Routing {
    /// Used by `llmgw chat` without `-m`.
    pub default_model: Arc<str>,
    /// The file sets `default_model`: requests without a model use it too.
    pub default_for_requests: bool,
    /// Index of the provider of endpoints that name no model.
    pub passthrough: Option<usize>,
    /// Attempts per request, over all routes; 0: each route once.
    pub max_attempts: u32,
    /// Waits before one same upstream is tried again.
    pub backoff: Backoff,
    /// When an upstream rests; `None`: never.
    pub cooldown: Option<Cooldown>,
    /// When a stream without content gets a second attempt beside the first; `None`: never.
    pub hedge_after: Option<Duration>,
    /// Of a request until its answer is committed.
    pub deadline: Duration,
    /// Asks providers on its own.
    pub health_check: Option<HealthCheck>,
    /// What counts as a failed upstream.
    pub detect: Detect,
}

/// `routing.backoff`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// First wait; doubles.
    pub initial: Duration,
    /// Longest wait.
    pub max: Duration,
}

/// `routing.cooldown`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// Consecutive failures that start one.
    pub failures: u32,
    /// How long the first lasts; doubles while the probe fails.
    pub first: Duration,
    /// Longest; also caps Retry-After.
    pub max: Duration,
}

/// `routing.health_check`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Between two rounds.
    pub interval: Duration,
    /// Of one request.
    pub timeout: Duration,
}

/// `routing.detect`
#[derive(Clone, Debug)]
pub struct Detect {
    /// Which statuses move on to the next route.
    pub status: StatusSet,
    /// Lower-cased words sought in an error's type, code and message.
    pub patterns: Vec<String>,
}

/// A set of HTTP statuses, from patterns such as `429` and `5xx`.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusSet(Box<[bool; 600]>);

impl StatusSet {
    /// The statuses from 100 to 599 that one of `patterns` matches (`x` is any digit); `Err` holds the first malformed one.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<StatusSet, String> {
        let mut set = Box::new([false; 600]);
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let digits = pattern.as_bytes();
            let well_formed = digits.len() == 3
                && (b'1'..=b'5').contains(&digits[0])
                && digits.iter().all(|d| d.is_ascii_digit() || matches!(d, b'x' | b'X'));
            if !well_formed {
                return Err(pattern.to_owned());
            }
            for status in 100..600_usize {
                let text = status.to_string();
                set[status] |= text.bytes().zip(digits).all(|(have, want)| matches!(want, b'x' | b'X') || have == *want);
            }
        }
        Ok(StatusSet(set))
    }

    /// Whether `status` is in the set.
    pub fn has(&self, status: u16) -> bool {
        self.0.get(usize::from(status)).copied().unwrap_or(false)
    }
}

impl std::fmt::Debug for StatusSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((100..600).filter(|status| self.has(*status))).finish()
    }
}

/// `storage:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The database; `None`: the platform has no directory for it, and the file names none.
    pub path: Option<PathBuf>,
    /// How long the rows of single requests are kept.
    pub keep: Duration,
    /// How large it may grow, in bytes.
    pub max: u64,
    /// Which answers of `/v1/responses` are kept; `None`: none.
    pub responses: Option<KeptResponses>,
}

/// `storage.responses`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptResponses {
    /// How long.
    pub keep: Duration,
    /// How many bytes altogether.
    pub max: u64,
}

/// USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Answer tokens.
    pub output: f64,
    /// Prompt tokens read from a cache; `None`: as `input`.
    pub cached: Option<f64>,
    /// Prompt tokens written to a cache; `None`: as `input`.
    pub cache_write: Option<f64>,
}

impl Server {
    /// Whether `host` only ever means this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            || self.host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
    }
}
