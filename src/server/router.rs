//! Every path, in one table. What is not in it is a 404; what is, with another method, a 405.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use http::request::Parts;
use http::{Method, StatusCode};
use tower::ServiceExt;

use crate::admin::MOUNT;
use crate::hub::Endpoint;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};
use crate::server::{chat, config, dashboard, docs, forward, health, metrics, models, reload, responses, status};

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

/// Answered however full the gateway is, for those who watch over it.
const HEALTH: [&str; 5] = ["/", "/health", "/v1/health", "/healthz", "/readyz"];
const ADMIN: [&str; 6] = ["/status", "/config", "/reload", "/v1/reload", "/config/reload", "/metrics"];

/// The paths of one port.
pub(super) struct Paths {
    pub app: Arc<App>,
    pub surface: Surface,
    pub table: Router,
}

impl Paths {
    pub(super) fn new(surface: Surface, app: Arc<App>) -> Paths {
        let table = routes(surface).into_iter().fold(Router::new(), |table, (path, methods)| table.route(&path, methods));
        let table = match surface {
            // At the root of its own port the dashboard has whatever is nobody else's.
            Surface::Admin => table.fallback(dashboard::at_root),
            Surface::All | Surface::Public => table.fallback(not_found),
        };
        let table = table.method_not_allowed_fallback(other_method).with_state(Arc::clone(&app));
        Paths { app, surface, table }
    }

    /// Answers a request. What nearly all of them ask for is not looked up in the table, whose clones, boxes and copies
    /// are a tenth of what such a request costs.
    ///
    /// What `parts` hold is used up; they are borrowed, for what an async function is given lies in its future twice.
    pub(super) async fn answer(&self, arrival: &Arrival, parts: &mut Parts, body: Body) -> Response {
        match self.endpoint(parts) {
            Some(endpoint) => chat::answer(&self.app, endpoint, arrival, &mut parts.headers, body).await,
            None => Box::pin(self.look_up(arrival, parts, body)).await,
        }
    }

    async fn look_up(&self, arrival: &Arrival, parts: &mut Parts, body: Body) -> Response {
        let parts = std::mem::replace(parts, Request::new(()).into_parts().0);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(arrival.clone());
        let Ok(response) = self.table.clone().oneshot(request).await;
        response
    }

    /// Whether `path` belongs to the health family or to administration.
    pub(super) fn is_vital(&self, path: &str) -> bool {
        HEALTH.contains(&path) || self.surface == Surface::Admin || ADMIN.contains(&path) || self.takes_forms(path)
    }

    /// Whether `path` is the dashboard's.
    pub(super) fn takes_forms(&self, path: &str) -> bool {
        match self.surface {
            Surface::Public => false,
            Surface::All => path.strip_prefix(MOUNT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Surface::Admin => !HEALTH[1..].contains(&path) && !ADMIN.contains(&path),
        }
    }

    fn endpoint(&self, parts: &Parts) -> Option<Endpoint> {
        let is_asked = self.surface != Surface::Admin && parts.method == Method::POST;
        let path = parts.uri.path().strip_prefix("/v1").filter(|_| is_asked)?;
        Endpoint::of_path(path)
    }
}

/// A path, and what answers it by its method. Each has a place in [`docs`], too.
type Route = (String, MethodRouter<Arc<App>>);

fn at(path: &str, methods: MethodRouter<Arc<App>>) -> Route {
    (path.to_owned(), methods)
}

/// Every path of one port.
pub(super) fn routes(surface: Surface) -> Vec<Route> {
    let own = match surface {
        Surface::All => [vec![at("/", get(health::index))], public(), admin()].concat(),
        Surface::Public => [vec![at("/", get(health::index)), at("/v1/reload", any(not_found))], public()].concat(),
        Surface::Admin => admin(),
    };
    [health_family(), own].concat()
}

fn health_family() -> Vec<Route> {
    vec![
        at("/health", get(health::health)),
        at("/v1/health", get(health::health)),
        at("/healthz", get(health::live)),
        at("/readyz", get(health::ready)),
    ]
}

fn public() -> Vec<Route> {
    // Their POST never gets here; the table says 405 to what else is asked of them.
    let endpoints = Endpoint::ALL.into_iter().map(|endpoint| at(&format!("/v1{}", endpoint.path()), post(not_found)));
    let others = [
        at("/v1/models", get(models::list)),
        at("/models", get(models::list)),
        // Ids may hold slashes, and `/test` ends one.
        at("/v1/models/{*id}", get(models::show).post(models::test)),
        // Beside ids there are operations (`compact`, `input_tokens`), which have other methods.
        at("/v1/responses/{id}", get(responses::about).delete(responses::about).fallback(forward::to_configured)),
        at("/v1/responses/{id}/input_items", get(responses::about).fallback(forward::to_configured)),
        at("/v1/responses/{id}/cancel", post(responses::about).fallback(forward::to_configured)),
        at("/providers/{name}", any(forward::to_named)),
        at("/providers/{name}/", any(forward::to_named)),
        at("/providers/{name}/{*rest}", any(forward::to_named)),
        at("/docs", get(docs::page)),
        at("/docs/", get(docs::slashed)),
        at("/docs/{file}", get(docs::file)),
        at("/openapi.json", get(docs::openapi)),
        at("/redoc", get(docs::redoc)),
        at("/v1/{*rest}", any(forward::to_configured)),
    ];
    endpoints.chain(others).chain(NOT_YET.map(|path| at(path, any(not_supported)))).collect()
}

fn admin() -> Vec<Route> {
    vec![
        at("/status", get(status::status)),
        at("/config", get(config::show)),
        at("/metrics", get(metrics::metrics)),
        at("/reload", post(reload::reload)),
        at("/v1/reload", post(reload::reload)),
        at("/config/reload", post(reload::reload)),
        at("/admin", any(dashboard::mounted)),
        at("/admin/", any(dashboard::mounted)),
        at("/admin/{*rest}", any(dashboard::mounted)),
    ]
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
