//! Where experience is kept: [`Board`] outlives a reload; an [`Account`] is one provider, a [`Health`] one of its models.
//!
//! Reading takes no lock; a name that is new, or no longer needed, replaces a map.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use foldhash::HashMap;

use crate::config::Cooldown;

use super::breaker::{Breaker, Millis, Standing};
use super::by_hand::{ByHand, Switches};
use super::health::{Health, Percentiles, Report};

/// Models of one provider, beyond the configured ones, that get a health of their own; the rest share one.
pub const MOST_DYNAMIC: usize = 10_000;

/// Longest model name, in bytes, that gets a health of its own: names come from clients and are kept.
pub const LONGEST_NAME: usize = 256;

/// Every account that is configured or in use, by provider name and base URL, and what was switched off by hand. Cheap to
/// clone; clones are one board.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    accounts: ArcSwap<Accounts>,
    switches: Switches,
}

/// A map under change and the one that it was cloned from.
const HELD_BY_MAPS: usize = 2;

/// By provider name and base URL.
type Accounts = HashMap<(Arc<str>, Arc<str>), Arc<Account>>;

impl Board {
    /// The account of the provider `name` at `base_url`; made when first asked for.
    pub fn account(&self, name: &str, base_url: &str) -> Arc<Account> {
        let key: (Arc<str>, Arc<str>) = (name.into(), base_url.into());
        if let Some(account) = self.0.accounts.load().get(&key) {
            return account.clone();
        }
        let fresh = Arc::new(Account::default());
        self.0.accounts.rcu(|accounts| {
            let mut accounts = Accounts::clone(accounts);
            accounts.entry(key.clone()).or_insert_with(|| fresh.clone());
            accounts
        });
        self.0.accounts.load().get(&key).cloned().unwrap_or(fresh)
    }

    /// The switch of the provider `name`, wherever that is.
    pub fn by_hand(&self, name: &str) -> Arc<ByHand> {
        self.0.switches.of(name)
    }

    /// Forgets what no configuration and no request holds any more.
    pub fn forget_unused(&self) {
        self.0.switches.forget_unused();
        if self.0.accounts.load().values().all(|account| Arc::strong_count(account) > 1) {
            return;
        }
        self.0.accounts.rcu(|accounts| {
            let mut accounts = Accounts::clone(accounts);
            accounts.retain(|_, account| Arc::strong_count(account) > HELD_BY_MAPS);
            accounts
        });
    }

    /// Whether there is such an account.
    pub fn has(&self, name: &str, base_url: &str) -> bool {
        self.0.accounts.load().contains_key(&(name.into(), base_url.into()))
    }
}

/// One provider: what fails or fills up for all of its models at once.
#[derive(Debug, Default)]
pub struct Account {
    pub(super) breaker: Breaker,
    pub(super) in_flight: AtomicU32,
    models: ArcSwap<Models>,
    overflow: Arc<Health>,
    pub(super) wake: Wake,
}

