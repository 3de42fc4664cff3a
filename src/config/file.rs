//! The file as written: every key of every section, with its description and default for people and editors.
//!
//! The JSON Schema and the reader both follow from these declarations, so a key cannot be known to one and not to the
//! other. What the values mean together is [`super::resolve`]'s.

use schemars::JsonSchema;

use super::file_kinds::{AuthKeyFile, ModelFile, OtlpProtocol, ProviderTypeFile, TimeoutFile};
pub use super::file_tables::{AuthKeyTable, ModelTable, ParamsFile, RoleFile, RouteFile, TimeoutTable};
use super::leaves::{DurationText, PathText, SecretText, SizeText, StatusText, UrlText};
use super::read::{List, Place, Read, Reader, Setting, Table};
use super::section::section;
use super::spanned::Node;
use super::{Capability, Level, LogFormat, LoginBody, RotateEvery};

section! {
    /// Configuration of llmgw. Any text may hold `${VAR}` or `${VAR:-default}`; top-level keys `x-…` are ignored.
    #[schemars(extend("required" = ["providers"]))]
    File {
        /// The listener.
        server: ServerFile,
        /// Administration: dashboard, status, reload.
        admin: AdminFile,
        /// Who may call. Without any key the gateway is open, on loopback only.
        auth: AuthFile,
        /// Upstream accounts.
        providers: List<ProviderFile>,
        /// Public names of models, and what they stand for; `*` in a name makes it a wildcard.
        models: Table<ModelFile>,
        /// Who a model shall be, by name, for `llmgw chat --role`.
        roles: Table<RoleFile>,
        /// How requests are routed.
        routing: RoutingFile,
        /// Log lines.
        logging: LoggingFile,
        /// Metrics and traces.
        telemetry: TelemetryFile,
        /// What is kept on disk.
        storage: StorageFile,
        /// Prices by upstream model, in USD per million tokens; they override the built-in list.
        prices: Table<PriceFile>,
    }
}

section! {
    /// The listener.
    ServerFile {
        /// Address or name to listen on. A host that is not loopback needs `auth.keys`, or `insecure`.
        #[schemars(extend("default" = "127.0.0.1"))]
        host: String,
        /// Allow a public host without any keys.
        #[schemars(extend("default" = false))]
        insecure: bool,
        /// TCP port; 0 lets the system choose.
        #[schemars(extend("default" = 8000))]
        port: u16,
        /// Threads; 0 is one per core.
        #[schemars(extend("default" = 0))]
        workers: u16,
        /// Largest request body, counted after decompression; larger ones get 413.
        #[schemars(extend("default" = "64MB"))]
        max_body: SizeText,
        /// Largest reply that is not streamed; larger ones get 502.
        #[schemars(extend("default" = "64MB"))]
        max_response: SizeText,
        /// Requests at once; at the limit they get 503. Default: half of the open files that the system allows.
        max_in_flight: u32,
        /// Connections at once; at the limit an unused one is closed, or the new one gets 503. Default: the other half.
        max_connections: u32,
        /// How long to go on accepting after readiness is taken back; Kubernetes wants about 5s.
        #[schemars(extend("default" = "0s"))]
        drain: DurationText,
        /// How long running requests may go on at shutdown.
        #[schemars(extend("default" = "30s"))]
        shutdown_grace: DurationText,
        /// Comments in a stream while an upstream is silent; `null`: none, and the status waits for the answer.
        keepalive: KeepaliveFile,
        /// Serve HTTPS with this certificate.
        tls: ServerTlsFile,
        /// Origins that browsers may call from; `*` is any.
        cors: List<String>,
    }
}

section! {
    /// Comments in a stream while an upstream is silent.
    KeepaliveFile {
        /// Between two comments; `null`: none.
        #[schemars(extend("default" = "15s"))]
        every: DurationText,
        /// How long the status waits for the answer; then 200 goes out, and a later failure is an error event. `null`:
        /// it waits to the end.
        #[schemars(extend("default" = "45s"))]
        before_headers: DurationText,
    }
}

section! {
    /// The server's certificate.
    #[schemars(extend("required" = ["cert", "key"]))]
    ServerTlsFile {
        /// PEM file with the certificate chain.
        cert: PathText,
        /// PEM file with the private key.
        key: PathText,
    }
}

section! {
    /// Administration.
    AdminFile {
        /// What a caller of admin paths must present; without one they answer to loopback only.
        key: SecretText,
        /// A listener of its own for all admin paths.
        port: u16,
    }
}

section! {
    /// Who may call.
    AuthFile {
        /// The list of models needs no key.
        #[schemars(extend("default" = false))]
        open_models: bool,
        /// The keys of callers.
        keys: List<AuthKeyFile>,
    }
}

