//! Several keys of one account, spread over in turn; a refused one rests.
//!
//! While no key rests, picking one takes no lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use super::{CredentialId, Refusal, Retry};
use crate::config::Secret;

/// Models at rest that one key remembers; beyond it, the one nearest to recovery is forgotten.
const MOST_MODELS: usize = 64;

/// The keys of one provider.
pub struct KeyPool {
    keys: Vec<Key>,
    next: AtomicUsize,
}

struct Key {
    // Both are made once, because making one checks it.
    plain: HeaderValue,
    bearer: HeaderValue,
    state: Arc<KeyState>,
}

/// Where in a request's head a key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyIn {
    /// `Authorization: Bearer KEY`
    Bearer,
    /// The key alone, in this header.
    Header(HeaderName),
}

/// How one key fares; outlives a reload.
#[derive(Debug)]
pub struct KeyState {
    number: u32,
    /// Grows with each refusal, so that a report about the time before it is known as late.
    generation: AtomicU32,
    /// Whether `rests` may hold anything.
    resting: AtomicBool,
    rests: Mutex<Rests>,
}

#[derive(Debug, Default)]
struct Rests {
    all: Option<Instant>,
    models: HashMap<Box<str>, Instant>,
}

/// The states of all keys in use, by upstream and the key's digest.
#[derive(Default)]
pub struct KeyStore {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    last: u32,
    states: HashMap<(String, [u8; 32]), Weak<KeyState>>,
}

impl KeyPool {
    /// The keys `secrets` at `upstream`; `Err` is the position (from 1) of one that cannot stand in a header.
    pub fn new(store: &KeyStore, upstream: &Url, secrets: &[Secret]) -> Result<KeyPool, usize> {
        let mut keys = Vec::with_capacity(secrets.len());
        for (position, secret) in secrets.iter().enumerate() {
            let made = plain(secret.expose()).zip(bearer(secret.expose()));
            let (plain, bearer) = made.ok_or(position + 1)?;
            keys.push(Key { plain, bearer, state: store.state(upstream, secret) });
        }
        Ok(KeyPool { keys, next: AtomicUsize::new(0) })
    }

    /// Puts the next key that does not rest for `model` into `head`, else the one nearest to recovery; nothing without any key.
    pub fn sign(&self, head: &mut Parts, model: &str, key_in: &KeyIn) -> CredentialId {
        self.pick(model).map_or(CredentialId::NONE, |key| key.sign(head, key_in))
    }

    /// Which key `used` is, in a word that stays the same whatever is reloaded or restarted, and does not lead back to it.
    pub fn name_of(&self, used: CredentialId) -> Option<String> {
        self.keys.iter().find(|key| key.state.is_number_of(used)).map(Key::name)
    }

    /// Puts the key of this name into `head`, be it at rest or not; `None`: it is not one of them any more.
    pub fn sign_as(&self, head: &mut Parts, name: &str, key_in: &KeyIn) -> Option<CredentialId> {
        let key = self.keys.iter().find(|key| key.name() == name)?;
        Some(key.sign(head, key_in))
    }

    fn pick(&self, model: &str) -> Option<&Key> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let mut nearest: Option<(&Key, Instant)> = None;
        for offset in 0..self.keys.len() {
            let key = &self.keys[start.wrapping_add(offset) % self.keys.len()];
            match key.state.rests_until(Some(model)) {
                None => return Some(key),
                Some(until) if nearest.is_none_or(|(_, earliest)| until < earliest) => nearest = Some((key, until)),
                Some(_) => {}
            }
        }
        nearest.map(|(key, _)| key)
    }

    /// Lets the key `used` rest, unless it was refused since; whether another is at hand.
    pub fn refused(&self, used: CredentialId, refusal: &Refusal<'_>) -> Retry {
        let now = Instant::now();
        let model = match refusal {
            Refusal::Credential { .. } => None,
            Refusal::RateLimited { model, .. } => Some(*model),
        };
        // A late report is about a key that has recovered since: that one is at hand again.
        let same = self.keys.iter().map(|key| &key.state).find(|state| state.credential() == used).map(|state| state.number);
        if let Some(key) = self.keys.iter().find(|key| key.state.is_number_of(used)) {
            match *refusal {
                Refusal::Credential { rest } => key.state.rest(used, now + rest),
                Refusal::RateLimited { model, rest } => key.state.rest_for(model, now + rest),
            }
        }
        // A rest of no time at all does not make the same key another one.
        let mut others = self.keys.iter().filter(|key| Some(key.state.number) != same);
        if others.any(|key| key.state.rests_until(model).is_none()) { Retry::Another } else { Retry::No }
    }

    /// Ends every rest.
    pub fn forgive(&self) {
        for key in &self.keys {
            key.state.forgive();
        }
    }

    /// Keys that rest for any model at all, and all keys.
    pub fn count(&self) -> (usize, usize) {
        (self.keys.iter().filter(|key| key.state.is_resting()).count(), self.keys.len())
    }
}

