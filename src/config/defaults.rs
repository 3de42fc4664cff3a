//! Every default, with its reason where it is not obvious.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::presets::Preset;
use super::{
    AUTO, Admin, Auth, Backoff, ClientTls, Config, Cooldown, Detect, HealthCheck, Keepalive, KeptResponses, LogFormat, Logging, Mock,
    Origin, Params, Provider, ProviderKind, Proxy, Requests, Rotate, RotateEvery, Routing, Server, StatusSet, Storage, Telemetry, Timeouts,
};
use super::{Level, secret::Secret};

/// Nobody but this machine, until the file says otherwise.
pub const HOST: &str = "127.0.0.1";

/// What the peers use too.
pub const PORT: u16 = 8000;

/// Room for several images in one request; what is held is bounded by it.
pub const MAX_BODY: usize = 64_000_000;

/// As long as a person waits for a page.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);

/// A provider's place where the file gives none.
pub const PRIORITY: u32 = 1;

/// Enough for a busy gateway, below the usual limit of open files.
pub const IDLE_CONNECTIONS: usize = 100;

/// Shorter than the load balancers of the vendors wait.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// A working day; logins that yield shorter tokens say so.
pub const LOGIN_CACHE: Duration = Duration::from_secs(8 * 3600);

/// Where most logins put the token.
pub const TOKEN_POINTER: &str = "/access_token";

/// Used by `llmgw chat` without `-m`.
pub const MODEL: &str = AUTO;

/// Statuses that move on to the next route.
pub const STATUS: [&str; 9] = ["401", "402", "403", "404", "408", "409", "425", "429", "5xx"];

/// Words in errors that move on to the next route.
pub const PATTERNS: [&str; 3] = ["insufficient_quota", "rate_limit", "billing"];

/// Where Vertex AI has every model.
pub const VERTEX_LOCATION: &str = "global";

/// The database's name in the platform's data directory.
pub const DATABASE: &str = "llmgw.db";

/// What `auto` uses of a mock.
pub const MOCK_MODEL: &str = "mock";
/// The mock's address: `invalid` never resolves.
pub const MOCK_URL: &str = "http://mock.invalid/v1";

impl Default for Server {
    fn default() -> Server {
        Server {
            host: HOST.to_owned(),
            insecure: false,
            port: PORT,
            workers: 0,
            max_body: MAX_BODY,
            max_response: MAX_BODY,
            max_in_flight: None,
            max_connections: None,
            drain: Duration::ZERO,
            shutdown_grace: SHUTDOWN_GRACE,
            keepalive: Keepalive::default(),
            tls: None,
            cors: Vec::new(),
        }
    }
}

impl Default for Keepalive {
    /// Load balancers cut what is silent for 60 s: the status goes out before, and comments well before.
    fn default() -> Keepalive {
        Keepalive { every: Some(Duration::from_secs(15)), before_headers: Some(Duration::from_secs(45)) }
    }
}

impl Default for Timeouts {
    /// Long enough for a cold reasoning model, short enough to leave time for the next route.
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            first_content: Duration::from_secs(120),
            idle: Duration::from_secs(120),
            non_stream: Duration::from_secs(300),
            stream: None,
        }
    }
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { initial: Duration::from_millis(500), max: Duration::from_secs(5) }
    }
}

impl Default for Cooldown {
    /// Not after one error, not for ever.
    fn default() -> Cooldown {
        Cooldown { failures: 3, first: Duration::from_secs(10), max: Duration::from_secs(300) }
    }
}

impl Default for HealthCheck {
    fn default() -> HealthCheck {
        HealthCheck { interval: Duration::from_secs(60), timeout: Duration::from_secs(10) }
    }
}

impl Default for Detect {
    fn default() -> Detect {
        let status = StatusSet::parse(&STATUS).unwrap_or_else(|_| StatusSet(Box::new([false; 600])));
        Detect { status, patterns: PATTERNS.map(str::to_owned).to_vec() }
    }
}

