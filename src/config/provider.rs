//! One provider as the configuration means it: where it is, what it offers, how it is spoken to and reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use regex::Regex;
use url::Url;

use super::{Capability, Secret};

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
    /// What its models are said to be able to do; `None`: what the built-in list says.
    pub capabilities: Option<Vec<Capability>>,
    /// Whether `stream_options.include_usage` may be asked for (a preset may say no).
    pub stream_usage: bool,
}

impl Provider {
    /// Whose models it has, as lists of prices name them: its preset, else the word for its kind.
    pub fn vendor(&self) -> &str {
        self.preset.as_deref().unwrap_or(self.kind.as_str())
    }
}

/// How a provider is spoken to, with what only its kind needs.
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
