//! Who calls, by the key that was presented. Keys are known by their SHA-256 only.
//!
//! Knows no HTTP: which header held the key is the server's business.

use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use globset::GlobMatcher;
use sha2::{Digest, Sha256};

use crate::config::{Auth, Secret};

/// Name of the caller where no keys are configured.
const ANONYMOUS: &str = "anonymous";

/// Name of the caller that is an administrator.
const ADMIN: &str = "admin";

/// The keys of one configuration.
#[derive(Debug)]
pub struct KeyRing {
    /// `None`: open to all.
    callers: Option<HashMap<[u8; 32], Caller>>,
}

/// Who calls, and what they may. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Grant>);

#[derive(Debug)]
struct Grant {
    name: Arc<str>,
    /// Of the key; `None` where there are none.
    digest: Option<[u8; 32]>,
    /// Empty: every model.
    models: Vec<GlobMatcher>,
    passthrough: bool,
}

/// Why a caller is turned away. Never holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No key was presented.
    #[error("no API key was sent; send one in the header `Authorization` (scheme `Bearer`) or `x-api-key`")]
    Missing,
    /// The key is none of ours.
    #[error("this API key is not known here; check it against `auth.keys` in the gateway's configuration")]
    Unknown,
}

impl KeyRing {
    /// The keys of `auth`; of two equal keys the first counts.
    pub fn new(auth: &Auth) -> KeyRing {
        if auth.keys.is_empty() {
            return KeyRing { callers: None };
        }
        let mut callers = HashMap::with_capacity_and_hasher(auth.keys.len(), RandomState::default());
        for key in &auth.keys {
            let grant =
                Grant { name: key.name.clone(), digest: Some(key.digest), models: key.models.clone(), passthrough: key.passthrough };
            callers.entry(key.digest).or_insert_with(|| Caller(Arc::new(grant)));
        }
        KeyRing { callers: Some(callers) }
    }

    /// Whether anybody may call.
    pub fn is_open(&self) -> bool {
        self.callers.is_none()
    }

    /// Who presents this key. Where no keys are configured everybody is [`Caller::anonymous`], whatever they send.
    pub fn authenticate(&self, presented: Option<&str>) -> Result<Caller, AccessError> {
        let Some(callers) = &self.callers else { return Ok(Caller::anonymous()) };
        let key = presented.map(str::trim).filter(|key| !key.is_empty()).ok_or(AccessError::Missing)?;
        // How long a look-up takes tells about digests at most, and those do not lead back to a key.
        callers.get(&digest(key)).cloned().ok_or(AccessError::Unknown)
    }
}

impl Caller {
    /// Somebody, where no keys are configured: may do everything.
    pub fn anonymous() -> Caller {
        Caller(Arc::new(Grant { name: ANONYMOUS.into(), digest: None, models: Vec::new(), passthrough: true }))
    }

    /// Whoever administers, and may do everything too.
    pub fn admin() -> Caller {
        Caller(Arc::new(Grant { name: ADMIN.into(), digest: None, models: Vec::new(), passthrough: true }))
    }

    /// The key's name.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Whose it is what is kept for this caller: follows from the key alone, for names may go from one key to another, and
    /// does not lead back to it.
    pub fn owner(&self) -> String {
        let Some(digest) = &self.0.digest else { return ANONYMOUS.to_owned() };
        let owner = Sha256::new().chain_update(b"llmgw owner").chain_update(digest).finalize();
        owner.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it may ask for `model`, the whole name as asked for.
    pub fn may(&self, model: &str) -> bool {
        self.0.models.is_empty() || self.0.models.iter().any(|glob| glob.is_match(model))
    }

    /// Whether it may use endpoints that name no model.
    pub fn may_pass_through(&self) -> bool {
        self.0.passthrough
    }
}

/// The key of the admin paths.
#[derive(Clone, Debug)]
pub struct AdminKey([u8; 32]);

impl AdminKey {
    /// Keeps the digest of `key`.
    pub fn new(key: &Secret) -> AdminKey {
        AdminKey(key.digest())
    }

