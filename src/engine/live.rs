//! All that follows from one configuration: [`Snapshot`]. Preparing one may fail; swapping it in cannot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::access::KeyRing;
use crate::config::{self, Config, Origin, Secret};
use crate::engine::catalog::Catalog;
use crate::providers::Provider;
use crate::providers::registry::{self, Built, Shared};
use crate::routing::{Board, Offers, RouteTable};
use crate::storage::Store;
use crate::telemetry::record::Peer;
use crate::telemetry::redact::Known;
use crate::transport::Transport;
use crate::usage::Prices;

/// Immutable; a request loads one and keeps it to its end, so no request sees half a reload.
pub struct Snapshot {
    /// The configuration.
    pub config: Config,
    /// Who may call.
    pub keys: KeyRing,
    /// What stands for what.
    pub table: RouteTable,
    /// What it costs.
    pub prices: Prices,
    /// One for each of [`Config::providers`].
    pub upstreams: Vec<Upstream>,
    /// What no account of a request may show.
    pub secrets: Known,
    /// When it was prepared.
    pub loaded: Instant,
}

/// One provider, put to work.
pub struct Upstream {
    /// Addresses and signs.
    pub provider: Arc<dyn Provider>,
    /// Carries bytes.
    pub transport: Arc<dyn Transport>,
    /// What it offers, where the configuration lists nothing.
    pub catalog: Arc<Catalog>,
    /// Woken when a request in flight has ended, or a probe was decided.
    pub freed: Arc<Notify>,
    /// What must not come back from it.
    pub secrets: Vec<Secret>,
    /// How accounts of requests name it.
    pub peer: Arc<Peer>,
}

/// Why a valid configuration cannot be put to work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PrepareError(pub String);

/// Gives a provider another way to send bytes than sockets; `None` leaves it as it is.
pub type TransportFor = Arc<dyn Fn(&config::Provider) -> Option<Arc<dyn Transport>> + Send + Sync>;

/// What outlives every snapshot: health, pools, tokens, catalogs of unchanged upstreams, what is kept on disk.
#[derive(Default)]
pub struct Lasting {
    /// Health of every upstream.
    pub board: Board,
    /// What is kept on disk, once somebody wanted it.
    pub store: OnceLock<Store>,
    shared: Shared,
    catalogs: Mutex<HashMap<(Arc<str>, String), Kept>>,
    transport_for: Option<TransportFor>,
}

#[derive(Clone)]
struct Kept {
    catalog: Arc<Catalog>,
    freed: Arc<Notify>,
}

impl Lasting {
    /// With other transports than sockets, for tests.
    pub fn with_transports(transport_for: TransportFor) -> Lasting {
        Lasting { transport_for: Some(transport_for), ..Lasting::default() }
    }

    /// Puts `config` to work. Opens no connection.
    pub fn prepare(&self, config: Config) -> Result<Snapshot, PrepareError> {
        let prices = Prices::with_overrides(&config.prices);
        let table = RouteTable::new(&config, &prices, &self.board);
        let upstreams: Vec<Upstream> = (0..config.providers.len()).map(|index| self.upstream(&config, index)).collect::<Result<_, _>>()?;
        for (index, upstream) in upstreams.iter().enumerate() {
            let freed = upstream.freed.clone();
            if let Some(account) = table.account(index) {
                account.on_freed(move || freed.notify_waiters());
            }
        }
        self.forget_unused();
        let keys = KeyRing::new(&config.auth);
        let secrets = Known::new(config.secrets());
        Ok(Snapshot { keys, table, prices, upstreams, secrets, loaded: Instant::now(), config })
    }

    /// Forgets upstreams that no snapshot and no request knows any more, so that reloads without end take no memory.
    fn forget_unused(&self) {
        self.board.forget_unused();
        let mut catalogs = self.catalogs.lock().unwrap_or_else(PoisonError::into_inner);
        // Never before its account, which wakes who waits through it.
        catalogs.retain(|(name, base_url), _| self.board.has(name, base_url));
    }

    fn upstream(&self, config: &Config, index: usize) -> Result<Upstream, PrepareError> {
        let settings = &config.providers[index];
        let Built { provider, transport } = registry::build(settings, &self.shared).map_err(|error| PrepareError(error.to_string()))?;
        let transport = self.transport_for.as_ref().and_then(|make| make(settings)).unwrap_or(transport);
        let kept = self.kept(settings, &config.origin);
        let (secrets, peer) = (config.secrets_of(index), Arc::new(peer(settings)));
        Ok(Upstream { provider, transport, catalog: kept.catalog, freed: kept.freed, secrets, peer })
    }

    fn kept(&self, config: &config::Provider, origin: &Origin) -> Kept {
        let key = (config.name.clone(), config.base_url.to_string());
        let mut catalogs = self.catalogs.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let catalog = if *origin == Origin::Mock { Catalog::everything() } else { Catalog::unknown() };
            Kept { catalog: Arc::new(catalog), freed: Arc::default() }
        };
        catalogs.entry(key).or_insert_with(fresh).clone()
    }
}

fn peer(provider: &config::Provider) -> Peer {
    Peer {
        vendor: provider.vendor().into(),
        host: provider.base_url.host_str().unwrap_or_default().into(),
        port: provider.base_url.port_or_known_default().unwrap_or_default(),
    }
}

impl Snapshot {
    /// Whether the provider at `index` must be asked for its models.
    pub fn discovers(&self, index: usize) -> bool {
        self.config.providers.get(index).is_some_and(|provider| provider.enabled && provider.models.is_none())
    }

    /// Whether the provider at `index` is still in its first discovery.
    pub fn is_pending(&self, index: usize) -> bool {
        self.discovers(index) && self.upstreams.get(index).is_some_and(|upstream| upstream.catalog.is_pending())
    }
}

impl Offers for Snapshot {
    fn offers(&self, provider: usize, model: &str) -> bool {
        self.discovers(provider) && self.upstreams.get(provider).is_some_and(|upstream| upstream.catalog.has(model))
    }

    fn names(&self, provider: usize) -> Vec<Arc<str>> {
        let known = self.upstreams.get(provider).filter(|_| self.discovers(provider)).map(|upstream| upstream.catalog.known());
        known.and_then(|known| known.models.clone()).map(|models| models.to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Lasting;
    use crate::config::{Config, Origin, Provider};

    #[test]
    fn a_thousand_reloads_with_changing_names_leave_nothing_behind() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lasting = Lasting::default();
        let config = |reload: usize| {
            let provider = |name: &str| Provider::new(name, "http://upstream.invalid/v1".parse().unwrap());
            Config::of_providers(Origin::Mock, vec![provider("stays"), provider(&format!("name-{reload}"))])
        };
        let mut running = lasting.prepare(config(0)).unwrap();
        let stays = running.upstreams[0].freed.clone();
        for reload in 1..1000 {
            running = lasting.prepare(config(reload)).unwrap();
            assert!(lasting.catalogs.lock().unwrap().len() <= 3, "the old, the new, and what stays");
        }
        assert!(std::sync::Arc::ptr_eq(&stays, &running.upstreams[0].freed));
    }
}
