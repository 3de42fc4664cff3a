//! Tokens that a login yields: held in memory only, used until they expire or are refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::keys::bearer;
use super::{CredentialId, ProviderError};
use crate::config::{Login, LoginBody, Secret};
use crate::telemetry::events::{TokenChange, TokenChanged};

/// The token of one `auth` block; outlives a reload.
#[derive(Default)]
pub struct TokenState {
    current: ArcSwapOption<Token>,
    /// One login at a time; holds how the last one failed.
    turn: tokio::sync::Mutex<Option<LoginFailure>>,
    finished: AtomicU64,
}

struct Token {
    bearer: HeaderValue,
    generation: u64,
    expires: Instant,
}

/// Why a login yielded no token. Without secrets.
#[derive(Clone, Debug)]
pub struct LoginFailure {
    /// In a few words.
    pub reason: String,
    /// Username and password were refused, rather than that something failed.
    pub refused: bool,
}

/// The states of all `auth` blocks in use, by digest.
#[derive(Default)]
pub struct TokenStore {
    known: Mutex<HashMap<[u8; 32], Weak<TokenState>>>,
}

impl TokenStore {
    /// The state of `login`'s token: the one in use, or a new one.
    pub fn state(&self, login: &Login) -> Arc<TokenState> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, state| state.strong_count() > 0);
        let name = digest(login);
        if let Some(state) = known.get(&name).and_then(Weak::upgrade) {
            return state;
        }
        let state = Arc::new(TokenState::default());
        known.insert(name, Arc::downgrade(&state));
        state
    }
}

impl TokenState {
    /// The current token, else what `login` yields. Those who come while a login runs share its result, its failure too.
    pub async fn token(
        &self,
        provider: &str,
        cache: Duration,
        login: impl Future<Output = Result<Secret, LoginFailure>> + Send,
    ) -> Result<(CredentialId, HeaderValue), LoginFailure> {
        if let Some(token) = self.valid() {
            token.tell(provider, TokenChange::Reused);
            return Ok(token.credential());
        }
        let before = self.finished.load(Ordering::Acquire);
        // Held across the login on purpose: that is what makes it one at a time. Dropped with the future that holds it.
        let mut last_failure = self.turn.lock().await;
        if let Some(token) = self.valid() {
            token.tell(provider, TokenChange::Reused);
            return Ok(token.credential());
        }
        if self.finished.load(Ordering::Acquire) != before
            && let Some(failure) = last_failure.clone()
        {
            return Err(failure);
        }
        if let Some(token) = self.current.load().as_ref() {
            token.tell(provider, TokenChange::Expired);
        }
        let result = login.await.and_then(|secret| {
            bearer(secret.expose()).ok_or(LoginFailure { reason: "the token holds what a header may not".to_owned(), refused: false })
        });
        let generation = self.finished.fetch_add(1, Ordering::AcqRel) + 1;
        let bearer = match result {
            Ok(bearer) => bearer,
            Err(failure) => {
                *last_failure = Some(failure.clone());
                return Err(failure);
            }
        };
        *last_failure = None;
        let token = Arc::new(Token { bearer, generation, expires: Instant::now() + cache });
        token.tell(provider, TokenChange::Fetched);
        let credential = token.credential();
        self.current.store(Some(token));
        Ok(credential)
    }

    /// Forgets the token `used` if it is still the current one.
    pub fn forget(&self, provider: &str, used: CredentialId) {
        let current = self.current.load();
        let Some(token) = current.as_ref().filter(|token| token.generation == used.0) else { return };
        let dropped = self.current.compare_and_swap(&current, None);
        if dropped.as_ref().is_some_and(|dropped| Arc::ptr_eq(dropped, token)) {
            token.tell(provider, TokenChange::Dropped);
        }
    }

    fn valid(&self) -> Option<Arc<Token>> {
        self.current.load_full().filter(|token| token.expires > Instant::now())
    }
}

impl Token {
    fn credential(&self) -> (CredentialId, HeaderValue) {
        (CredentialId(self.generation), self.bearer.clone())
    }

    fn tell(&self, provider: &str, change: TokenChange) {
        let expires_in = self.expires.saturating_duration_since(Instant::now());
        TokenChanged { provider, change, expires_in }.emit();
    }
}

impl From<LoginFailure> for ProviderError {
    fn from(failure: LoginFailure) -> ProviderError {
        ProviderError::Login { reason: failure.reason, refused: failure.refused }
    }
}

fn digest(login: &Login) -> [u8; 32] {
    let Login { url, username, password, cache, body, token_pointer } = login;
    let body = match body {
        LoginBody::Json => "json",
        LoginBody::Form => "form",
    };
    let mut digest = Sha256::new();
    for part in [url.as_str(), username, password.expose(), &cache.as_nanos().to_string(), body, token_pointer] {
        // The length keeps one part's end apart from the next one's beginning.
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
