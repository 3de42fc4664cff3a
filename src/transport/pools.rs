//! Connection pools that outlive a reload: two providers, or two configurations, that connect alike share one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use url::Origin;

use super::connect::Resolver;
use super::relay::{Limits, Relay};
use super::tls::{Tls, TransportSetupError};
use super::via::Via;
use crate::config::Provider;

/// Every pool in use. Those that no provider holds any more go away by themselves.
#[derive(Default)]
pub struct Pools {
    // A list: there are as many as providers, and they are looked up when a configuration is loaded.
    known: Mutex<Vec<(Key, Weak<Relay>)>>,
    resolver: Resolver,
}

#[derive(PartialEq)]
struct Key {
    origin: Origin,
    via: Via,
    tls: [u8; 32],
    limits: Limits,
}

impl Pools {
    /// Pools that find hosts by `resolver`.
    pub fn resolving_by(resolver: Resolver) -> Pools {
        Pools { resolver, ..Pools::default() }
    }

    /// The pool for `config`'s upstream: one that is in use and connects alike, or a new one. Connects to nothing.
    pub fn relay(&self, config: &Provider) -> Result<Arc<Relay>, TransportSetupError> {
        let address = |reason| TransportSetupError::Address { provider: config.name.to_string(), reason };
        let tls = Tls::load(config)?;
        let via = Via::decide(&config.proxy, &config.base_url).map_err(address)?;
        let limits = Limits {
            connect: config.timeout.connect,
            idle_connections: config.idle_connections,
            idle_timeout: config.idle_timeout,
            http2: config.http2,
        };
        let key = Key { origin: config.base_url.origin(), via, tls: tls.digest(), limits };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, relay)| relay.strong_count() > 0);
        if let Some(relay) = known.iter().find(|(other, _)| *other == key).and_then(|(_, relay)| relay.upgrade()) {
            return Ok(relay);
        }
        let relay = Relay::new(key.via.clone(), tls, &key.limits, self.resolver.clone());
        known.push((key, Arc::downgrade(&relay)));
        Ok(relay)
    }
}
