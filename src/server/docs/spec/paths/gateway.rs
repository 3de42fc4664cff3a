//! The gateway itself, for whoever watches over it and whoever reads about it.

use serde_json::json;

use super::{DOCUMENTATION, HEALTH};
use crate::engine::HealthReport;
use crate::server::docs::spec::failures::list::{FORBIDDEN, FULL, INTERNAL, MALFORMED, NO_SUCH_FILE, OPEN, URI_TOO_LONG, VITAL};
use crate::server::docs::spec::media::{anything, bytes, json, words};
use crate::server::docs::spec::operation::Operation;
use crate::server::health::{Answer, Index};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![index(), health("/health", "health"), health("/v1/health", "health_v1"), live(), ready()];
    all.extend(documentation());
    all
}

fn index() -> Operation {
    let index = json!({ "name": "llmgw", "version": env!("CARGO_PKG_VERSION"), "endpoints": ["POST /v1/chat/completions"] });
    Operation::get("/", "index")
        .about(HEALTH, "What this is, and what can be asked", "")
        .answers("200", "Name, version, paths", [json::<Index>(index)])
        .fails(&VITAL)
}

fn health(path: &'static str, id: &str) -> Operation {
    let about = "From live state, without asking anybody. A provider that was not used yet counts as usable.";
    let report = |status: &str, usable: bool| {
        let healthy = usize::from(usable);
        json!({ "status": status, "providers": { "openai": usable }, "healthy_providers": healthy, "total_providers": 1 })
    };
    Operation::get(path, id)
        .about(HEALTH, "Whether there is somebody to ask", about)
        .answers("200", "`healthy` or `degraded`", [json::<HealthReport>(report("healthy", true))])
        .answers("503", "`unhealthy`: no provider is usable", [json::<HealthReport>(report("unhealthy", false))])
        .fails(&VITAL)
}

fn live() -> Operation {
    Operation::get("/healthz", "live")
        .about(HEALTH, "Whether the process lives", "")
        .answers("200", "It does", [json::<Answer>(json!({ "status": "ok" }))])
        .fails(&VITAL)
}

fn ready() -> Operation {
    Operation::get("/readyz", "ready")
        .about(HEALTH, "Whether to send requests here", "")
        .answers("200", "Yes", [json::<Answer>(json!({ "status": "ready" }))])
        .answers("503", "No: it is shutting down", [json::<Answer>(json!({ "status": "draining" }))])
        .fails(&VITAL)
}

fn documentation() -> [Operation; 4] {
    let page = Operation::get("/docs", "docs")
        .about(DOCUMENTATION, "This page", "")
        .answers("200", "Swagger UI", [words("text/html", "<!doctype html>…")])
        .answers("304", "As the client has it already", [])
        .fails(&OPEN);
    let file = Operation::get("/docs/{file}", "docs_file")
        .about(DOCUMENTATION, "What this page is made of", "")
        .within("file", "Name of the file", "page.js")
        .answers("200", "The file", [bytes("text/javascript"), bytes("text/css"), bytes("text/plain")])
        .answers("304", "As the client has it already", [])
        .fails(&[&MALFORMED, &FORBIDDEN, &NO_SUCH_FILE, &URI_TOO_LONG, &INTERNAL, &FULL]);
    let document = Operation::get("/openapi.json", "openapi")
        .about(DOCUMENTATION, "This API as an OpenAPI document", "")
        .answers("200", "OpenAPI 3.1", [anything("application/json")])
        .answers("304", "As the client has it already", [])
        .fails(&OPEN);
    let other =
        Operation::get("/redoc", "redoc").about(DOCUMENTATION, "Leads to this page", "").answers("307", "To `docs`", []).fails(&OPEN);
    [page, file, document, other]
}
