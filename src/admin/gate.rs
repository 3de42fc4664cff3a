//! Who may administer: whoever shows `admin.key`; without one, while there are no keys at all, whoever is on this machine.
//!
//! One rule for all of administration. A browser shows the key once, and then its session.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, VIA};
use http::uri::Authority;

use crate::access::AdminKey;
use crate::admin::error::Error;
use crate::admin::session::{Session, Sessions};
use crate::config::Config;
use crate::telemetry::events::KeyRefused;

/// By what somebody was let in.
#[derive(Clone, Debug)]
pub(super) enum Admission {
    /// The key itself, with this very request. No browser sends it by itself.
    Key,
    /// A session that began with the key.
    Session(Arc<Session>),
    /// Being on this machine, where there are no keys.
    Machine,
}

/// Lets administrators pass: those with `admin.key`; without one, while there are no keys at all, whoever is on this machine.
pub fn check(config: &Config, headers: &HeaderMap, client: IpAddr) -> Result<(), Error> {
    told(rule(config, headers, client, None), client).map(|_| ())
}

/// The same, where a session counts as the key it began with.
pub(super) fn admit(config: &Config, headers: &HeaderMap, client: IpAddr, sessions: &Sessions) -> Result<Admission, Error> {
    let admitted = rule(config, headers, client, Some(sessions));
    // A browser without a session is nobody's attempt at anything: it is shown where the key goes.
    if bearer(headers).is_none() && config.admin.key.is_some() { admitted } else { told(admitted, client) }
}

fn told<T>(checked: Result<T, Error>, client: IpAddr) -> Result<T, Error> {
    if let Err(refusal) = &checked {
        KeyRefused { client, reason: &refusal.to_string() }.emit();
    }
    checked
}

fn rule(config: &Config, headers: &HeaderMap, client: IpAddr, sessions: Option<&Sessions>) -> Result<Admission, Error> {
    if let Some(key) = &config.admin.key {
        return match (bearer(headers), sessions.and_then(|sessions| sessions.of(headers, key))) {
            (Some(presented), _) if AdminKey::new(key).admits(presented) => Ok(Admission::Key),
            (Some(_), _) => Err(Error::Key("this is not `admin.key`")),
            (None, Some(session)) => Ok(Admission::Session(session)),
            (None, None) => Err(Error::Key("administration needs `Authorization: Bearer` with `admin.key`")),
        };
    }
    if !config.auth.keys.is_empty() {
        return Err(Error::Closed(
            "administration is closed: there are `auth.keys` but no `admin.key`; set one, or reload by SIGHUP or by saving the file",
        ));
    }
    if !is_loopback(client) || is_proxied(headers) {
        return Err(Error::Closed("without `admin.key`, administration is for this machine only, and not through a proxy"));
    }
    Ok(Admission::Machine)
}

/// The key in `Authorization: Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}

/// Whether `address` is this machine's.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether `host` is a name of this machine that no other's DNS can turn into one.
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(is_loopback)
}

/// Whether a page of another site may have made a browser send this. What comes from no browser says nothing of it.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Whether a browser sent this: all that are in use say so of what could change anything.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Whether the host asked for is this machine by its own name, and not by one that another's DNS has made of it.
pub(super) fn names_this_machine(uri: &http::Uri, headers: &HeaderMap) -> bool {
    let header = headers.get(HOST).and_then(|value| Authority::try_from(value.as_bytes()).ok());
    let host = uri.authority().cloned().or(header);
    host.is_some_and(|host| is_loopback_host(host.host()))
}

fn is_proxied(headers: &HeaderMap) -> bool {
    let through = |name: &str| name.starts_with("x-forwarded-") || name == "x-real-ip";
    headers.contains_key(FORWARDED) || headers.contains_key(VIA) || headers.keys().any(|name| through(name.as_str()))
}

#[cfg(test)]
mod tests;
