//! Who asks, and from where: keys, the admin rule, and what an open gateway wants of a request.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method};

use crate::access::{Caller, KeyRing};
use crate::admin::gate::{self, bearer, is_loopback, is_loopback_host};
use crate::config::Config;
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

/// Lets administrators pass, by the one rule of [`gate`].
pub(super) fn check_admin(config: &Config, headers: &HeaderMap, client: IpAddr) -> Result<(), Rejection> {
    Ok(gate::check(config, headers, client)?)
}

/// What a gateway without keys wants of every request, lest a web page in a browser on this machine use it: DNS
/// rebinding shows in `Host`, a forged form in `Origin` and the content type.
///
/// `takes_forms`: the path is the dashboard's, whose forms carry a token that no other site's page can read.
pub(super) fn check_open(parts: &Parts, has_body: bool, client: IpAddr, cors: &[String], takes_forms: bool) -> Result<(), Rejection> {
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
        Some(media_type) => media_type.is_json() || media_type.is_multipart() || (takes_forms && media_type.is_form()),
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

fn is_own_origin(origin: &HeaderValue, host: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    authority.eq_ignore_ascii_case(host.as_str())
}

#[cfg(test)]
mod tests;