section! {
    /// One upstream account.
    #[schemars(extend("required" = ["name"]))]
    ProviderFile {
        /// Unique name; no `/` and no blanks.
        name: String,
        /// A vendor's ready-made settings; `llmgw list --presets` shows them.
        preset: String,
        /// How it is spoken to.
        #[schemars(extend("default" = "openai"))]
        r#type: ProviderTypeFile,
        /// Where it is, as the vendor's own SDK writes it.
        base_url: UrlText,
        /// Its key.
        api_key: SecretText,
        /// Several keys, spread over.
        api_keys: List<SecretText>,
        /// Lower is tried first.
        #[schemars(extend("default" = 1))]
        priority: u32,
        /// Whether it is used.
        #[schemars(extend("default" = true))]
        enabled: bool,
        /// What it offers. Without the list: discovered from the upstream.
        models: List<String>,
        /// Regexes, searched in discovered ids: which of them are offered.
        r#match: List<String>,
        /// What `auto` uses here.
        default_model: String,
        /// Time limits; one duration alone is `non_stream` and `first_content`.
        timeout: TimeoutFile,
        /// Requests at once; without it no limit.
        max_in_flight: u32,
        /// Idle connections kept per host.
        #[schemars(extend("default" = 100))]
        idle_connections: u32,
        /// How long an idle connection is kept.
        #[schemars(extend("default" = "90s"))]
        idle_timeout: DurationText,
        /// `http://…`, `socks5://…` or `none`. Without it: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
        proxy: String,
        /// A private CA, a client certificate.
        tls: ClientTlsFile,
        /// Speak HTTP/2 to it.
        #[schemars(extend("default" = false))]
        http2: bool,
        /// Headers added to every upstream request.
        headers: Table<SecretText>,
        /// Changes to requests.
        params: ParamsFile,
        /// What its models can do; `llmgw test --capabilities` holds them to it. Without the list: what the built-in one says.
        capabilities: List<Capability>,
        /// How a `request` provider gets its token.
        auth: RequestAuthFile,
        /// Of `azure`: the date of the classic API, such as `2024-10-21`. Without it: the v1 API.
        api_version: String,
        /// Of `bedrock`: the AWS region. Without it: `AWS_REGION`, or the one in `base_url`.
        region: String,
        /// Of `bedrock`: with `secret_access_key`, who asks. Without it: the environment's, then the profile's.
        access_key_id: SecretText,
        /// Of `bedrock`: the proof.
        secret_access_key: SecretText,
        /// Of `bedrock`: what temporary keys come with.
        session_token: SecretText,
        /// Of `bedrock`: whose keys to take from AWS's credentials file.
        profile: String,
        /// Of `vertex`: the Google Cloud project.
        project: String,
        /// Of `vertex`: where it is served.
        #[schemars(extend("default" = "global"))]
        location: String,
        /// Of a `mock`: before the first byte.
        latency: DurationText,
        /// Of a `mock`: speed of a streamed answer.
        tokens_per_second: f64,
        /// Of a `mock`: failures.
        fail: FailFile,
    }
}

section! {
    /// Trust and identity towards an upstream.
    ClientTlsFile {
        /// PEM file of additional trusted roots.
        ca: PathText,
        /// PEM file of a client certificate.
        cert: PathText,
        /// PEM file of its key.
        key: PathText,
    }
}

section! {
    /// A token, or a login that yields one.
    RequestAuthFile {
        /// A fixed bearer token.
        token: SecretText,
        /// Where user name and password are POSTed to.
        url: UrlText,
        /// The user name.
        username: String,
        /// The password.
        password: SecretText,
        /// How long a token is used.
        #[schemars(extend("default" = "8h"))]
        cache: DurationText,
        /// How the two are sent.
        #[schemars(extend("default" = "json"))]
        body: LoginBody,
        /// JSON pointer to the token in the reply.
        #[schemars(extend("default" = "/access_token"))]
        token_pointer: String,
    }
}

section! {
    /// Failures of a `mock`.
    FailFile {
        /// Share of requests that fail, 0 to 1.
        #[schemars(extend("default" = 0))]
        rate: f64,
        /// With which status.
        #[schemars(extend("default" = 500))]
        status: u16,
    }
}

section! {
    /// How requests are routed.
    RoutingFile {
        /// Used by `llmgw chat` without `-m`; when set here, also by requests without a model.
        #[schemars(extend("default" = "auto"))]
        default_model: String,
        /// Provider of endpoints that name no model (files, batches …).
        passthrough: String,
        /// Attempts per request, over all routes; 0 tries each route once.
        #[schemars(extend("default" = 3))]
        max_attempts: u32,
        /// Waits before one same upstream is tried again.
        backoff: BackoffFile,
        /// When an upstream rests; `null`: never.
        cooldown: CooldownFile,
        /// Of streams: start the next route too if no content came by then; the first to speak wins.
        hedge_after: DurationText,
        /// Of a request until its answer is committed.
        #[schemars(extend("default" = "600s"))]
        deadline: DurationText,
        /// Ask all providers regularly, by listing their models.
        health_check: HealthCheckFile,
        /// What counts as a failed upstream.
        detect: DetectFile,
    }
}

