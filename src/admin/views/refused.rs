//! What is refused, or went wrong, as a page.

use askama::Template;
use axum::response::Response;
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};

use crate::admin::error::Error;
use crate::admin::page::{Section, Shell, respond};
use crate::admin::views::login;
use crate::admin::visit::Visit;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    s: Shell,
    status: u16,
    message: &'a str,
}

/// What went wrong, as a page: who has not shown the key is asked for it.
pub(in crate::admin) fn page(visit: &Visit, error: &Error) -> Result<Response, Error> {
    if let Error::Key(_) = error {
        return login::form(visit, StatusCode::UNAUTHORIZED, None);
    }
    let (status, message) = (error.status(), error.to_string());
    let page = ErrorPage { s: Shell::new(visit, Section::Elsewhere), status: status.as_u16(), message: &message };
    let mut response = respond(status, &page)?;
    if let Error::MethodNotAllowed { allow, .. } = error {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    Ok(response)
}
