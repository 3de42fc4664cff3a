//! Browsers that have shown the admin key: a random token in a cookie, of which only the digest is kept, here and nowhere
//! else. Ends after a while, with the key, by signing out, and with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;
use ring::hmac;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Secret;

/// The cookie of a session.
pub(super) const COOKIE_NAME: &str = "llmgw_session";
/// A working day and an evening.
pub(super) const LASTS: Duration = Duration::from_secs(12 * 3600);
/// Beyond it the oldest gives way.
const MOST: usize = 256;

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Arc<Session>>>);

/// One browser's.
#[derive(Debug)]
pub(super) struct Session {
    /// Of its token.
    digest: [u8; 32],
    /// Of the key that it was begun with.
    key: [u8; 32],
    began: Instant,
    /// For what follows what happens, and ends with it.
    pub over: CancellationToken,
}

impl Sessions {
    /// Begins one for somebody who has shown `key`; the token is for the cookie.
    pub(super) fn begin(&self, key: &Secret) -> String {
        let token = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let session = Session { digest: digest(&token), key: key.digest(), began: Instant::now(), over: CancellationToken::new() };
        let mut known = self.lock();
        drop_all(&mut known, |session| !session.is_alive());
        if known.len() >= MOST {
            let oldest = known.values().min_by_key(|session| session.began).map(|session| session.digest);
            drop_all(&mut known, |session| Some(session.digest) == oldest);
        }
        known.insert(session.digest, Arc::new(session));
        token
    }

    /// The session whose cookie is among `headers`, if it still counts as `key`.
    pub(super) fn of(&self, headers: &HeaderMap, key: &Secret) -> Option<Arc<Session>> {
        // Found by the digest: how long that takes tells nothing of a token.
        let session = self.lock().get(&digest(cookie(headers, COOKIE_NAME)?)).cloned()?;
        (session.is_alive() && session.key == key.digest()).then_some(session)
    }

    /// Signs out.
    pub(super) fn end(&self, session: &Session) {
        drop_all(&mut self.lock(), |other| other.digest == session.digest);
    }

    /// Ends those that another key began: it has changed.
    pub(super) fn keep_those_of(&self, key: Option<&Secret>) {
        let key = key.map(Secret::digest);
        drop_all(&mut self.lock(), |session| Some(session.key) != key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_all(known: &mut HashMap<[u8; 32], Arc<Session>>, is_over: impl Fn(&Session) -> bool) {
    known.retain(|_, session| {
        let over = is_over(session);
        if over {
            session.over.cancel();
        }
        !over
    });
}

impl Session {
    /// Until when it counts.
    pub(super) fn ends(&self) -> Instant {
        self.began + LASTS
    }

    fn is_alive(&self) -> bool {
        Instant::now() < self.ends()
    }
}

/// Proves that a form was made by a page of this process, for the one who sends it.
pub(super) struct Csrf(hmac::Key);

/// For whom a form is made.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    /// A session.
    Session(&'a Session),
    /// Whoever is on this machine.
    Machine,
    /// Somebody who has yet to show the key.
    Nobody,
}

impl Csrf {
    pub(super) fn new() -> Csrf {
        Csrf(hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()))
    }

    /// What a form of this owner's carries.
    pub(super) fn token(&self, owner: Owner<'_>) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, owner.words()))
    }

    /// Whether `token` is that. Takes as long whatever it holds.
    pub(super) fn admits(&self, owner: Owner<'_>, token: &str) -> bool {
        let tag = BASE64_URL_SAFE_NO_PAD.decode(token.trim());
        tag.is_ok_and(|tag| hmac::verify(&self.0, owner.words(), &tag).is_ok())
    }
}

impl Owner<'_> {
    fn words(&self) -> &[u8] {
        match self {
            Owner::Session(session) => &session.digest,
            Owner::Machine => b"machine",
            Owner::Nobody => b"nobody",
        }
    }
}

/// The value of the cookie `name`.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(other, _)| *other == name).map(|(_, value)| value)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests;
