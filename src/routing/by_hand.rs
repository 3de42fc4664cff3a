//! What an operator has switched off by hand: until the next start, whatever is reloaded in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use foldhash::HashMap;

/// A provider's switch, known by its name: another address does not turn it on again. On, unless somebody turned it off.
#[derive(Debug, Default)]
pub struct ByHand {
    off: AtomicBool,
}

impl ByHand {
    /// Whether it was turned off.
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Turns it; whether that changed anything.
    pub fn turn(&self, on: bool) -> bool {
        self.off.swap(!on, Ordering::Relaxed) == on
    }
}

/// The switches of all providers. Reading takes no lock.
#[derive(Debug, Default)]
pub(super) struct Switches(ArcSwap<HashMap<Arc<str>, Arc<ByHand>>>);

/// A map under change and the one that it was cloned from.
const HELD_BY_MAPS: usize = 2;

impl Switches {
    /// The switch of the provider `name`; made when first asked for.
    pub(super) fn of(&self, name: &str) -> Arc<ByHand> {
        if let Some(known) = self.0.load().get(name) {
            return known.clone();
        }
        let (name, fresh): (Arc<str>, Arc<ByHand>) = (name.into(), Arc::default());
        self.0.rcu(|switches| {
            let mut switches = HashMap::clone(switches);
            switches.entry(name.clone()).or_insert_with(|| fresh.clone());
            switches
        });
        self.0.load().get(&name).cloned().unwrap_or(fresh)
    }

    /// Forgets those that are on and that no configuration and no request holds any more. One that is off stays: its
    /// provider may come back with the next reload.
    pub(super) fn forget_unused(&self) {
        if self.0.load().values().all(|switch| switch.is_off() || Arc::strong_count(switch) > 1) {
            return;
        }
        self.0.rcu(|switches| {
            let mut switches = HashMap::clone(switches);
            switches.retain(|_, switch| switch.is_off() || Arc::strong_count(switch) > HELD_BY_MAPS);
            switches
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Switches;

    #[test]
    fn a_switch_is_known_by_its_name_as_long_as_somebody_needs_it_or_it_is_off() {
        let switches = Switches::default();
        let a = switches.of("a");
        assert!(Arc::ptr_eq(&a, &switches.of("a")) && !a.is_off());
        assert!(a.turn(false) && !a.turn(false) && switches.of("a").is_off() && !switches.of("b").is_off());
        drop(a);
        switches.forget_unused();
        assert_eq!(switches.0.load().len(), 1, "`b` was on, and nobody held it");
        assert!(switches.of("a").turn(true));
        switches.forget_unused();
        assert_eq!(switches.0.load().len(), 0);
    }
}
