//! The configuration as resolved: what a file, the environment or the built-in mock came to.
//!
//! [`Config`] holds no `Option` that a default could fill and no string that should be a duration, a URL, a pattern or
//! a secret: a value of this type cannot be wrong. How a file becomes one is in [`load`].

mod aws;
mod debug;
mod defaults;
pub mod diagnostic;
pub mod diff;
pub mod env;
mod expand;
mod file;
mod file_kinds;
mod file_tables;
mod leaves;
pub mod load;
pub mod locate;
pub mod presets;
pub mod proxy;
mod read;
mod resolve;
pub mod schema;
pub mod secret;
mod section;
mod show;
mod source;
mod spanned;
#[cfg(test)]
mod tests;
mod units;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use globset::GlobMatcher;
use http::{HeaderName, HeaderValue};
use regex::Regex;
use url::Url;

use crate::hub::Topic;

pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Diff, diff};
pub use env::Env;
pub use load::{Loaded, Overrides, from_environment, load, load_file, load_text, ollama_url};
pub use locate::{Located, locate};
pub use schema::schema;
pub use secret::Secret;
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
    /// How requests are routed.
    pub routing: Routing,
    /// Log lines.
    pub logging: Logging,
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

/// One upstream account. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Provider {
    /// Unique name.
    pub name: Arc<str>,
    /// The preset it was made from.
    pub preset: Option<String>,
    /// How it is spoken to, with what only that kind needs.
    pub kind: ProviderKind,
    /// Where it is, without a trailing slash. `http://mock.invalid/v1` for the mock.
    pub base_url: Url,
    /// Credentials, spread over; empty: none is sent.
    pub api_keys: Vec<Secret>,
    /// Lower is tried first.
    pub priority: u32,
    /// Whether it is used at all.
    pub enabled: bool,
    /// What it offers; `None`: discovered from its `/models`.
    pub models: Option<Vec<Arc<str>>>,
    /// Which discovered models are offered; empty: all.
    pub matching: Vec<Regex>,
    /// What `auto` uses here.
    pub default_model: Option<Arc<str>>,
    /// Time limits.
    pub timeout: Timeouts,
    /// Requests at once; `None`: no limit.
    pub max_in_flight: Option<u32>,
    /// Idle connections kept per host.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How its connections are made.
    pub proxy: Proxy,
    /// A private CA, a client certificate.
    pub tls: ClientTls,
    /// HTTP/2 where the upstream speaks it.
    pub http2: bool,
    /// Added to every upstream request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Changes to a request's body.
    pub params: Params,
    /// Whether `stream_options.include_usage` may be asked for (a preset may say no).
    pub stream_usage: bool,
}

/// What only one kind of provider needs. `config::provider_type` names them all.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// Any OpenAI-compatible API.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// Azure OpenAI.
    Azure(AzureApi),
    /// AWS Bedrock.
    Bedrock(Bedrock),
    /// Google Vertex AI.
    Vertex(Vertex),
    /// Ollama, at its root.
    Ollama,
    /// OpenAI-shaped bodies behind a token of its own.
    Request(RequestAuth),
    /// Built in; answers without a network.
    Mock(Mock),
}

impl ProviderKind {
    /// The word in the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            ProviderKind::OpenAi => "openai",
            ProviderKind::Anthropic => "anthropic",
            ProviderKind::Gemini => "gemini",
            ProviderKind::Azure(_) => "azure",
            ProviderKind::Bedrock(_) => "bedrock",
            ProviderKind::Vertex(_) => "vertex",
            ProviderKind::Ollama => "ollama",
            ProviderKind::Request(_) => "request",
            ProviderKind::Mock(_) => "mock",
        }
    }
}

/// Which of Azure's two APIs is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureApi {
    /// `/openai/v1`: the deployment is the model of the body.
    V1,
    /// `/openai/deployments/…?api-version=` with this date: the deployment stands in the path.
    Dated(String),
}

/// What reaching Bedrock takes besides an address and API keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bedrock {
    /// For which requests are signed.
    pub region: String,
    /// What they are signed with; `None`: they are not, for there is an API key, or something else signs.
    pub keys: Option<AwsKeys>,
}