    /// Whether `presented` is the key. Compares digests whole, so that the time taken tells nothing.
    pub fn admits(&self, presented: &str) -> bool {
        let difference = digest(presented.trim()).iter().zip(&self.0).fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use globset::GlobBuilder;

    use super::{AccessError, AdminKey, Caller, KeyRing, digest};
    use crate::config::{Auth, Key, Secret};

    fn key(name: &str, key: &str, models: &[&str], passthrough: bool) -> Key {
        let glob = |text: &&str| GlobBuilder::new(text).literal_separator(false).build().unwrap().compile_matcher();
        Key { name: name.into(), digest: digest(key), models: models.iter().map(glob).collect(), passthrough }
    }

    fn ring(keys: Vec<Key>) -> KeyRing {
        KeyRing::new(&Auth { open_models: false, keys })
    }

    #[test]
    fn without_keys_everybody_may_do_everything() {
        let ring = ring(Vec::new());
        for presented in [None, Some(""), Some("sk-whatever")] {
            let caller = ring.authenticate(presented).unwrap();
            assert!(caller.may("anything") && caller.may_pass_through());
        }
        assert!(ring.is_open());
    }

    #[test]
    fn a_key_says_who_calls() {
        let ring = ring(vec![key("a", "sk-a", &[], true), key("b", "sk-b", &["gpt-*"], false), key("again", "sk-a", &[], true)]);
        let name = |presented| ring.authenticate(Some(presented)).map(|caller| caller.name().to_string());
        assert_eq!(name("sk-a"), Ok("a".to_owned()));
        assert_eq!(name(" sk-b "), Ok("b".to_owned()));
        assert_eq!(name("sk-c"), Err(AccessError::Unknown));
        assert_eq!(name("  "), Err(AccessError::Missing));
        assert_eq!(ring.authenticate(None).unwrap_err(), AccessError::Missing);
        assert!(!ring.is_open());
    }

    #[test]
    fn a_key_may_ask_for_the_names_its_patterns_mean() {
        let ring = ring(vec![key("b", "sk-b", &["gpt-*", "auto", "openai/*"], false)]);
        let caller: Caller = ring.authenticate(Some("sk-b")).unwrap();
        for (model, expected) in [
            ("gpt-4", true),
            ("gpt-4/turbo", true),
            ("auto", true),
            ("auto2", false),
            ("openai/gpt-4", true),
            ("x/gpt-4", false),
            ("", false),
        ] {
            assert_eq!(caller.may(model), expected, "{model}");
        }
        assert!(!caller.may_pass_through());
    }

    #[test]
    fn a_refusal_never_repeats_the_key() {
        let ring = ring(vec![key("a", "sk-secret-one", &[], true)]);
        let error = ring.authenticate(Some("sk-secret-two")).unwrap_err();
        assert!(!error.to_string().contains("secret") && error.to_string().contains("auth.keys"));
        assert!(!format!("{ring:?}").contains("sk-secret"));
    }

    #[test]
    fn what_is_kept_belongs_to_the_key_and_not_to_its_name() {
        let owner = |name, secret| ring(vec![key(name, secret, &[], true)]).authenticate(Some(secret)).unwrap().owner();
        assert_eq!(owner("key-1", "sk-a"), owner("key-2", "sk-a"));
        assert_ne!(owner("key-1", "sk-a"), owner("key-1", "sk-b"));
        assert_ne!(owner("anonymous", "sk-a"), Caller::anonymous().owner());
        let digest: String = digest("sk-a").iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!digest.contains(&owner("key-1", "sk-a")));
    }

    #[test]
    fn the_admin_key_admits_itself_only() {
        let admin = AdminKey::new(&Secret::new("admin-密钥"));
        assert!(admin.admits("admin-密钥"));
        assert!(!admin.admits("admin-") && !admin.admits(""));
    }
}