impl Key {
    fn sign(&self, head: &mut Parts, key_in: &KeyIn) -> CredentialId {
        match key_in {
            KeyIn::Bearer => head.headers.insert(AUTHORIZATION, self.bearer.clone()),
            KeyIn::Header(name) => head.headers.insert(name, self.plain.clone()),
        };
        self.state.credential()
    }

    fn name(&self) -> String {
        let digest = Sha256::new().chain_update(b"llmgw upstream key").chain_update(self.plain.as_bytes()).finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl KeyStore {
    fn state(&self, upstream: &Url, secret: &Secret) -> Arc<KeyState> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.states.retain(|_, state| state.strong_count() > 0);
        let name = (upstream.to_string(), secret.digest());
        if let Some(state) = known.states.get(&name).and_then(Weak::upgrade) {
            return state;
        }
        known.last += 1;
        let state = Arc::new(KeyState {
            number: known.last,
            generation: AtomicU32::new(0),
            resting: AtomicBool::new(false),
            rests: Mutex::default(),
        });
        known.states.insert(name, Arc::downgrade(&state));
        state
    }
}

impl KeyState {
    fn credential(&self) -> CredentialId {
        CredentialId(u64::from(self.number) << 32 | u64::from(self.generation.load(Ordering::Relaxed)))
    }

    fn is_number_of(&self, credential: CredentialId) -> bool {
        credential != CredentialId::NONE && credential.0 >> 32 == u64::from(self.number)
    }

    fn is_resting(&self) -> bool {
        self.recovered().is_some_and(|rests| rests.all.is_some() || !rests.models.is_empty())
    }

    /// Until when it rests for `model`; for `None`, for all models.
    fn rests_until(&self, model: Option<&str>) -> Option<Instant> {
        let rests = self.recovered()?;
        rests.all.max(model.and_then(|model| rests.models.get(model).copied()))
    }

    fn rest(&self, used: CredentialId, until: Instant) {
        let mut rests = self.lock();
        if used == self.credential() {
            self.generation.fetch_add(1, Ordering::Relaxed);
            rests.all = rests.all.max(Some(until));
            self.resting.store(true, Ordering::Release);
        }
    }

    fn rest_for(&self, model: &str, until: Instant) {
        let mut rests = self.lock();
        if rests.models.len() >= MOST_MODELS && !rests.models.contains_key(model) {
            let nearest = rests.models.iter().min_by_key(|(_, until)| **until).map(|(name, _)| name.clone());
            nearest.and_then(|name| rests.models.remove(&name));
        }
        // The longest deadline wins.
        let rest = rests.models.entry(model.into()).or_insert(until);
        *rest = until.max(*rest);
        self.resting.store(true, Ordering::Release);
    }

    fn forgive(&self) {
        let mut rests = self.lock();
        *rests = Rests::default();
        self.resting.store(false, Ordering::Release);
    }

    /// What still rests; `None`, without a look at the lock, when nothing does.
    fn recovered(&self) -> Option<MutexGuard<'_, Rests>> {
        if !self.resting.load(Ordering::Acquire) {
            return None;
        }
        let now = Instant::now();
        let mut rests = self.lock();
        rests.all = rests.all.filter(|until| *until > now);
        rests.models.retain(|_, until| *until > now);
        self.resting.store(rests.all.is_some() || !rests.models.is_empty(), Ordering::Release);
        Some(rests)
    }

    fn lock(&self) -> MutexGuard<'_, Rests> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Authorization: Bearer` with `token`; `None` if it holds what a header may not.
pub fn bearer(token: &str) -> Option<HeaderValue> {
    plain(&format!("Bearer {token}"))
}

/// A credential as a header's value, which does not print itself; `None` if it holds what a header may not.
pub fn plain(credential: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(credential).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderName, Request};
    use tokio::time::advance;
    use url::Url;

    use super::{KeyIn, KeyPool, KeyStore};
    use crate::config::Secret;
    use crate::providers::{CredentialId, Refusal, Retry};

    const REST: Duration = Duration::from_secs(60);

    fn pool(store: &KeyStore, keys: &[&str]) -> KeyPool {
        let secrets: Vec<Secret> = keys.iter().map(|key| Secret::new(*key)).collect();
        KeyPool::new(store, &Url::parse("https://a.example").unwrap(), &secrets).unwrap()
    }

    fn pick(pool: &KeyPool, model: &str) -> (CredentialId, String) {
        let (mut head, ()) = Request::new(()).into_parts();
        let credential = pool.sign(&mut head, model, &KeyIn::Bearer);
        (credential, head.headers["authorization"].to_str().unwrap().replace("Bearer ", ""))
    }

