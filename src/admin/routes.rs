//! Every path of the dashboard, in one table.

use std::sync::Arc;

use axum::response::Response;
use futures_util::future::BoxFuture;
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};

use crate::admin::error::Error;
use crate::admin::gate::{Admission, admit, names_this_machine};
use crate::admin::views::{configuration, live, log, login, models, overview, providers, recent, refused, request, requests, trial, usage};
use crate::admin::visit::{Visit, decoded};
use crate::admin::{Arrived, Desk, assets};

type Answer<'v> = BoxFuture<'v, Result<Response, Error>>;

/// Who is served, and in which form refusals come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Everybody.
    All,
    /// A person who administers.
    Person,
    /// A program that administers.
    Script,
}

/// One path and method.
struct Route {
    /// `GET` or `POST`.
    method: &'static str,
    /// Below the mount; `*` is one segment or several.
    path: &'static str,
    whom: For,
    answer: for<'v> fn(&'v Visit) -> Answer<'v>,
}

const fn get(path: &'static str, whom: For, answer: for<'v> fn(&'v Visit) -> Answer<'v>) -> Route {
    Route { method: "GET", path, whom, answer }
}

const fn post(path: &'static str, whom: For, answer: for<'v> fn(&'v Visit) -> Answer<'v>) -> Route {
    Route { method: "POST", path, whom, answer }
}

static ROUTES: &[Route] = &[
    get("assets/*", For::All, |visit| Box::pin(assets::file(visit))),
    get("prefer", For::All, |visit| Box::pin(login::prefer(visit))),
    get("login", For::All, |visit| Box::pin(login::page(visit))),
    post("login", For::All, |visit| Box::pin(login::sign_in(visit))),
    post("logout", For::Person, |visit| Box::pin(login::sign_out(visit))),
    get("", For::Person, |visit| Box::pin(overview::page(visit))),
    get("providers", For::Person, |visit| Box::pin(providers::page(visit))),
    get("providers/*", For::Person, |visit| Box::pin(providers::one(visit))),
    post("providers/*", For::Person, |visit| Box::pin(providers::act(visit))),
    get("models", For::Person, |visit| Box::pin(models::page(visit))),
    get("models/plan", For::Person, |visit| Box::pin(models::plan(visit))),
    post("models/try", For::Person, |visit| Box::pin(trial::page(visit))),
    get("requests", For::Person, |visit| Box::pin(requests::page(visit))),
    get("requests/*", For::Person, |visit| Box::pin(request::page(visit))),
    get("usage", For::Person, |visit| Box::pin(usage::page(visit))),
    get("usage.csv", For::Person, |visit| Box::pin(usage::csv(visit))),
    get("log", For::Person, |visit| Box::pin(log::page(visit))),
    get("configuration", For::Person, |visit| Box::pin(configuration::page(visit))),
    post("configuration/*", For::Person, |visit| Box::pin(configuration::act(visit))),
    get("api/overview", For::Script, |visit| Box::pin(overview::json(visit))),
    get("api/live", For::Script, |visit| Box::pin(live::follow(visit))),
    get("api/providers", For::Script, |visit| Box::pin(providers::json(visit))),
    get("api/providers/*", For::Script, |visit| Box::pin(providers::one_json(visit))),
    post("api/providers/*", For::Script, |visit| Box::pin(providers::act_json(visit))),
    get("api/models", For::Script, |visit| Box::pin(models::json(visit))),
    get("api/explain", For::Script, |visit| Box::pin(models::explain(visit))),
    post("api/try", For::Script, |visit| Box::pin(trial::json(visit))),
    get("api/recent", For::Script, |visit| Box::pin(recent::json(visit))),
    get("api/requests", For::Script, |visit| Box::pin(requests::json(visit))),
    get("api/requests/*", For::Script, |visit| Box::pin(request::json(visit))),
    get("api/usage", For::Script, |visit| Box::pin(usage::json(visit))),
    get("api/usage.csv", For::Script, |visit| Box::pin(usage::csv(visit))),
    get("api/log", For::Script, |visit| Box::pin(log::json(visit))),
    get("api/config", For::Script, |visit| Box::pin(configuration::json(visit))),
    get("api/config/changes", For::Script, |visit| Box::pin(configuration::changes_json(visit))),
    post("api/config/reload", For::Script, |visit| Box::pin(configuration::reload_json(visit))),
];

/// The paths that scripts ask.
pub(super) fn api() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().filter(|route| route.whom == For::Script).map(|route| route.path)
}

/// Answers what came in, with the headers that keep a browser from being talked into anything.
pub(super) async fn answer(desk: &Arc<Desk>, arrived: Arrived) -> Result<Response, Error> {
    let mut visit = Visit::new(desk, arrived);
    let found = find(&mut visit);
    let whom = found.as_ref().map_or(For::Script, |route| route.whom);
    let answered = match found {
        Ok(route) => serve(route, &mut visit).await,
        Err(error) => Err(error),
    };
    let answered = match answered {
        Err(error) if is_for_eyes(whom, &visit) => refused::page(&visit, &error),
        other => other,
    };
    answered.map(guarded)
}

async fn serve(route: &Route, visit: &mut Visit) -> Result<Response, Error> {
    if route.whom != For::All {
        let config = &visit.snapshot.config;
        let admission = admit(config, visit.headers(), visit.client, &visit.desk.sessions)?;
        if let Admission::Machine = admission
            && !names_this_machine(&visit.parts.uri, visit.headers())
        {
            return Err(Error::Closed("without `admin.key`, the dashboard answers only to a loopback `Host` such as localhost"));
        }
        visit.admission = Some(admission);
        if !visit.only_asks() {
            visit.confirm()?;
        }
    }
    (route.answer)(visit).await
}

fn find(visit: &mut Visit) -> Result<&'static Route, Error> {
    let path = visit.here.split('?').next().unwrap_or_default().trim_end_matches('/');
    let method = if visit.only_asks() { "GET" } else { visit.parts.method.as_str() };
    let mut allow = None;
    for route in ROUTES {
        let Some(rest) = matches(route.path, path) else { continue };
        if route.method == method {
            visit.rest = decoded(rest);
            return Ok(route);
        }
        allow = Some(if route.method == "GET" { "GET,HEAD" } else { "POST" });
    }
    let path = visit.parts.uri.path().to_owned();
    Err(match allow {
        Some(allow) => Error::MethodNotAllowed { method: visit.parts.method.to_string(), path, allow },
        None => Error::NotFound { path },
    })
}

/// What of `path` stands in the place of the pattern's `*`, if it fits.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let Some((before, after)) = pattern.split_once('*') else { return (pattern == path).then_some("") };
    path.strip_prefix(before)?.strip_suffix(after).filter(|rest| !rest.is_empty())
}

/// Whether a refusal is read by a person.
fn is_for_eyes(whom: For, visit: &Visit) -> bool {
    let wants_html = || visit.headers().get(http::header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    whom == For::Person || (visit.only_asks() && wants_html())
}

/// Nothing is loaded from elsewhere, nothing written in a page is run, no other site frames it, and nothing is kept.
const GUARDS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
