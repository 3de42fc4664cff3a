//! Configurations for the tests of this module, in few words.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::config::{
    Admin, Auth, Backoff, ClientTls, Config, Cooldown, Detect, LogFormat, Logging, Mock, Model, Origin, Params, Provider, ProviderKind,
    Proxy, Route, Routing, Server, StatusSet, Strategy, Target, Timeouts,
};
use crate::usage::Prices;

use super::{Board, NothingDiscovered, Offers, Plan, RouteTable, plan};

pub(super) const COOLDOWN: Cooldown = Cooldown { failures: 3, first: Duration::from_secs(10), max: Duration::from_secs(300) };

/// A configuration without providers and models.
pub(super) fn config() -> Config {
    let seconds = Duration::from_secs;
    Config {
        origin: Origin::Mock,
        server: Server {
            host: "127.0.0.1".to_owned(),
            insecure: false,
            port: 0,
            workers: 0,
            max_body: 1,
            max_response: 1,
            drain: seconds(0),
            shutdown_grace: seconds(0),
            tls: None,
            cors: Vec::new(),
        },
        admin: Admin { key: None, port: None },
        auth: Auth { open_models: false, keys: Vec::new() },
        providers: Vec::new(),
        models: Vec::new(),
        routing: Routing {
            default_model: "auto".into(),
            default_for_requests: false,
            passthrough: None,
            max_attempts: 3,
            backoff: Backoff { initial: seconds(1), max: seconds(5) },
            cooldown: Some(COOLDOWN),
            deadline: seconds(600),
            health_check: None,
            detect: Detect { status: StatusSet::parse(&["5xx"]).unwrap(), patterns: Vec::new() },
        },
        logging: Logging { level: Default::default(), format: LogFormat::Text, redact: true },
        prices: Vec::new(),
    }
}

/// A provider of priority 1 that discovers its models.
pub(super) fn provider(name: &str) -> Provider {
    let seconds = Duration::from_secs;
    Provider {
        name: name.into(),
        preset: None,
        kind: ProviderKind::Mock(Mock { latency: seconds(0), tokens_per_second: None, fail_rate: 0.0, fail_status: 500 }),
        base_url: "http://upstream.invalid/v1".parse().unwrap(),
        api_keys: Vec::new(),
        priority: 1,
        enabled: true,
        models: None,
        matching: Vec::new(),
        default_model: None,
        timeout: Timeouts {
            connect: seconds(5),
            first_byte: seconds(60),
            first_content: seconds(60),
            idle: seconds(60),
            non_stream: seconds(60),
            stream: None,
        },
        max_in_flight: None,
        idle_connections: 1,
        idle_timeout: seconds(1),
        proxy: Proxy::None,
        tls: ClientTls::default(),
        http2: false,
        headers: Vec::new(),
        params: Params::default(),
        stream_usage: true,
    }
}

pub(super) fn listing(name: &str, models: &[&str]) -> Provider {
    Provider { models: Some(models.iter().map(|model| Arc::from(*model)).collect()), ..provider(name) }
}

pub(super) fn matching(name: &str, pattern: &str) -> Provider {
    Provider { matching: vec![Regex::new(pattern).unwrap()], ..provider(name) }
}

/// A route of priority 1 and weight 1; an empty model is none.
pub(super) fn route(provider: usize, model: &str) -> Route {
    let model = (!model.is_empty()).then(|| model.into());
    Route { provider, model, priority: 1, weight: 1, enabled: true, params: Params::default() }
}

pub(super) fn model(name: &str, routes: Vec<Route>, fallback: &[&str]) -> Model {
    let fallback = fallback.iter().map(|name| Arc::from(*name)).collect();
    Model { name: name.into(), enabled: true, target: Target::Routes { strategy: Strategy::Priority, routes, fallback }, line: 1 }
}

pub(super) fn with_strategy(name: &str, strategy: Strategy, routes: Vec<Route>) -> Model {
    Model { name: name.into(), enabled: true, target: Target::Routes { strategy, routes, fallback: Vec::new() }, line: 1 }
}

pub(super) fn alias(name: &str, target: &str) -> Model {
    Model { name: name.into(), enabled: true, target: Target::Name(target.into()), line: 1 }
}

pub(super) fn disabled(model: Model) -> Model {
    Model { enabled: false, ..model }
}

pub(super) fn table(providers: Vec<Provider>, models: Vec<Model>) -> RouteTable {
    table_on(&Board::default(), providers, models)
}

pub(super) fn table_on(board: &Board, providers: Vec<Provider>, models: Vec<Model>) -> RouteTable {
    RouteTable::new(&Config { providers, models, ..config() }, &Prices::built_in(), board)
}

/// Discovered models, by provider.
pub(super) struct Discovered(pub Vec<Vec<Arc<str>>>);

impl Discovered {
    pub(super) fn of(models: &[&[&str]]) -> Discovered {
        Discovered(models.iter().map(|models| models.iter().map(|model| Arc::from(*model)).collect()).collect())
    }
}

impl Offers for Discovered {
    fn offers(&self, provider: usize, model: &str) -> bool {
        self.names(provider).iter().any(|name| **name == *model)
    }

    fn names(&self, provider: usize) -> Vec<Arc<str>> {
        self.0.get(provider).cloned().unwrap_or_default()
    }
}

/// The candidates as `provider/model`.
pub(super) fn candidates(plan: &Plan) -> Vec<String> {
    plan.candidates.iter().map(|candidate| format!("{}/{}", candidate.provider_name, candidate.model)).collect()
}

/// The candidates for `name` at 0, nothing being discovered; or the message that there are none.
pub(super) fn planned(table: &RouteTable, name: &str) -> Result<Vec<String>, String> {
    let plan = plan(table, &NothingDiscovered, name, super::Millis(0), &mut rng());
    plan.map(|plan| candidates(&plan)).map_err(|error| error.to_string())
}

pub(super) fn rng() -> rand::rngs::StdRng {
    rand::SeedableRng::seed_from_u64(7)
}
