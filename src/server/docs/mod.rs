//! What the gateway says of its own API: `/openapi.json`, and `/docs`, where people read it and try it.
//!
//! The document is the checked-in `docs/openapi.json`; `spec` makes it, in the tests. The page is Swagger UI, served from the binary by
//! [`assets`]: a browser asks no other host for anything.

mod assets;
mod endpoints;
#[cfg(test)]
mod spec;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode, Uri};

use crate::server::error::Rejection;

pub(super) use endpoints::endpoints;

/// `GET /docs`
pub(super) async fn page(headers: HeaderMap) -> Response {
    assets::page().answer(&headers).await
}

/// `GET /docs/{file}`
pub(super) async fn file(Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match assets::file(&name) {
        Some(asset) => asset.answer(&headers).await,
        None => Rejection::NotFound { path: uri.path().to_owned() }.into_response(),
    }
}

/// `GET /openapi.json`
pub(super) async fn openapi(headers: HeaderMap) -> Response {
    assets::openapi().answer(&headers).await
}

/// `GET /redoc`: relative, for a proxy may stand before us with a path of its own.
pub(super) async fn redoc() -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "docs")]).into_response()
}

/// `GET /docs/`: the page's own addresses are relative to `/docs`.
pub(super) async fn slashed() -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "../docs")]).into_response()
}
