//! Every metric there is: its name, its labels, its buckets, what it means. No other file spells one.
//!
//! Names and labels are OpenTelemetry's, as Prometheus writes them, where there are any (its released generation, that of
//! dashboards and SDKs); all others begin with `llmgw_`. `docs/metrics.md` is made from this list.

use prometheus_client::registry::Unit;

use self::Kind::{Counter, Gauge, Histogram, Info};

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its whole name, as it is asked for.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels, in this order. One without a value is left out.
    pub labels: &'static [&'static str],
    /// What it means, in a sentence.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many values are up to each of these bounds.
    Histogram(&'static [f64]),
    /// Always 1; its labels say it.
    Info,
}

impl Kind {
    /// Prometheus' word for it.
    pub fn word(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge | Info => "gauge",
            Histogram(_) => "histogram",
        }
    }
}

impl Metric {
    /// The name without what the formats add to it: unit, and the suffix of its kind.
    pub(super) fn stem(&self) -> (&'static str, Option<Unit>) {
        let suffix = match self.kind {
            Counter => "_total",
            Info => "_info",
            Gauge | Histogram(_) => "",
        };
        let bare = self.name.strip_suffix(suffix).unwrap_or(self.name);
        let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes), ("_usd", Unit::Other("usd".to_owned()))];
        let of_unit = |(suffix, unit)| Some((bare.strip_suffix(suffix)?, Some(unit)));
        units.into_iter().find_map(of_unit).unwrap_or((bare, None))
    }

    /// Its bounds, where it is a histogram.
    pub(super) fn bounds(&self) -> &'static [f64] {
        if let Histogram(bounds) = self.kind { bounds } else { &[] }
    }
}

/// The value of a label that would otherwise be one of too many.
pub const OTHER: &str = "other";
/// OpenTelemetry's, for an `error_type` or a method that is none of those that are told apart.
pub const UNLISTED: &str = "_OTHER";

/// OpenTelemetry's for calls of models, and more above them: reasoning takes its time.
const OPERATION_SECONDS: [f64; 17] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36];
/// OpenTelemetry's, and more above them.
const FIRST_TOKEN_SECONDS: [f64; 19] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];
/// OpenTelemetry's.
const TOKEN_SECONDS: [f64; 13] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
/// OpenTelemetry's.
const TOKENS: [f64; 14] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];
/// OpenTelemetry's for HTTP, and more above them: streams take their time.
const HTTP_SECONDS: [f64; 17] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0];
/// What llmgw adds is tens of microseconds; a translation of a long conversation, milliseconds.
const OVERHEAD_SECONDS: [f64; 13] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// From a neighbour to the other side of the world with TLS; the default limit is 5 s.
const CONNECT_SECONDS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Labels of what was asked for and by whom.
const ASKED: &[&str] = &["caller", "model", "provider"];
const SERVER_VIEW: &[&str] = &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"];
const SERVER_VIEW_ENDED: &[&str] = &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"];
const CLIENT_VIEW: &[&str] = &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "provider"];
const CLIENT_VIEW_ENDED: &[&str] = &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "provider", "error_type"];
const CLIENT_VIEW_TOKENS: &[&str] =
    &["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "provider", "gen_ai_token_type"];
const UPSTREAM: &[&str] = &["provider", "model"];
const PROVIDER: &[&str] = &["provider"];

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:expr, $labels:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric { name: $name, kind: $kind, labels: $labels, help: $help };
        )*
        /// All of them, in the order of the documentation.
        pub const ALL: &[&Metric] = &[$(&$constant),*];
    };
}

