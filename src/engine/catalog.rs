//! The models that an upstream says it has, as last discovered.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What is known of one upstream's models. Shared by all snapshots that know the upstream.
#[derive(Debug)]
pub struct Catalog {
    state: ArcSwap<Known>,
    /// Held by whoever asks the upstream, so that one at a time does.
    pub(super) asking: Mutex<()>,
}

/// What is known.
#[derive(Debug, Default)]
pub struct Known {
    /// The models, sorted; `None`: never discovered.
    pub models: Option<Arc<[Arc<str>]>>,
    /// For fast look-up.
    set: HashSet<Arc<str>>,
    /// Why the last discovery failed, if it did.
    pub error: Option<String>,
    /// When the last discovery ended.
    pub at: Option<Instant>,
    /// Every name is offered (the mock of an empty configuration).
    everything: bool,
}

impl Catalog {
    /// Nothing known yet.
    pub fn unknown() -> Catalog {
        Catalog { state: ArcSwap::from_pointee(Known::default()), asking: Mutex::new(()) }
    }

    /// Offers every name.
    pub fn everything() -> Catalog {
        let known = Known { everything: true, models: Some(Arc::from([])), at: Some(Instant::now()), ..Known::default() };
        Catalog { state: ArcSwap::from_pointee(known), asking: Mutex::new(()) }
    }

    /// What is known now.
    pub fn known(&self) -> Arc<Known> {
        self.state.load_full()
    }

    /// Whether no discovery has ended yet.
    pub fn is_pending(&self) -> bool {
        self.state.load().at.is_none()
    }

    /// Whether `model` is offered, as far as known.
    pub fn has(&self, model: &str) -> bool {
        let known = self.state.load();
        known.everything || known.set.contains(model)
    }

    /// Whether `model` is one of those that were found.
    pub fn lists(&self, model: &str) -> bool {
        self.state.load().set.contains(model)
    }

    /// Takes in a successful discovery.
    pub fn found(&self, mut models: Vec<Arc<str>>) {
        models.sort_unstable();
        models.dedup();
        let set = models.iter().cloned().collect();
        self.state.store(Arc::new(Known { models: Some(models.into()), set, at: Some(Instant::now()), ..Known::default() }));
    }

    /// Takes in a failed one: what was known stays.
    pub fn failed(&self, error: String) {
        let old = self.state.load();
        let known = Known {
            models: old.models.clone(),
            set: old.set.clone(),
            error: Some(error),
            at: Some(Instant::now()),
            everything: old.everything,
        };
        self.state.store(Arc::new(known));
    }

    /// What made the last discovery fail may be mended: it is asked again soon.
    pub fn forget_failure(&self) {
        let old = self.state.load();
        if old.error.is_some() {
            let (models, set) = (old.models.clone(), old.set.clone());
            self.state.store(Arc::new(Known { models, set, error: None, at: None, everything: old.everything }));
        }
    }

    /// Whether it is time to ask again: `after` a success, or `retry` after a failure.
    pub fn is_stale(&self, after: Duration, retry: Duration) -> bool {
        let known = self.state.load();
        let wait = if known.error.is_some() { retry } else { after };
        !known.everything && known.at.is_none_or(|at| at.elapsed() >= wait)
    }
}
