//! One request to the dashboard, as its pages see it: who, where, in which language.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Query;
use bytes::Bytes;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::form_urlencoded;

use crate::admin::clock::Clock;
use crate::admin::error::Error;
use crate::admin::gate::{Admission, is_browser, is_foreign};
use crate::admin::session::{Owner, cookie};
use crate::admin::texts::Language;
use crate::admin::{Arrived, Desk};
use crate::engine::{Engine, RequestId, Snapshot};

/// The cookies of what a reader prefers.
pub(super) const LANGUAGE: &str = "llmgw_lang";
pub(super) const THEME: &str = "llmgw_theme";
/// How many minutes the reader's clock is ahead of UTC; a script of ours sets it.
const CLOCK: &str = "llmgw_clock";

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the system has them.
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    pub(super) const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    pub(super) fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// A request, and what follows from its head.
pub(super) struct Visit {
    pub desk: Arc<Desk>,
    pub id: RequestId,
    pub client: IpAddr,
    pub received: Instant,
    pub snapshot: Arc<Snapshot>,
    pub parts: Parts,
    pub body: Bytes,
    /// It reached us, or the proxy before us, over TLS.
    pub is_secure: bool,
    /// What stands in the place of a route's `*`.
    pub rest: String,
    /// Who asks; `None` where everybody may.
    pub admission: Option<Admission>,
    pub language: Language,
    pub theme: Theme,
    pub clock: Clock,
    /// From the page to the dashboard's root, as a relative reference: whatever a proxy puts before it stays.
    pub root: String,
    /// From the root to the page, with its query.
    pub here: String,
}

impl Visit {
    pub(super) fn new(desk: &Arc<Desk>, arrived: Arrived) -> Visit {
        let Arrived { id, client, received, snapshot, mount, is_secure, parts, body } = arrived;
        let below = parts.uri.path().strip_prefix(mount).unwrap_or_default();
        let root = match below.strip_prefix('/') {
            // The reader's address ends with the mount's last segment, which a relative reference replaces.
            None => format!("{}/", mount.rsplit('/').next().unwrap_or_default()),
            Some(below) => match below.matches('/').count() {
                0 => "./".to_owned(),
                depth => "../".repeat(depth),
            },
        };
        let here = below.trim_start_matches('/');
        let here = parts.uri.query().map_or_else(|| here.to_owned(), |query| format!("{here}?{query}"));
        let proxied_securely = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        let (language, theme) = preferences(&parts);
        let clock = Clock::ahead_by(cookie(&parts.headers, CLOCK).unwrap_or_default());
        Visit {
            desk: Arc::clone(desk),
            id,
            client,
            received,
            snapshot,
            body,
            is_secure: is_secure || proxied_securely,
            rest: String::new(),
            admission: None,
            language,
            theme,
            clock,
            root,
            here,
            parts,
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.desk.engine
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Whether it only asks.
    pub(super) fn only_asks(&self) -> bool {
        matches!(self.parts.method, Method::GET | Method::HEAD)
    }

    /// The query, read as `T`.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let query = Query::try_from_uri(&self.parts.uri);
        query.map(|Query(query)| query).map_err(|error| Error::invalid(error.body_text(), "query"))
    }

    /// A word of the query.
    pub(super) fn asked(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes())
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// A field of a form that was sent.
    pub(super) fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(&self.body).find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// What a form on the page carries.
    pub(super) fn csrf(&self) -> String {
        self.desk.csrf.token(self.owner())
    }

    /// Lets through what changes something only if it comes from a page of ours, or from no browser at all.
    pub(super) fn confirm(&self) -> Result<(), Error> {
        if let Some(Admission::Key) = self.admission {
            return Ok(());
        }
        let in_header = self.headers().get("x-csrf-token").and_then(|value| value.to_str().ok()).map(Cow::Borrowed);
        let token = in_header.or_else(|| self.field("csrf"));
        let is_ours = token.is_some_and(|token| self.desk.csrf.admits(self.owner(), &token));
        // Where being on this machine is enough, a script needs no more than that; a browser proves whose page it shows.
        let is_script = matches!(self.admission, Some(Admission::Machine)) && !is_browser(self.headers());
        if (is_ours || is_script) && !is_foreign(self.headers()) { Ok(()) } else { Err(Error::Forged) }
    }

    fn owner(&self) -> Owner<'_> {
        match &self.admission {
            Some(Admission::Session(session)) => Owner::Session(session),
            Some(Admission::Key | Admission::Machine) => Owner::Machine,
            None => Owner::Nobody,
        }
    }
}

/// Language and theme: what the address says, else what was chosen before, else what the browser prefers.
fn preferences(parts: &Parts) -> (Language, Theme) {
    let asked = |name: &str| {
        let mut pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(other, _)| other == name).map(|(_, value)| value)
    };
    let headers = &parts.headers;
    let kept = |name| cookie(headers, name);
    let language = asked("lang").and_then(|tag| Language::of_tag(&tag)).or_else(|| kept(LANGUAGE).and_then(Language::of_tag));
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let theme = asked("theme").and_then(|word| Theme::of_word(&word)).or_else(|| kept(THEME).and_then(Theme::of_word));
    (language.unwrap_or_else(|| Language::preferred(accepted)), theme.unwrap_or(Theme::Auto))
}

/// A path's segment, as it was meant; what is no UTF-8 is nobody's name.
pub(super) fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
