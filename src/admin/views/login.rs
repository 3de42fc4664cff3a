//! The way in and out, and what a reader prefers.

use askama::Template;
use axum::response::Response;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;

use crate::access::AdminKey;
use crate::admin::error::Error;
use crate::admin::gate::{Admission, is_foreign};
use crate::admin::page::{Section, Shell, go_to, respond};
use crate::admin::session::{COOKIE_NAME, LASTS, Owner};
use crate::admin::texts::Language;
use crate::admin::visit::{LANGUAGE, THEME, Theme, Visit};
use crate::telemetry::events::KeyRefused;

/// A year, in seconds: what somebody prefers rarely changes.
const REMEMBERED: u32 = 365 * 24 * 3600;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    s: Shell,
    /// From the root, where to go on.
    next: &'a str,
    mistake: Option<String>,
}

/// `GET login`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    form(visit, StatusCode::OK, None)
}

/// Asks for the key.
pub(in crate::admin) fn form(visit: &Visit, status: StatusCode, mistake: Option<String>) -> Result<Response, Error> {
    let sent = visit.field("next");
    let here = visit.here.split('?').next().unwrap_or_default();
    let next = sent.as_deref().unwrap_or(if matches!(here, "login" | "logout") { "" } else { &visit.here });
    respond(status, &LoginPage { s: Shell::new(visit, Section::Elsewhere), next: if is_below(next) { next } else { "" }, mistake })
}

/// `POST login`: begins a session for whoever sends the key.
pub(in crate::admin) async fn sign_in(visit: &Visit) -> Result<Response, Error> {
    let Some(key) = &visit.snapshot.config.admin.key else { return go_to(visit, "") };
    let token = visit.field("csrf").unwrap_or_default();
    let texts = visit.language.texts();
    if is_foreign(visit.headers()) || !visit.desk.csrf.admits(Owner::Nobody, &token) {
        return form(visit, StatusCode::FORBIDDEN, Some(texts.form_too_old.to_owned()));
    }
    if let Err(wait) = visit.desk.throttle.attempt(visit.client) {
        let seconds = wait.as_secs().max(1);
        KeyRefused { client: visit.client, reason: "too many wrong admin keys" }.emit();
        let mistake = texts.too_many_keys.replace("{}", &seconds.to_string());
        let mut response = form(visit, StatusCode::TOO_MANY_REQUESTS, Some(mistake))?;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(response);
    }
    if !AdminKey::new(key).admits(&visit.field("key").unwrap_or_default()) {
        KeyRefused { client: visit.client, reason: "this is not `admin.key`" }.emit();
        return form(visit, StatusCode::UNAUTHORIZED, Some(texts.wrong_key.to_owned()));
    }
    visit.desk.throttle.was_right(visit.client);
    let next = visit.field("next").unwrap_or_default();
    let mut response = go_to(visit, if is_below(&next) { &next } else { "" })?;
    let token = visit.desk.sessions.begin(key);
    response.headers_mut().append(SET_COOKIE, cookie(visit, COOKIE_NAME, &token, LASTS.as_secs() as u32, "HttpOnly; SameSite=Strict")?);
    Ok(response)
}

/// `POST logout`
pub(in crate::admin) async fn sign_out(visit: &Visit) -> Result<Response, Error> {
    if let Some(Admission::Session(session)) = &visit.admission {
        visit.desk.sessions.end(session);
    }
    let mut response = go_to(visit, "login")?;
    response.headers_mut().append(SET_COOKIE, cookie(visit, COOKIE_NAME, "", 0, "HttpOnly; SameSite=Strict")?);
    Ok(response)
}

/// `GET prefer?lang=zh&theme=dark&next=providers`: remembers it and goes on.
pub(in crate::admin) async fn prefer(visit: &Visit) -> Result<Response, Error> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Wish {
        lang: Option<String>,
        theme: Option<String>,
        next: String,
    }
    let Wish { lang, theme, next } = visit.query()?;
    let mut response = go_to(visit, if is_below(&next) { &next } else { "" })?;
    let language = lang.as_deref().and_then(Language::of_tag).map(|language| (LANGUAGE, language.tag()));
    let theme = theme.as_deref().and_then(Theme::of_word).map(|theme| (THEME, theme.word()));
    for (name, value) in language.into_iter().chain(theme) {
        response.headers_mut().append(SET_COOKIE, cookie(visit, name, value, REMEMBERED, "SameSite=Lax")?);
    }
    Ok(response)
}

/// Without a path, on purpose: it then counts for the folder that the browser asked, whatever a proxy puts before it.
fn cookie(visit: &Visit, name: &str, value: &str, seconds: u32, more: &str) -> Result<HeaderValue, Error> {
    let secure = if visit.is_secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Max-Age={seconds}; {more}{secure}")).map_err(Error::internal)
}

/// Whether `place` is one of the dashboard's, and leads to no other site.
fn is_below(place: &str) -> bool {
    let path = place.split(['?', '#']).next().unwrap_or_default();
    let is_plain = place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Browsers read `%2e` as a dot.
    let climbs = path.split('/').any(|segment| matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | ".."));
    is_plain && !path.starts_with('/') && !path.contains(':') && !climbs
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn one_goes_on_within_the_dashboard_only() {
        for place in ["", "providers", "providers/a%2Fb", "requests?model=gpt-4&outcome=ok", "models/plan?model=http://x"] {
            assert!(is_below(place), "{place}");
        }
        for place in [
            "%2e%2e/v1/models",
            "a/.%2E/%2e%2e/b",
            "/",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
        ] {
            assert!(!is_below(place), "{place}");
        }
        for place in ["../v1/models", "a/../../b", "a b", "a\r\nset-cookie: x", "模型"] {
            assert!(!is_below(place), "{place}");
        }
    }
}