/// Called whenever something that was waited for may be had: a slot was freed, a probe was decided.
#[derive(Default)]
pub(super) struct Wake(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl Wake {
    pub(super) fn call(&self) {
        if let Some(wake) = self.0.get() {
            wake();
        }
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

#[derive(Clone, Debug, Default)]
struct Models {
    by_name: HashMap<Arc<str>, Known>,
    /// How many of them are not configured.
    dynamic: usize,
}

#[derive(Clone, Debug)]
struct Known {
    health: Arc<Health>,
    configured: bool,
}

impl Account {
    /// The health of an upstream model; made when first asked for. Beyond [`MOST_DYNAMIC`] models, or for absurdly long
    /// names, all share one.
    pub fn health(&self, model: &str) -> Arc<Health> {
        if let Some(known) = self.models.load().by_name.get(model) {
            return known.health.clone();
        }
        if model.len() > LONGEST_NAME {
            return self.overflow.clone();
        }
        let (name, fresh): (Arc<str>, Arc<Health>) = (model.into(), Arc::default());
        self.models.rcu(|models| {
            let mut models = Models::clone(models);
            if models.dynamic >= MOST_DYNAMIC {
                models.forget_idle();
            }
            if models.dynamic < MOST_DYNAMIC && !models.by_name.contains_key(&name) {
                models.by_name.insert(name.clone(), Known { health: fresh.clone(), configured: false });
                models.dynamic += 1;
            }
            models
        });
        self.models.load().by_name.get(model).map_or(&self.overflow, |known| &known.health).clone()
    }

    /// Makes room for configured models, all at once and without limit; forgets those that no longer are, once nobody
    /// holds them.
    pub fn adopt(&self, configured: &[Arc<str>]) {
        if configured.iter().all(|model| self.models.load().by_name.get(model).is_some_and(|known| known.configured)) {
            return;
        }
        let fresh: Vec<(Arc<str>, Arc<Health>)> = configured.iter().map(|model| (model.clone(), Arc::default())).collect();
        self.models.rcu(|models| {
            let mut models = Models::clone(models);
            models.by_name.retain(|_, known| !known.configured || Arc::strong_count(&known.health) > HELD_BY_MAPS);
            for (name, health) in &fresh {
                let known = models.by_name.entry(name.clone()).or_insert_with(|| Known { health: health.clone(), configured: true });
                known.configured = true;
            }
            models.dynamic = models.by_name.values().filter(|known| !known.configured).count();
            models
        });
    }

    /// Whether a configuration names this model, now or until shortly.
    pub fn is_configured(&self, model: &str) -> bool {
        self.models.load().by_name.get(model).is_some_and(|known| known.configured)
    }

    /// Has `wake` called whenever a slot was freed or a probe decided; the first one counts.
    pub fn on_freed(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.0.set(Box::new(wake));
    }

    /// Requests in flight over all models.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How it stands as a whole, its models apart.
    pub fn standing(&self, now: Millis, policy: Option<Cooldown>) -> Standing {
        self.breaker.standing(now, policy)
    }

    /// Failures to connect and refused credentials in a row.
    pub fn failures_in_a_row(&self) -> u16 {
        self.breaker.state().failures
    }

    /// An active check reached it: connection and credential failures are forgotten, those of its models are not.
    pub fn clear(&self) {
        self.breaker.clear();
        self.wake.call();
    }

    /// Forgets everything held against it and its models, however it was earned.
    pub fn forgive(&self) {
        self.breaker.clear();
        for health in self.models.load().by_name.values().map(|known| &known.health).chain([&self.overflow]) {
            health.breaker.clear();
        }
        self.wake.call();
    }

    /// The upstream models that are known, in no order.
    pub fn models(&self) -> Vec<(Arc<str>, Arc<Health>)> {
        self.models.load().by_name.iter().map(|(name, known)| (name.clone(), known.health.clone())).collect()
    }

    /// The figures of all its models together.
    pub fn report(&self) -> Report {
        let models = self.models.load();
        let every = || models.by_name.values().map(|known| &known.health).chain([&self.overflow]);
        let mut latencies: Vec<u32> = every().flat_map(|health| health.latencies()).collect();
        let total = |count: fn(&Health) -> &AtomicU64| every().map(|health| count(health).load(Ordering::Relaxed)).sum();
        Report {
            failures_in_a_row: self.failures_in_a_row(),
            in_flight: self.in_flight(),
            requests: total(|health| &health.requests),
            successes: total(|health| &health.successes),
            failures: total(|health| &health.failures),
            latency: Percentiles::of(&mut latencies),
            last_error: every().filter_map(|health| health.last_error()).max_by_key(|error| error.at),
        }
    }
}

impl Models {
    /// Drops the names that are not configured and that nobody holds; those at rest only if that makes no room.
    fn forget_idle(&mut self) {
        for with_resting in [false, true] {
            let is_resting = |known: &Known| known.health.breaker.state().trips > 0;
            let is_held = |known: &Known| known.configured || Arc::strong_count(&known.health) > HELD_BY_MAPS;
            self.by_name.retain(|_, known| is_held(known) || (is_resting(known) && !with_resting));
            self.dynamic = self.by_name.values().filter(|known| !known.configured).count();
            if self.dynamic < MOST_DYNAMIC {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
