//! Who asks, and from where: keys, the admin rule, and what an open gateway wants of a request.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, VIA};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method};

use crate::access::{AdminKey, Caller, KeyRing};
use crate::config::{Config, Secret};
use crate::hub::MediaType;
use crate::server::error::Rejection;
use crate::telemetry::events::KeyRefused;

/// The key that a request presents: `Authorization: Bearer`, else `x-api-key`.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| headers.get("x-api-key")?.to_str().ok()).map(str::trim).filter(|key| !key.is_empty())
}

/// Who asks, or 401.
pub(super) fn authenticate(keys: &KeyRing, headers: &HeaderMap, client: IpAddr) -> Result<Caller, Rejection> {
    keys.authenticate(presented(headers)).map_err(|error| {
        let reason = error.to_string();
        KeyRefused { client, reason: &reason }.emit();
        error.into()
    })
}

/// Lets administrators pass: those with `admin.key`; without one, while there are no keys at all, whoever is on this machine.
pub(super) fn check_admin(config: &Config, headers: &HeaderMap, client: IpAddr) -> Result<(), Rejection> {
    let checked = admin_rule(config.admin.key.as_ref(), !config.auth.keys.is_empty(), headers, client);
    if let Err(refusal) = &checked {
        KeyRefused { client, reason: &refusal.to_string() }.emit();
    }
    checked
}

fn admin_rule(key: Option<&Secret>, has_keys: bool, headers: &HeaderMap, client: IpAddr) -> Result<(), Rejection> {
    if let Some(key) = key {
        let Some(presented) = bearer(headers) else {
            return Err(Rejection::AdminKey("administration needs `Authorization: Bearer` with `admin.key`"));
        };
        return match AdminKey::new(key).admits(presented) {
            true => Ok(()),
            false => Err(Rejection::AdminKey("this is not `admin.key`")),
        };
    }
    if has_keys {
        return Err(Rejection::Forbidden(
            "administration is closed: there are `auth.keys` but no `admin.key`; set one, or reload by SIGHUP or by saving the file"
                .to_owned(),
        ));
    }
    if !is_loopback(client) || is_proxied(headers) {
        return Err(Rejection::Forbidden(
            "without `admin.key`, administration is for this machine only, and not through a proxy".to_owned(),
        ));
    }
    Ok(())
}

/// What a gateway without keys wants of every request, lest a web page in a browser on this machine use it: DNS
/// rebinding shows in `Host`, a forged form in `Origin` and the content type.
pub(super) fn check_open(parts: &Parts, has_body: bool, client: IpAddr, cors: &[String]) -> Result<(), Rejection> {
    if !is_loopback(client) {
        return Err(Rejection::Forbidden("this gateway has no `auth.keys`: it serves this machine only".to_owned()));
    }
    let Some(host) = host(parts).filter(|host| is_loopback_host(host.host())) else {
        return Err(Rejection::Forbidden(
            "this gateway has no `auth.keys`: it answers only to a loopback `Host` such as localhost or 127.0.0.1".to_owned(),
        ));
    };
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if let Some(origin) = parts.headers.get(ORIGIN)
        && !is_own_origin(origin, &host)
        && !is_allowed_origin(origin, cors)
    {
        return Err(Rejection::Forbidden("requests of other web sites are refused; `server.cors` lists those that may ask".to_owned()));
    }
    let is_expected = match MediaType::of(&parts.headers) {
        Some(media_type) => media_type.is_json() || media_type.is_multipart(),
        // Nothing to misread; a browser would have sent an `Origin`.
        None => !has_body,
    };
    if parts.method == Method::POST && !is_expected {
        return Err(Rejection::UnsupportedMediaType(
            "without `auth.keys`, a POST needs `Content-Type: application/json` or a multipart one".to_owned(),
        ));
    }
    Ok(())
}

/// Whether `origin` is one of `server.cors`.
pub(super) fn is_allowed_origin(origin: &HeaderValue, cors: &[String]) -> bool {
    cors.iter().any(|allowed| allowed == "*" || allowed.trim_end_matches('/').as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_proxied(headers: &HeaderMap) -> bool {
    let through = |name: &str| name.starts_with("x-forwarded-") || name == "x-real-ip";
    headers.contains_key(FORWARDED) || headers.contains_key(VIA) || headers.keys().any(|name| through(name.as_str()))
}

/// Which host the client thinks it speaks to. A URI's and a header's that disagree are none.
fn host(parts: &Parts) -> Option<Authority> {
    let header = match parts.headers.get(HOST) {
        Some(value) => Some(Authority::try_from(value.as_bytes()).ok()?),
        None => None,
    };
    match (parts.uri.authority(), header) {
        (Some(uri), Some(header)) => (uri.host().eq_ignore_ascii_case(header.host())).then_some(header),
        (Some(uri), None) => Some(uri.clone()),
        (None, header) => header,
    }
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(is_loopback)
}

fn is_own_origin(origin: &HeaderValue, host: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    authority.eq_ignore_ascii_case(host.as_str())
}

#[cfg(test)]
mod tests;
