//! Style, scripts and pictures: within the program, under an address that changes with them, so that browsers keep them.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::admin::error::Error;
use crate::admin::visit::Visit;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type and content.
const FILES: [(&str, &str, &str); 9] = [
    ("app.css", CSS, include_str!("assets/app.css")),
    ("app.js", SCRIPT, include_str!("assets/app.js")),
    ("dress.js", SCRIPT, include_str!("assets/dress.js")),
    ("forms.js", SCRIPT, include_str!("assets/forms.js")),
    ("live.js", SCRIPT, include_str!("assets/live.js")),
    ("log.js", SCRIPT, include_str!("assets/log.js")),
    ("morph.js", SCRIPT, include_str!("assets/morph.js")),
    ("trial.js", SCRIPT, include_str!("assets/trial.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// The folder of all files: another one whenever one of them changes.
pub(super) static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let all = FILES.iter().fold(Sha256::new(), |all, (name, _, content)| all.chain_update(name).chain_update(content));
    all.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// `assets/{folder}/{name}`
pub(super) async fn file(visit: &Visit) -> Result<Response, Error> {
    let named = visit.rest.split_once('/').filter(|(folder, _)| *folder == *FOLDER);
    let found = named.and_then(|(_, name)| FILES.iter().find(|(other, ..)| *other == name));
    let Some((_, kind, content)) = found else { return Err(Error::NotFound { path: visit.parts.uri.path().to_owned() }) };
    let headers = [(CONTENT_TYPE, *kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, Body::from(*content)).into_response())
}