/// An AWS access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// Whose.
    pub access_key_id: Secret,
    /// The proof.
    pub secret_access_key: Secret,
    /// What temporary keys come with.
    pub session_token: Option<Secret>,
}

/// Whose models Vertex AI answers with, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// The Google Cloud project.
    pub project: String,
    /// `global`, `us-east5` …
    pub location: String,
}

/// `auth:` of a `request` provider.
#[derive(Clone, Debug)]
pub enum RequestAuth {
    /// A fixed bearer token.
    Token(Secret),
    /// Username and password are POSTed to `url` for a token.
    Login(Login),
}

/// A login that yields a token. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Login {
    /// Where.
    pub url: Url,
    /// Who.
    pub username: String,
    /// The proof.
    pub password: Secret,
    /// How long a token is used.
    pub cache: Duration,
    /// How the two are sent.
    pub body: LoginBody,
    /// JSON pointer to the token in the reply.
    pub token_pointer: String,
}

/// How a login's body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoginBody {
    /// `{"username":…,"password":…}`
    Json,
    /// `username=…&password=…`
    Form,
}

/// How the built-in mock behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Mock {
    /// Before the first byte.
    pub latency: Duration,
    /// Speed of a streamed answer; `None`: at once.
    pub tokens_per_second: Option<f64>,
    /// Share of requests that fail, 0 to 1.
    pub fail_rate: f64,
    /// With which status.
    pub fail_status: u16,
}

/// Time limits of one provider. `None`: no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until a stream's response headers.
    pub first_byte: Duration,
    /// Until a stream's first content; comments and pings don't extend it.
    pub first_content: Duration,
    /// Between two pieces of a stream.
    pub idle: Duration,
    /// The whole of a request that is not streamed.
    pub non_stream: Duration,
    /// The whole of a stream.
    pub stream: Option<Duration>,
}

/// How connections to an upstream are made. Its `Debug` shows no passwords.
#[derive(Clone, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, as they stood in the environment when the file was loaded.
    Environment {
        /// For https and, without `http`, everything.
        https: Option<Url>,
        /// For http.
        http: Option<Url>,
        /// `NO_PROXY` as written.
        no_proxy: Option<String>,
    },
    /// Through this one (http or socks5).
    Through(Url),
    /// Directly.
    None,
}

/// Trust and identity towards an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM file of additional trusted roots.
    pub ca: Option<PathBuf>,
    /// PEM file of a client certificate.
    pub cert: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
}

/// Changes to a request's body, made in this order. Its `Debug` shows no secret.
#[derive(Clone, Default, PartialEq)]
pub struct Params {
    /// Top-level fields left out.
    pub drop: Vec<String>,
    /// Top-level fields under another name.
    pub rename: Vec<(String, String)>,
    /// Top-level fields with this value, whatever the client sent.
    pub set: Vec<(String, serde_json::Value)>,
    /// Upper limit of the answer's tokens; sent where the client gave none.
    pub max_tokens: Option<u64>,
}

impl Params {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self == &Params::default()
    }

    /// These (a provider's), then `route`'s on top: lists add up, a route's own value or limit wins.
    pub fn with(&self, route: &Params) -> Params {
        let mut all = self.clone();
        all.drop.extend(route.drop.iter().filter(|name| !self.drop.contains(name)).cloned());
        all.rename.retain(|(from, _)| !route.rename.iter().any(|(name, _)| name == from));
        all.rename.extend(route.rename.iter().cloned());
        all.set.retain(|(name, _)| !route.set.iter().any(|(other, _)| other == name));
        all.set.extend(route.set.iter().cloned());
        all.max_tokens = route.max_tokens.or(self.max_tokens);
        all
    }
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

/// `logging:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Least severe level written.
    pub level: Level,
    /// How lines look.
    pub format: LogFormat,
    /// Whether bodies in logs are masked too; headers always are.
    pub redact: bool,
}

/// `storage:`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The database; `None`: the platform has no directory for it, and the file names none.
    pub path: Option<PathBuf>,
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

/// Severity of a log line.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Only what failed for good.
    Error,
    /// And what was mended.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And why.
    Debug,
    /// And how.
    Trace,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
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