metrics! {
    REQUESTS = "llmgw_requests_total", Counter, &["caller", "model", "provider", "outcome"],
        "Requests that have ended, by the public name asked for, the provider that answered or was tried last, and how they ended.";
    TOKENS_USED = "llmgw_tokens_total", Counter, &["caller", "model", "provider", "gen_ai_token_type", "counted"],
        "Tokens of all attempts; input includes cached ones, output includes reasoning; counted says who counted them.";
    CACHE_READ_TOKENS = "llmgw_cache_read_tokens_total", Counter, ASKED,
        "Input tokens that an upstream read from its cache.";
    CACHE_WRITE_TOKENS = "llmgw_cache_write_tokens_total", Counter, ASKED,
        "Input tokens that an upstream wrote to its cache.";
    REASONING_TOKENS = "llmgw_reasoning_tokens_total", Counter, ASKED,
        "Output tokens that were reasoning.";
    COST = "llmgw_cost_usd_total", Counter, ASKED,
        "What all attempts have cost in US dollars, as far as prices are known.";
    UNPRICED = "llmgw_unpriced_attempts_total", Counter, ASKED,
        "Attempts that used tokens whose price is not known: what they cost is missing from llmgw_cost_usd_total.";
    OVERHEAD = "llmgw_overhead_seconds", Histogram(&OVERHEAD_SECONDS), &[],
        "Time that a request spent in llmgw itself, until its answer began or it failed.";
    SERVER_DURATION = "gen_ai_server_request_duration_seconds", Histogram(&OPERATION_SECONDS), SERVER_VIEW_ENDED,
        "Requests as clients see them: from when they came in until the end of the answer.";
    SERVER_FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds", Histogram(&FIRST_TOKEN_SECONDS), SERVER_VIEW,
        "Streams as clients see them: from when the request came in until the first content.";
    SERVER_PER_TOKEN = "gen_ai_server_time_per_output_token_seconds", Histogram(&TOKEN_SECONDS), SERVER_VIEW,
        "Streams that came through whole: seconds for each token after the first.";

    ATTEMPTS = "llmgw_attempts_total", Counter, &["provider", "model", "outcome"],
        "Attempts at upstreams, by the upstream's name of the model and how they ended.";
    FAILOVERS = "llmgw_failovers_total", Counter, UPSTREAM,
        "Attempts that failed and after which the request went on to another one; labels are of what failed.";
    HEDGES = "llmgw_hedges_total", Counter, &["provider", "model", "result"],
        "Attempts that were started beside a silent one: won, they had the answer; lost, the other one had it; or failed.";
    CLIENT_DURATION = "gen_ai_client_operation_duration_seconds", Histogram(&OPERATION_SECONDS), CLIENT_VIEW_ENDED,
        "Single attempts at upstreams, from their beginning until the end of their answer.";
    CLIENT_FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds", Histogram(&OPERATION_SECONDS), CLIENT_VIEW,
        "Streams of upstreams: from the attempt's beginning until the first content.";
    CLIENT_TOKENS = "gen_ai_client_token_usage", Histogram(&TOKENS), CLIENT_VIEW_TOKENS,
        "Tokens of an attempt as the upstream reported them; where it reports none, there is nothing here.";
    CONNECT = "llmgw_provider_connect_duration_seconds", Histogram(&CONNECT_SECONDS), PROVIDER,
        "Connections that were made for an attempt, TLS included; all other attempts found one that stood.";

    HTTP_DURATION = "http_server_request_duration_seconds", Histogram(&HTTP_SECONDS),
        &["http_request_method", "http_route", "http_response_status_code"],
        "All HTTP requests, also those that no upstream was asked for, until their answer was sent or given up.";
    HTTP_ACTIVE = "http_server_active_requests", Gauge, &[],
        "HTTP requests on their way, those for health and administration left out.";
    HTTP_ACTIVE_LIMIT = "llmgw_http_requests_limit", Gauge, &[],
        "How many HTTP requests there may be at once.";
    CONNECTIONS = "llmgw_connections", Gauge, &[],
        "Connections of clients, over all ports.";
    CONNECTIONS_LIMIT = "llmgw_connections_limit", Gauge, &[],
        "How many connections of clients there may be.";

    IN_FLIGHT = "llmgw_requests_in_flight", Gauge, &[],
        "Requests to upstreams that have not ended yet.";
    WAITING = "llmgw_requests_waiting", Gauge, &[],
        "Requests that wait for a place at upstreams that are full, or for the result of a probe.";
    PROVIDER_STATE = "llmgw_provider_state", Gauge, &["provider", "state"],
        "1 for the state in which a provider is: closed (nothing held against it), cooling, probing or disabled; 0 for all others.";
    UPSTREAM_STATE = "llmgw_upstream_state", Gauge, &["provider", "model", "state"],
        "1 for the state in which an upstream model is that was used: closed, cooling or probing; 0 for all others.";
    PROVIDER_IN_FLIGHT = "llmgw_provider_in_flight", Gauge, PROVIDER,
        "Requests on their way at a provider.";
    PROVIDER_IN_FLIGHT_LIMIT = "llmgw_provider_in_flight_limit", Gauge, PROVIDER,
        "How many there may be at once, where that is configured.";
    PROVIDER_CONNECTIONS = "llmgw_provider_connections", Gauge, PROVIDER,
        "Connections that stand, in use or idle; providers that connect alike share them, and each shows all.";
    CREDENTIALS = "llmgw_provider_credentials", Gauge, PROVIDER,
        "Keys or tokens of a provider.";
    CREDENTIALS_RESTING = "llmgw_provider_credentials_resting", Gauge, PROVIDER,
        "Those that are at rest after a refusal, for some model at least.";
    MODELS = "llmgw_provider_models", Gauge, PROVIDER,
        "Models that a provider lists or was found to offer.";
    DISCOVERY_FAILED = "llmgw_provider_discovery_failed", Gauge, PROVIDER,
        "Whether the last discovery of a provider's models failed.";

    LEDGER_QUEUE = "llmgw_ledger_queue_length", Gauge, &[],
        "Records of requests that wait to be written.";
    LEDGER_QUEUE_LIMIT = "llmgw_ledger_queue_limit", Gauge, &[],
        "How many may wait.";
    LEDGER_LOST = "llmgw_ledger_records_lost_total", Counter, &[],
        "Records that were not written, for the disk was too slow or failed.";
    TRACE_SPANS = "llmgw_trace_spans_total", Counter, &["result"],
        "Spans: exported to the collector, or failed, for it refused them or could not be reached for too long.";
    TRACES_DROPPED = "llmgw_traces_dropped_total", Counter, &[],
        "Requests whose spans were not made, for the collector was too slow.";
    LOG_LINES_DROPPED = "llmgw_log_lines_dropped_total", Counter, &[],
        "Log lines that nobody took in time.";

    RELOADS = "llmgw_config_reloads_total", Counter, &["result"],
        "Reloads of the configuration: done or refused.";
    RELOAD_SUCCESSFUL = "llmgw_config_last_reload_successful", Gauge, &[],
        "Whether the last reload, or the start, took effect.";
    RELOAD_TIME = "llmgw_config_last_reload_success_timestamp_seconds", Gauge, &[],
        "When the configuration in force was loaded.";

    LABEL_SETS = "llmgw_metrics_label_sets", Gauge, &["of"],
        "Combinations of labels that are in use: by callers, requests, attempts, providers and http.";
    LABEL_SETS_LIMIT = "llmgw_metrics_label_sets_limit", Gauge, &[],
        "How many there may be of each; beyond, names give way to `other`.";
    OVERFLOWED = "llmgw_metrics_overflowed_total", Counter, &["of"],
        "Observations whose names gave way to `other` for want of room.";

    BUILD = "llmgw_build_info", Info, &["version", "os", "arch"],
        "Which llmgw this is.";
    UPTIME = "llmgw_uptime_seconds", Gauge, &[],
        "Since the gateway started.";
    CPU = "process_cpu_seconds_total", Counter, &[],
        "Processor time of the process, user and system.";
    RESIDENT = "process_resident_memory_bytes", Gauge, &[],
        "Memory of the process that is in RAM.";
    VIRTUAL = "process_virtual_memory_bytes", Gauge, &[],
        "Address space of the process.";
    OPEN_FILES = "process_open_fds", Gauge, &[],
        "Open files of the process, sockets included.";
    MOST_FILES = "process_max_fds", Gauge, &[],
        "How many files it may open.";
    THREADS = "process_threads", Gauge, &[],
        "Threads of the process.";
    STARTED = "process_start_time_seconds", Gauge, &[],
        "When the process started.";
}
