//! What a configuration says about routing, prepared so that a request only looks things up.
//!
//! Immutable but for the handles into the [`Board`] and the turns of `round_robin`. Knows nothing of discovered models.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use foldhash::{HashMap, HashSet};
use regex::Regex;

use crate::config::{Config, Cooldown, Model, Params, Price, Provider, Route, Strategy, Target};
use crate::usage::Prices;

use super::board::{Account, Board};
use super::by_hand::ByHand;
use super::health::Health;
use super::names::Wildcard;
use super::offers::Offers;

/// Names, routes and providers of one configuration.
#[derive(Debug)]
pub struct RouteTable {
    pub(super) providers: Vec<Upstream>,
    /// Enabled providers, most preferred first.
    pub(super) preferred: Vec<usize>,
    pub(super) exact: HashMap<Arc<str>, Arc<Entry>>,
    /// Longest literal part first.
    pub(super) wildcards: Vec<(Wildcard, Arc<Entry>)>,
    /// Which enabled providers list a model, most preferred first.
    pub(super) listed: HashMap<Arc<str>, Vec<usize>>,
    by_name: HashMap<Arc<str>, usize>,
    longest_provider: usize,
    names: Vec<Arc<str>>,
    cooldown: Option<Cooldown>,
}

/// A provider as routing sees it.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) name: Arc<str>,
    pub(super) enabled: bool,
    pub(super) priority: u32,
    pub(super) max_in_flight: Option<u32>,
    pub(super) default_model: Option<Arc<str>>,
    pub(super) params: Arc<Params>,
    pub(super) account: Arc<Account>,
    by_hand: Arc<ByHand>,
    models: Option<HashSet<Arc<str>>>,
    matching: Vec<Regex>,
    /// Held so that the account never forgets what is configured.
    _configured: Vec<Arc<Health>>,
}

/// A name of `models`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) enabled: bool,
    pub(super) goal: Goal,
}

/// What an [`Entry`] stands for.
#[derive(Debug)]
pub(super) enum Goal {
    Name(Arc<str>),
    Routes {
        strategy: Strategy,
        /// By priority.
        routes: Vec<Path>,
        fallback: Vec<Arc<str>>,
        turn: Arc<AtomicUsize>,
    },
}

/// A route, with what a plan needs of it.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) provider: usize,
    /// `None`: the name as asked for.
    pub(super) model: Option<Arc<str>>,
    pub(super) health: Option<Arc<Health>>,
    pub(super) priority: u32,
    pub(super) weight: u32,
    pub(super) enabled: bool,
    pub(super) params: Arc<Params>,
    /// Looked up only where the strategy needs it, so that others never read the price list.
    pub(super) price: Option<Price>,
}

impl RouteTable {
    /// Prepares `config`; upstreams that `board` knows keep their health.
    pub fn new(config: &Config, prices: &Prices, board: &Board) -> RouteTable {
        let providers = upstreams(config, board);
        let mut preferred: Vec<usize> = (0..providers.len()).filter(|index| providers[*index].enabled).collect();
        preferred.sort_by_key(|index| providers[*index].priority);
        let mut listed: HashMap<Arc<str>, Vec<usize>> = HashMap::default();
        for index in &preferred {
            for model in config.providers[*index].models.iter().flatten() {
                let offering = listed.entry(model.clone()).or_default();
                if offering.last() != Some(index) {
                    offering.push(*index);
                }
            }
        }
        let entries: Vec<Arc<Entry>> = config.models.iter().map(|model| Arc::new(entry(model, config, &providers, prices))).collect();
        let mut wildcards: Vec<(Wildcard, Arc<Entry>)> =
            entries.iter().filter_map(|entry| Some((Wildcard::parse(&entry.name)?, entry.clone()))).collect();
        wildcards.sort_by_key(|(wildcard, _)| std::cmp::Reverse(wildcard.literal_length()));
        let plain = || entries.iter().filter(|entry| !entry.name.contains('*'));
        RouteTable {
            preferred,
            listed,
            wildcards,
            exact: plain().map(|entry| (entry.name.clone(), entry.clone())).collect(),
            names: plain().filter(|entry| entry.enabled).map(|entry| entry.name.clone()).collect(),
            by_name: providers.iter().enumerate().map(|(index, provider)| (provider.name.clone(), index)).collect(),
            longest_provider: providers.iter().map(|provider| provider.name.len()).max().unwrap_or(0),
            cooldown: config.routing.cooldown,
            providers,
        }
    }

    /// When an upstream rests, under this configuration: what [`super::Candidate::claim`] wants to be told.
    pub fn cooldown(&self) -> Option<Cooldown> {
        self.cooldown
    }

    /// Enabled names of `models`, without wildcards, in the file's order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Whether `models` has this entry, a wildcard as it is written there.
    pub fn has_entry(&self, name: &str) -> bool {
        self.exact.contains_key(name) || self.wildcards.iter().any(|(_, entry)| *entry.name == *name)
    }

    /// Whether `auto` has a route.
    pub fn has_auto(&self) -> bool {
        self.preferred.iter().any(|index| self.providers[*index].default_model.is_some())
    }

    /// Indexes of the enabled providers, most preferred first.
    pub fn preferred(&self) -> &[usize] {
        &self.preferred
    }

