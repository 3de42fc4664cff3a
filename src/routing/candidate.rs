//! One upstream model that may answer a request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::{Params, Price};

use super::board::Account;
use super::health::Health;
use super::table::{Path, RouteTable};

/// Weight of a route that nobody gave one.
const WEIGHT: u32 = 1;

/// One upstream model that may answer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Index into [`crate::config::Config::providers`].
    pub provider: usize,
    /// The provider's name.
    pub provider_name: Arc<str>,
    /// The upstream's name of the model.
    pub model: Arc<str>,
    /// Lower is tried first.
    pub priority: u32,
    /// Share under `weighted`.
    pub weight: u32,
    /// Changes to the body: the provider's, then the route's.
    pub params: Arc<Params>,
    /// What is known of the upstream model.
    pub health: Arc<Health>,
    /// What is known of the provider.
    pub account: Arc<Account>,
    /// The limit of requests at once that the provider has now.
    pub max_in_flight: Option<u32>,
    /// The public name whose route this is: the one asked for, the one an alias stands for, or a fallback.
    pub via: Arc<str>,
    /// Known only where the strategy needs it (`cheapest`).
    pub price: Option<Price>,
    /// All that was left is cooling, and this is nearest to recovery: claiming it takes the probe before it is due.
    pub last_resort: bool,
    /// The turn of `round_robin` that put it where it stands.
    pub turn: Option<Turn>,
}

/// A turn of `round_robin`, as a plan saw it.
#[derive(Clone, Debug)]
pub struct Turn {
    counter: Arc<AtomicUsize>,
    seen: usize,
}

impl Turn {
    /// The turn now.
    pub(super) fn of(counter: &Arc<AtomicUsize>) -> Turn {
        Turn { counter: counter.clone(), seen: counter.load(Ordering::Relaxed) }
    }

    /// How many there were before it.
    pub(super) fn number(&self) -> usize {
        self.seen
    }

    /// It was used: the next one's. Once, however many candidates of one plan are claimed.
    pub(super) fn pass_on(&self) {
        // Who comes second in this very moment has used the same turn.
        let _ = self.counter.compare_exchange(self.seen, self.seen.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl fmt::Display for Candidate {
    /// `PROVIDER/MODEL`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider_name, self.model)
    }
}

impl RouteTable {
    /// A candidate for `model` at the provider with this index, whatever the provider offers; `model` may be empty
    /// where an endpoint names none. `None` when there is no such provider.
    pub fn candidate(&self, provider: usize, model: &str) -> Option<Candidate> {
        self.candidate_for(provider, model.into(), model.into())
    }

    pub(super) fn candidate_for(&self, index: usize, model: Arc<str>, via: Arc<str>) -> Option<Candidate> {
        let provider = self.providers.get(index)?;
        Some(Candidate {
            provider: index,
            provider_name: provider.name.clone(),
            health: provider.account.health(&model),
            model,
            priority: provider.priority,
            weight: WEIGHT,
            params: provider.params.clone(),
            account: provider.account.clone(),
            max_in_flight: provider.max_in_flight,
            via,
            price: None,
            last_resort: false,
            turn: None,
        })
    }

    pub(super) fn candidate_of(&self, path: &Path, asked: &Arc<str>) -> Option<Candidate> {
        let provider = self.providers.get(path.provider)?;
        let model = path.model.clone().unwrap_or_else(|| asked.clone());
        Some(Candidate {
            provider: path.provider,
            provider_name: provider.name.clone(),
            health: path.health.clone().unwrap_or_else(|| provider.account.health(&model)),
            model,
            priority: path.priority,
            weight: path.weight,
            params: path.params.clone(),
            account: provider.account.clone(),
            max_in_flight: provider.max_in_flight,
            via: asked.clone(),
            price: path.price,
            last_resort: false,
            turn: None,
        })
    }
}
