//! `GET /metrics`: what is counted, and how things are, for Prometheus; and the count of all HTTP requests.

use std::io::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::engine::Error;
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Exchange, Format, Server, method};

/// nginx's word for a client that left before it was answered; for figures only, never sent.
const CLIENT_GONE: u16 = 499;

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<Arc<App>>, request: Request) -> Result<Response, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    let config = &arrival.snapshot.config;
    check_admin(config, &parts.headers, arrival.client)?;
    if !config.telemetry.metrics {
        return Err(Error::NotFound("metrics are switched off (`telemetry.metrics`)".to_owned()).into());
    }
    let room = app.room(config);
    let server = Server {
        requests: app.requests.len(),
        requests_limit: room.requests,
        connections: app.crowd.len(),
        connections_limit: room.connections,
    };
    let (format, is_packed) = (format(&parts.headers), takes_gzip(&parts.headers));
    // Some megabytes, where there are many models: not for a thread that serves requests.
    let page = spawn_blocking(move || {
        let mut gauges = app.engine.gauges();
        gauges.server = Some(server);
        let page = app.engine.metrics().page(gauges, format);
        if is_packed { pack(&page) } else { Ok(page.into()) }
    });
    let internal = |error: &dyn std::error::Error| Error::Internal(error.to_string());
    let page = page.await.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
    let mut response = Response::new(Body::from(page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    if is_packed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn pack(page: &str) -> std::io::Result<Bytes> {
    // The lines resemble each other so much that more effort saves little.
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(page.as_bytes())?;
    Ok(packed.finish()?.into())
}

/// OpenMetrics for whoever prefers it, as Prometheus does; what everything reads for all others.
fn format(headers: &HeaderMap) -> Format {
    let (mut openmetrics, mut text) = (0.0_f32, 0.0_f32);
    for (media, quality) in preferences(headers, &ACCEPT) {
        match media.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => openmetrics = openmetrics.max(quality),
            "text/plain" | "text/*" | "*/*" => text = text.max(quality),
            _ => {}
        }
    }
    if openmetrics > 0.0 && openmetrics >= text { Format::OpenMetrics } else { Format::Text }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    preferences(headers, &ACCEPT_ENCODING).any(|(coding, quality)| coding.eq_ignore_ascii_case("gzip") && quality > 0.0)
}

/// What a client takes, and how gladly.
fn preferences<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'h str, f32)> + use<'h> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let what = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|quality| quality.parse().ok());
        (what, quality.unwrap_or(1.0))
    })
}

/// An HTTP request on its way; counted when it is dropped.
pub(super) struct Counted {
    metrics: Arc<Metrics>,
    exchange: Exchange,
    received: Instant,
}

impl Counted {
    /// Until it is told otherwise, it is one whose client leaves.
    pub(super) fn begin(metrics: &Arc<Metrics>, asked: &Method, path: &str, received: Instant) -> Counted {
        let exchange = Exchange { route: route(path), method: method(asked.as_str()), status: CLIENT_GONE };
        Counted { metrics: Arc::clone(metrics), exchange, received }
    }

    /// What the client is told.
    pub(super) fn answers(&mut self, status: u16) {
        self.exchange.status = status;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.metrics.exchanged(self.exchange, self.received.elapsed());
    }
}

/// Paths that are labels as they are.
const WHOLE: [&str; 31] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/embeddings",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/images/variations",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/speech",
    "/v1/rerank",
    "/v1/models",
    "/models",
    "/",
    "/health",
    "/v1/health",
    "/healthz",
    "/readyz",
    "/metrics",
    "/status",
    "/config",
    "/reload",
    "/v1/reload",
    "/config/reload",
    "/admin",
    "/docs",
    "/openapi.json",
    "/redoc",
];

/// Paths with something in them that clients choose, and their label. The first one counts.
const BEGUN: [(&str, &str); 5] = [
    ("/v1/models/", "/v1/models/{id}"),
    ("/v1/responses/", "/v1/responses/{id}"),
    ("/providers/", "/providers/{name}/{path}"),
    ("/admin/", "/admin/{path}"),
    ("/v1/", "/v1/{path}"),
];

/// A path as a label; empty where nothing is served.
fn route(path: &str) -> &'static str {
    let begun = || BEGUN.iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, route)| *route);
    WHOLE.into_iter().find(|whole| *whole == path).or_else(begun).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{ACCEPT, ACCEPT_ENCODING};

    use super::{format, route, takes_gzip};
    use crate::hub::Endpoint;
    use crate::telemetry::metrics::Format;

    #[test]
    fn whoever_prefers_openmetrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            (prometheus, Format::OpenMetrics),
            ("text/plain;q=0.3, Application/OpenMetrics-Text; q=0.5", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.2, text/plain", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("*/*", Format::Text),
            ("text/html", Format::Text),
            ("", Format::Text),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(format(&headers), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn gzip_is_for_whoever_asks() {
        for (accept, expected) in [("gzip", true), ("deflate, GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false)] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accept.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn paths_are_labels_without_what_clients_choose() {
        for endpoint in Endpoint::ALL {
            let path = format!("/v1{}", endpoint.path());
            assert_eq!(route(&path), path);
        }
        assert_eq!(route("/v1/models/gpt-4/test"), "/v1/models/{id}");
        assert_eq!(route("/v1/files/secret"), "/v1/{path}");
        assert_eq!(route("/providers/a/x"), "/providers/{name}/{path}");
        assert_eq!(route("/wp-login.php"), "");
    }
}