    /// Index of the provider with this name, enabled or not.
    pub fn provider(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The account of a provider; `None` when there is no such index.
    pub fn account(&self, provider: usize) -> Option<&Arc<Account>> {
        self.providers.get(provider).map(|provider| &provider.account)
    }

    /// What an operator has decided of a provider; `None` when there is no such index.
    pub fn by_hand(&self, provider: usize) -> Option<&ByHand> {
        self.providers.get(provider).map(|provider| &*provider.by_hand)
    }

    /// Whether an operator has switched the provider off.
    pub fn is_switched_off(&self, provider: usize) -> bool {
        self.by_hand(provider).is_some_and(ByHand::is_off)
    }

    /// Ids that a provider offers, listed or discovered, as far as `match` holds and no disabled name hides them.
    pub fn offered(&self, offers: &dyn Offers, provider: usize) -> Vec<Arc<str>> {
        let Some(upstream) = self.providers.get(provider) else { return Vec::new() };
        let mut offered: Vec<Arc<str>> = match &upstream.models {
            Some(models) => models.iter().cloned().collect(),
            None => offers.names(provider).into_iter().filter(|model| upstream.takes(model)).collect(),
        };
        offered.retain(|model| !self.hides(model));
        offered.sort_unstable();
        offered
    }

    /// Whether this name is disabled in `models`, and so means nothing at all.
    pub fn hides(&self, name: &str) -> bool {
        self.exact.get(name).is_some_and(|entry| !entry.enabled)
    }

    /// Where `name` may be read as PROVIDER/MODEL: provider and model, shortest provider first.
    pub(super) fn splits<'n>(&self, name: &'n str) -> impl Iterator<Item = (usize, &'n str)> {
        let slashes = name.bytes().take(self.longest_provider + 1).enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        let split = |at| Some((self.provider(&name[..at])?, &name[at + 1..]));
        slashes.filter_map(split).filter(|(_, model)| !model.is_empty()).collect::<Vec<_>>().into_iter()
    }
}

impl Upstream {
    /// Whether a model that was named together with this provider may be sent: unless `models` or `match` leave it out.
    pub(super) fn takes(&self, model: &str) -> bool {
        match &self.models {
            Some(models) => models.contains(model),
            None => self.matching.is_empty() || self.matching.iter().any(|pattern| pattern.is_match(model)),
        }
    }

    /// Whether its models have to be discovered.
    pub(super) fn discovers(&self) -> bool {
        self.models.is_none()
    }
}

/// Every provider with its account, which is told at once of all models that the configuration names.
fn upstreams(config: &Config, board: &Board) -> Vec<Upstream> {
    let mut named: Vec<Vec<Arc<str>>> = config.providers.iter().map(named_by_itself).collect();
    for model in &config.models {
        let Target::Routes { routes, .. } = &model.target else { continue };
        for route in routes {
            // A route without a model asks for the public name, which for a wildcard is known only then.
            let upstream = route.model.as_ref().or((!model.name.contains('*')).then_some(&model.name));
            if let (Some(upstream), Some(named)) = (upstream, named.get_mut(route.provider)) {
                named.push(upstream.clone());
            }
        }
    }
    config.providers.iter().zip(named).map(|(provider, named)| upstream(provider, &named, board)).collect()
}

fn named_by_itself(provider: &Provider) -> Vec<Arc<str>> {
    provider.models.iter().flatten().chain(&provider.default_model).cloned().collect()
}

fn upstream(provider: &Provider, named: &[Arc<str>], board: &Board) -> Upstream {
    let account = board.account(&provider.name, provider.base_url.as_str());
    account.adopt(named);
    Upstream {
        name: provider.name.clone(),
        enabled: provider.enabled,
        priority: provider.priority,
        max_in_flight: provider.max_in_flight,
        default_model: provider.default_model.clone(),
        params: Arc::new(provider.params.clone()),
        models: provider.models.as_ref().map(|models| models.iter().cloned().collect()),
        matching: provider.matching.clone(),
        by_hand: board.by_hand(&provider.name),
        _configured: named.iter().map(|model| account.health(model)).collect(),
        account,
    }
}

fn entry(model: &Model, config: &Config, providers: &[Upstream], prices: &Prices) -> Entry {
    let goal = match &model.target {
        Target::Name(name) => Goal::Name(name.clone()),
        Target::Routes { strategy, routes, fallback } => {
            let prices = (*strategy == Strategy::Cheapest).then_some(prices);
            let mut paths: Vec<Path> = routes.iter().filter_map(|route| path(model, route, config, providers, prices)).collect();
            paths.sort_by_key(|path| path.priority);
            Goal::Routes { strategy: *strategy, routes: paths, fallback: fallback.clone(), turn: Arc::default() }
        }
    };
    Entry { name: model.name.clone(), enabled: model.enabled, goal }
}

fn path(model: &Model, route: &Route, config: &Config, providers: &[Upstream], prices: Option<&Prices>) -> Option<Path> {
    let (provider, settings) = (providers.get(route.provider)?, config.providers.get(route.provider)?);
    let upstream = route.model.clone().or_else(|| (!model.name.contains('*')).then(|| model.name.clone()));
    let params = if route.params.is_empty() { provider.params.clone() } else { Arc::new(provider.params.with(&route.params)) };
    let vendor = settings.vendor();
    Some(Path {
        provider: route.provider,
        health: upstream.as_deref().map(|upstream| provider.account.health(upstream)),
        price: prices.zip(upstream.as_deref()).and_then(|(prices, upstream)| prices.price(Some(vendor), upstream)),
        model: upstream,
        priority: route.priority,
        weight: route.weight,
        enabled: route.enabled,
        params,
    })
}