section! {
    /// Waits before one same upstream is tried again; doubling.
    BackoffFile {
        /// The first.
        #[schemars(extend("default" = "500ms"))]
        initial: DurationText,
        /// The longest.
        #[schemars(extend("default" = "5s"))]
        max: DurationText,
    }
}

section! {
    /// When an upstream rests.
    CooldownFile {
        /// Consecutive failures that start it.
        #[schemars(extend("default" = 3))]
        failures: u32,
        /// How long the first lasts; doubles while probes fail.
        #[schemars(extend("default" = "10s"))]
        r#for: DurationText,
        /// The longest; also caps Retry-After.
        #[schemars(extend("default" = "5m"))]
        max: DurationText,
    }
}

section! {
    /// Ask all providers regularly.
    HealthCheckFile {
        /// Between two rounds.
        #[schemars(extend("default" = "60s"))]
        interval: DurationText,
        /// Of one request.
        #[schemars(extend("default" = "10s"))]
        timeout: DurationText,
    }
}

section! {
    /// What counts as a failed upstream and moves on to the next route.
    DetectFile {
        /// Statuses; `x` is any digit.
        #[schemars(extend("default" = ["401", "402", "403", "404", "408", "409", "425", "429", "5xx"]))]
        status: List<StatusText>,
        /// Words in an error's type, code or message, in any case.
        #[schemars(extend("default" = ["insufficient_quota", "rate_limit", "billing"]))]
        patterns: List<String>,
    }
}

section! {
    /// Log lines.
    LoggingFile {
        /// Least severe level written.
        #[schemars(extend("default" = "info"))]
        level: Level,
        /// How lines look.
        #[schemars(extend("default" = "text"))]
        format: LogFormat,
        /// Where a server writes them too.
        file: PathText,
        /// When that file is replaced.
        rotate: RotateFile,
        /// Mask also what only looks like a key in bodies of requests' files. Secrets of this file always are masked.
        #[schemars(extend("default" = true))]
        redact: bool,
        /// One file per request.
        requests: RequestsFile,
    }
}

section! {
    /// When the log file is replaced; its old ones get the day as a suffix, in UTC.
    RotateFile {
        /// How often.
        #[schemars(extend("default" = "day"))]
        every: RotateEvery,
        /// Before it grows larger than this.
        #[schemars(extend("default" = "100MB"))]
        max_size: SizeText,
        /// How many old ones are kept.
        #[schemars(extend("default" = 7))]
        keep: u32,
    }
}

section! {
    /// One file per request, in a directory per day; `rotate.keep` old ones are kept.
    RequestsFile {
        /// Where all go.
        dir: PathText,
        /// Where failed ones go.
        errors_dir: PathText,
        /// With what was said, masked and cut.
        #[schemars(extend("default" = false))]
        bodies: bool,
    }
}

section! {
    /// Metrics and traces.
    TelemetryFile {
        /// Serve `GET /metrics`, and count requests for it.
        #[schemars(extend("default" = true))]
        metrics: bool,
        /// Callers' names as a metric label.
        #[schemars(extend("default" = false))]
        callers: bool,
        /// Export traces.
        otlp: OtlpFile,
    }
}

section! {
    /// Export of traces.
    OtlpFile {
        /// Address of a collector; `null`: none. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else none.
        endpoint: UrlText,
        /// How they are sent. Default: `http/protobuf` for an address with port 4318 or a path, else `grpc`.
        protocol: OtlpProtocol,
        /// With prompts and answers.
        #[schemars(extend("default" = false))]
        contents: bool,
    }
}

section! {
    /// What is kept on disk.
    StorageFile {
        /// The database; several processes may share it. Default: `llmgw.db` in the platform's data directory.
        path: PathText,
        /// How long the rows of single requests are kept. Sums of what was used stay for 400 days.
        #[schemars(extend("default" = "30d"))]
        keep: DurationText,
        /// How large the database may grow; then the oldest rows of requests give way.
        #[schemars(extend("default" = "2GB"))]
        max: SizeText,
        /// Keep answers of `/v1/responses` for `previous_response_id`, where the upstream keeps none; `null`: keep none.
        responses: ResponsesFile,
    }
}

section! {
    /// Kept answers of `/v1/responses`.
    ResponsesFile {
        /// How long.
        #[schemars(extend("default" = "24h"))]
        keep: DurationText,
        /// How much altogether; the oldest give way.
        #[schemars(extend("default" = "1GB"))]
        max: SizeText,
    }
}

section! {
    /// USD per million tokens.
    #[schemars(extend("required" = ["input", "output"]))]
    PriceFile {
        /// Prompt tokens.
        input: f64,
        /// Answer tokens.
        output: f64,
        /// Prompt tokens read from a cache. Without it: as `input`.
        cached: f64,
        /// Prompt tokens written to a cache. Without it: as `input`.
        cache_write: f64,
    }
}
