//! Every path, in one table. What is not in it is a 404; what is, with another method, a 405.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::request::Parts;
use http::{Method, StatusCode};
use tower::ServiceExt;

use crate::hub::Endpoint;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};
use crate::server::{chat, config, explain, forward, health, metrics, models, reload, responses, status};

/// Which paths a port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// Everything.
    All,
    /// Everything but administration, which has a port of its own.
    Public,
    /// Administration, and the health family.
    Admin,
}

/// Paths of later versions; they say so instead of being taken for an upstream's.
const NOT_YET: [&str; 2] = ["/v1/realtime", "/v1/realtime/{*rest}"];
const DOCS_NOT_YET: [&str; 3] = ["/docs", "/openapi.json", "/redoc"];
const ADMIN_NOT_YET: [&str; 2] = ["/admin", "/admin/{*rest}"];

/// Answered however full the gateway is, for those who watch over it.
const HEALTH: [&str; 5] = ["/", "/health", "/v1/health", "/healthz", "/readyz"];
const ADMIN: [&str; 7] = ["/status", "/config", "/reload", "/v1/reload", "/config/reload", "/metrics", "/admin"];

/// Whether `path` belongs to the health family or to administration.
pub(super) fn is_vital(path: &str) -> bool {
    HEALTH.contains(&path) || ADMIN.contains(&path) || path.starts_with("/admin/")
}

/// The paths of one port.
pub(super) struct Paths {
    pub app: Arc<App>,
    pub surface: Surface,
    pub table: Router,
}

impl Paths {
    pub(super) fn new(surface: Surface, app: Arc<App>) -> Paths {
        let table = match surface {
            Surface::All => admin(public(health_family())).route("/", get(health::index)),
            Surface::Public => public(health_family()).route("/", get(health::index)).route("/v1/reload", any(not_found)),
            Surface::Admin => admin(health_family()).route("/", any(not_supported)),
        };
        let table = table.fallback(not_found).method_not_allowed_fallback(other_method).with_state(Arc::clone(&app));
        Paths { app, surface, table }
    }

    /// Answers a request. What nearly all of them ask for is not looked up in the table, whose clones, boxes and copies
    /// are a tenth of what such a request costs.
    ///
    /// What `parts` hold is used up; they are borrowed, for what an async function is given lies in its future twice.
    pub(super) async fn answer(&self, arrival: Arrival, parts: &mut Parts, body: Body) -> Response {
        if let Some(endpoint) = self.endpoint(parts) {
            return chat::answer(&self.app, endpoint, &arrival, &mut parts.headers, body).await;
        }
        let parts = std::mem::replace(parts, Request::new(()).into_parts().0);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(arrival);
        let Ok(response) = Box::pin(self.table.clone().oneshot(request)).await;
        response
    }

    fn endpoint(&self, parts: &Parts) -> Option<Endpoint> {
        let is_asked = self.surface != Surface::Admin && parts.method == Method::POST;
        let path = parts.uri.path().strip_prefix("/v1").filter(|_| is_asked)?;
        Endpoint::of_path(path)
    }
}

type Table = Router<Arc<App>>;

fn health_family() -> Table {
    Router::new()
        .route("/health", get(health::health))
        .route("/v1/health", get(health::health))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
}

fn public(table: Table) -> Table {
    // Their POST never gets here; the table says 405 to what else is asked of them.
    let table = Endpoint::ALL.into_iter().fold(table, |table, endpoint| table.route(&format!("/v1{}", endpoint.path()), post(not_found)));
    let table = table
        .route("/v1/models", get(models::list))
        .route("/models", get(models::list))
        // Ids may hold slashes, and `/test` ends one.
        .route("/v1/models/{*id}", get(models::show).post(models::test))
        // Beside ids there are operations (`compact`, `input_tokens`), which have other methods.
        .route("/v1/responses/{id}", get(responses::about).delete(responses::about).fallback(forward::to_configured))
        .route("/v1/responses/{id}/input_items", get(responses::about).fallback(forward::to_configured))
        .route("/v1/responses/{id}/cancel", post(responses::about).fallback(forward::to_configured))
        .route("/providers/{name}", any(forward::to_named))
        .route("/providers/{name}/", any(forward::to_named))
        .route("/providers/{name}/{*rest}", any(forward::to_named));
    let table = NOT_YET.into_iter().chain(DOCS_NOT_YET).fold(table, |table, path| table.route(path, any(not_supported)));
    table.route("/v1/{*rest}", any(forward::to_configured))
}

fn admin(table: Table) -> Table {
    let table = table
        .route("/status", get(status::status))
        .route("/config", get(config::show))
        .route("/metrics", get(metrics::metrics))
        .route("/reload", post(reload::reload))
        .route("/v1/reload", post(reload::reload))
        .route("/config/reload", post(reload::reload))
        .route("/admin/api/explain", get(explain::explain));
    ADMIN_NOT_YET.into_iter().fold(table, |table, path| table.route(path, any(not_supported)))
}

async fn not_found(request: Request) -> Rejection {
    Rejection::NotFound { path: request.uri().path().to_owned() }
}

async fn not_supported(request: Request) -> Rejection {
    Rejection::NotSupported(request.uri().path().to_owned())
}

/// `Allow` is added by the router.
async fn other_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Rejection::MethodNotAllowed { method: request.method().to_string(), path: request.uri().path().to_owned() }.into_response()
}
