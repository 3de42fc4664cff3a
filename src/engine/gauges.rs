//! How things are at the moment of a scrape, and which names metrics may take for labels. Reads only.

use std::sync::atomic::Ordering;

use crate::access::Caller;
use crate::engine::Inner;
use crate::engine::live::Snapshot;
use crate::engine::survey::{standing, word};
use crate::routing::resolve::AUTO;
use crate::telemetry::metrics::{Gauges, Provider, Queue, Vocabulary};

/// How things are now.
pub fn gauges(engine: &Inner, snapshot: &Snapshot) -> Gauges {
    Gauges {
        in_flight: engine.accounts.running(),
        waiting: engine.waiting.load(Ordering::Relaxed),
        uptime: engine.epoch.elapsed(),
        reloads: engine.reloading.gauges(),
        providers: (0..snapshot.config.providers.len()).filter_map(|index| provider(engine, snapshot, index)).collect(),
        ledger: ledger(engine),
        traces: engine.traces.is_on().then(|| engine.traces.counts()),
        server: None,
    }
}

/// The queue in front of the ledger, once there is one.
fn ledger(engine: &Inner) -> Option<Queue> {
    let figures = engine.lasting.store.get()?.figures();
    Some(Queue { length: figures.queued, limit: figures.capacity, lost: figures.lost })
}

fn provider(engine: &Inner, snapshot: &Snapshot, index: usize) -> Option<Provider> {
    let (config, upstream) = (&snapshot.config.providers[index], &snapshot.upstreams[index]);
    let account = snapshot.table.account(index)?;
    let (now, policy) = (engine.now(), snapshot.table.cooldown());
    let known = upstream.catalog.known();
    let discovered = || known.models.as_ref().map(|_| snapshot.table.offered(snapshot, index).len());
    let used = account.models().into_iter().filter(|(_, health)| health.requests() > 0);
    let (resting, credentials) = upstream.provider.credentials();
    Some(Provider {
        name: config.name.clone(),
        state: if config.enabled { word(standing(snapshot, index, now)?) } else { "disabled" },
        in_flight: account.in_flight(),
        in_flight_limit: config.max_in_flight,
        connections: upstream.transport.connections(),
        credentials,
        resting,
        models: config.models.as_ref().map(Vec::len).or_else(discovered),
        has_discovery_failed: snapshot.discovers(index).then_some(known.error.is_some()),
        upstreams: used.map(|(model, health)| (model, word(health.standing(now, policy)))).collect(),
    })
}

impl Snapshot {
    /// Whether the provider at `index` has this model: routes lead to it, or it is listed, or was discovered.
    fn has(&self, index: usize, model: &str) -> bool {
        self.table.account(index).is_some_and(|account| account.is_configured(model))
            || (self.discovers(index) && self.upstreams[index].catalog.lists(model))
    }
}

impl Vocabulary for Snapshot {
    fn has_name(&self, name: &str) -> bool {
        let offers = |(index, provider): (usize, &crate::config::Provider)| {
            let below = name.strip_prefix(&*provider.name).and_then(|rest| rest.strip_prefix('/'));
            self.has(index, name) || below.is_some_and(|model| self.has(index, model))
        };
        name == AUTO || self.table.has_entry(name) || self.config.providers.iter().enumerate().any(offers)
    }

    fn has_model(&self, provider: &str, model: &str) -> bool {
        self.table.provider(provider).is_some_and(|index| self.has(index, model))
    }

    fn has_provider(&self, name: &str) -> bool {
        self.table.provider(name).is_some()
    }

    fn has_caller(&self, name: &str) -> bool {
        *name == **Caller::anonymous().name() || self.config.auth.keys.iter().any(|key| *key.name == *name)
    }
}
