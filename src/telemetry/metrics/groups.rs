//! Figures by their labels: never more than there is room for.
//!
//! A name that a client has made up is no label: only those that the configuration has, or that an upstream has answered
//! to, are. Where there are too many even of those, they give way to `other`.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use foldhash::HashMap;

use super::names::OTHER;

/// So many combinations of labels of one kind: enough for fifty models at ten providers. A scrape of that many is some ten
/// megabytes before gzip.
pub const MOST_LABEL_SETS: usize = 500;

/// Kept free for `other` at each provider.
const SPARE: usize = 100;

/// Longest name that is a label.
pub(super) const LONGEST_NAME: usize = 256;

static OTHERS: LazyLock<Arc<str>> = LazyLock::new(|| OTHER.into());

/// The word for names that are no labels.
pub(super) fn others() -> Arc<str> {
    OTHERS.clone()
}

/// The labels of a group.
pub(super) trait Labels: Clone + Eq + Hash {
    /// Without the names that clients choose.
    fn without_names(&self) -> Self;

    /// Without anything.
    fn blank() -> Self;
}

/// Figures, each under its labels. To look one up takes no lock.
pub(super) struct Groups<K, V> {
    all: ArcSwap<HashMap<K, Arc<V>>>,
    overflowed: AtomicU64,
}

impl<K, V> Default for Groups<K, V> {
    fn default() -> Groups<K, V> {
        Groups { all: ArcSwap::default(), overflowed: AtomicU64::new(0) }
    }
}

impl<K: Labels, V: Default> Groups<K, V> {
    /// Counts in the group of `key`; in that without names if there is none yet and the name is not known.
    pub(super) fn count(&self, key: K, is_known: impl FnOnce(&K) -> bool, count: impl FnOnce(&V)) {
        match self.all.load().get(&key) {
            Some(group) => count(group),
            None => count(&self.admit(key, is_known)),
        }
    }

    #[cold]
    fn admit(&self, key: K, is_known: impl FnOnce(&K) -> bool) -> Arc<V> {
        let key = if is_known(&key) { key } else { key.without_names() };
        let all = self.all.load();
        let has_room = |key: &K, most: usize| all.contains_key(key) || all.len() < most;
        if has_room(&key, MOST_LABEL_SETS) {
            return self.group(key);
        }
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        let nameless = key.without_names();
        self.group(if has_room(&nameless, MOST_LABEL_SETS + SPARE) { nameless } else { K::blank() })
    }

    fn group(&self, key: K) -> Arc<V> {
        if let Some(group) = self.all.load().get(&key) {
            return group.clone();
        }
        let fresh = Arc::<V>::default();
        self.all.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.entry(key.clone()).or_insert_with(|| fresh.clone());
            all
        });
        self.all.load().get(&key).cloned().unwrap_or(fresh)
    }

    /// Forgets those that nobody wants any more, if room is getting scarce.
    pub(super) fn retain(&self, is_wanted: impl Fn(&K) -> bool) {
        if self.len() > MOST_LABEL_SETS / 2 {
            self.all.rcu(|all| {
                let mut all = HashMap::clone(all);
                all.retain(|key, _| is_wanted(key));
                all
            });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.load().len()
    }

    /// How many observations had their names taken for want of room.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }
}

impl<K: Labels + Ord, V> Groups<K, V> {
    /// All of them, in order.
    pub(super) fn sorted(&self) -> Vec<(K, Arc<V>)> {
        let mut all: Vec<_> = self.all.load().iter().map(|(key, group)| (key.clone(), group.clone())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}
