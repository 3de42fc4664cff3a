//! Configurations for the tests of this module, in few words.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::config::{Config, Cooldown, FallbackOn, Mock, Model, Origin, Params, Provider, ProviderKind, Route, Routing, Strategy, Target};
use crate::usage::Prices;

use super::{Board, NothingDiscovered, Offers, Plan, RouteTable, plan};

pub(super) const COOLDOWN: Cooldown = Cooldown { failures: 3, first: Duration::from_secs(10), max: Duration::from_secs(300) };

/// A configuration without providers and models.
pub(super) fn config() -> Config {
    let config = Config::of_providers(Origin::Mock, Vec::new());
    Config { routing: Routing { cooldown: Some(COOLDOWN), ..Routing::default() }, ..config }
}

/// A provider of priority 1 that discovers its models.
pub(super) fn provider(name: &str) -> Provider {
    Provider { kind: ProviderKind::Mock(Mock::default()), ..Provider::new(name, "http://upstream.invalid/v1".parse().unwrap()) }
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
    Route { provider, model, priority: 1, weight: 1, enabled: true, params: Params::default(), capabilities: None }
}

pub(super) fn model(name: &str, routes: Vec<Route>, fallback: &[&str]) -> Model {
    let fallback = fallback.iter().map(|name| Arc::from(*name)).collect();
    Model {
        name: name.into(),
        enabled: true,
        target: Target::Routes { strategy: Strategy::Priority, routes, fallback },
        fallback_on: FallbackOn::default(),
        line: 1,
    }
}

pub(super) fn with_strategy(name: &str, strategy: Strategy, routes: Vec<Route>) -> Model {
    Model {
        name: name.into(),
        enabled: true,
        target: Target::Routes { strategy, routes, fallback: Vec::new() },
        fallback_on: FallbackOn::default(),
        line: 1,
    }
}

pub(super) fn alias(name: &str, target: &str) -> Model {
    Model { name: name.into(), enabled: true, target: Target::Name(target.into()), fallback_on: FallbackOn::default(), line: 1 }
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