impl Default for Routing {
    fn default() -> Routing {
        Routing {
            default_model: Arc::from(MODEL),
            default_for_requests: false,
            passthrough: None,
            max_attempts: 3,
            backoff: Backoff::default(),
            cooldown: Some(Cooldown::default()),
            hedge_after: None,
            deadline: Duration::from_secs(600),
            health_check: None,
            detect: Detect::default(),
        }
    }
}

impl Default for Logging {
    fn default() -> Logging {
        Logging {
            level: Level::Info,
            format: LogFormat::Text,
            file: None,
            rotate: Rotate::default(),
            redact: true,
            requests: Requests::default(),
        }
    }
}

impl Default for Rotate {
    /// A week of days, on a disk that has other things to hold.
    fn default() -> Rotate {
        Rotate { every: RotateEvery::Day, max_size: 100_000_000, keep: 7 }
    }
}

impl Default for Storage {
    /// A month, to look back from one bill to the last; some three million requests.
    fn default() -> Storage {
        Storage { path: None, keep: Duration::from_secs(30 * 86_400), max: 2_000_000_000, responses: None }
    }
}

impl Default for Telemetry {
    /// Callers' names may be those of persons.
    fn default() -> Telemetry {
        Telemetry { metrics: true, callers: false, otlp: None }
    }
}

impl Default for KeptResponses {
    /// As long as somebody comes back to a conversation, on a disk that has other things to hold.
    fn default() -> KeptResponses {
        KeptResponses { keep: Duration::from_secs(86_400), max: 1_000_000_000 }
    }
}

impl Default for Mock {
    fn default() -> Mock {
        Mock { latency: Duration::ZERO, tokens_per_second: None, fail_rate: 0.0, fail_status: 500 }
    }
}

impl Config {
    /// These providers, and everything else as it is without a file.
    pub fn of_providers(origin: Origin, providers: Vec<Provider>) -> Config {
        Config {
            origin,
            server: Server::default(),
            admin: Admin { key: None, port: None },
            auth: Auth { open_models: false, keys: Vec::new() },
            providers,
            models: Vec::new(),
            roles: Vec::new(),
            routing: Routing::default(),
            logging: Logging::default(),
            telemetry: Telemetry::default(),
            storage: Storage::default(),
            prices: Vec::new(),
        }
    }
}

impl Provider {
    /// An OpenAI-compatible one at `base_url`, without a key, with every default.
    pub fn new(name: &str, base_url: Url) -> Provider {
        Provider {
            name: Arc::from(name),
            preset: None,
            kind: ProviderKind::OpenAi,
            base_url,
            api_keys: Vec::new(),
            priority: PRIORITY,
            enabled: true,
            models: None,
            matching: Vec::new(),
            default_model: None,
            timeout: Timeouts::default(),
            max_in_flight: None,
            idle_connections: IDLE_CONNECTIONS,
            idle_timeout: IDLE_TIMEOUT,
            proxy: Proxy::None,
            tls: ClientTls::default(),
            http2: false,
            headers: Vec::new(),
            params: Params::default(),
            capabilities: None,
            stream_usage: true,
        }
    }

    /// One of a preset's, with this key.
    pub fn from_preset(preset: &Preset, key: Option<Secret>) -> Option<Provider> {
        let base_url = Url::parse(&preset.base_url).ok()?;
        Some(Provider {
            preset: Some(preset.name.clone()),
            kind: preset.kind(),
            api_keys: key.into_iter().collect(),
            default_model: preset.default_model.as_deref().map(Arc::from),
            params: preset.params(),
            stream_usage: preset.stream_usage,
            ..Provider::new(&preset.name, base_url)
        })
    }

    /// The built-in mock; it answers to every name.
    pub fn mock(name: &str) -> Option<Provider> {
        let base_url = Url::parse(MOCK_URL).ok()?;
        Some(Provider {
            kind: ProviderKind::Mock(Mock::default()),
            default_model: Some(Arc::from(MOCK_MODEL)),
            ..Provider::new(name, base_url)
        })
    }
}