    fn picks(pool: &KeyPool, model: &str, count: usize) -> String {
        (0..count).map(|_| pick(pool, model).1).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_used_in_turn() {
        let store = KeyStore::default();
        assert_eq!(picks(&pool(&store, &["a", "b", "c"]), "m", 7), "abcabca");
        assert!(pool(&store, &[]).pick("m").is_none());
    }

    #[test]
    fn a_key_goes_alone_into_the_header_that_is_named() {
        let (mut head, ()) = Request::new(()).into_parts();
        pool(&KeyStore::default(), &["a"]).sign(&mut head, "m", &KeyIn::Header(HeaderName::from_static("x-api-key")));
        assert_eq!(head.headers["x-api-key"], "a");
        assert!(head.headers["x-api-key"].is_sensitive() && head.headers.len() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_found_again_by_a_name_that_is_not_the_key() {
        let before = pool(&KeyStore::default(), &["sk-aaaa", "sk-bbbb"]);
        let (used, key) = pick(&before, "m");
        let name = before.name_of(used).unwrap();
        assert!(!name.contains(&key) && before.name_of(CredentialId::NONE).is_none());
        let after = pool(&KeyStore::default(), &["sk-cccc", "sk-bbbb", "sk-aaaa"]);
        let (mut head, ()) = Request::new(()).into_parts();
        let used = after.sign_as(&mut head, &name, &KeyIn::Bearer).unwrap();
        assert_eq!(head.headers["authorization"], format!("Bearer {key}"));
        after.refused(used, &Refusal::Credential { rest: REST });
        assert!(after.sign_as(&mut head, &name, &KeyIn::Bearer).is_some(), "there is no other");
        assert!(pool(&KeyStore::default(), &["sk-cccc"]).sign_as(&mut head, &name, &KeyIn::Bearer).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_rests_for_all_models() {
        let pool = pool(&KeyStore::default(), &["a", "b"]);
        let (used, _) = pick(&pool, "m");
        assert_eq!(pool.refused(used, &Refusal::Credential { rest: REST }), Retry::Another);
        assert_eq!(picks(&pool, "other", 3), "bbb");
        assert_eq!(pool.count(), (1, 2));
        advance(REST).await;
        assert_eq!(picks(&pool, "m", 2), "ab");
        assert_eq!(pool.count(), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limited_key_rests_for_that_model() {
        let pool = pool(&KeyStore::default(), &["a", "b"]);
        let (used, _) = pick(&pool, "m");
        assert_eq!(pool.refused(used, &Refusal::RateLimited { model: "m", rest: REST }), Retry::Another);
        assert_eq!(picks(&pool, "m", 3), "bbb");
        assert_eq!(picks(&pool, "other", 2), "ab");
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_rest_the_one_nearest_to_recovery_is_used() {
        let pool = pool(&KeyStore::default(), &["a", "b"]);
        let (first, _) = pick(&pool, "m");
        assert_eq!(pool.refused(first, &Refusal::Credential { rest: REST * 2 }), Retry::Another);
        let (second, _) = pick(&pool, "m");
        assert_eq!(pool.refused(second, &Refusal::Credential { rest: REST }), Retry::No);
        assert_eq!(picks(&pool, "m", 3), "bbb");
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_report_is_ignored() {
        let pool = pool(&KeyStore::default(), &["a"]);
        let (used, _) = pick(&pool, "m");
        assert_eq!(pool.refused(used, &Refusal::Credential { rest: REST }), Retry::No);
        advance(REST).await;
        assert_eq!(pool.refused(used, &Refusal::Credential { rest: REST }), Retry::Another);
        assert_eq!(pool.count(), (0, 1));
        pool.refused(CredentialId::NONE, &Refusal::Credential { rest: REST });
        assert_eq!(pool.count(), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn rest_survives_a_reload() {
        let store = KeyStore::default();
        let before = pool(&store, &["a", "b"]);
        let (used, _) = pick(&before, "m");
        before.refused(used, &Refusal::Credential { rest: REST });
        let after = pool(&store, &["c", "a"]);
        assert_eq!(after.count(), (1, 2));
        assert_eq!(picks(&after, "m", 2), "cc");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_a_bound() {
        let pool = pool(&KeyStore::default(), &["a"]);
        for number in 0..200 {
            let (used, _) = pick(&pool, "m");
            pool.refused(used, &Refusal::RateLimited { model: &format!("m{number}"), rest: REST });
        }
        assert_eq!(pool.keys[0].state.lock().models.len(), super::MOST_MODELS);
    }

    #[test]
    fn a_key_with_a_line_break_is_found() {
        let secrets = [Secret::new("fine"), Secret::new("not\nfine")];
        assert_eq!(KeyPool::new(&KeyStore::default(), &Url::parse("https://a.example").unwrap(), &secrets).err(), Some(2));
    }
}
