//! The configuration in force, what a reload of the file would change, and the reload.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::admin::error::Error;
use crate::admin::page::{self, Notice, Section, Shell, respond};
use crate::admin::visit::Visit;
use crate::config::Change;
use crate::engine::{LastReload, Reloaded};

/// `GET api/config`
#[derive(Serialize)]
struct InForce {
    /// The file, or where else it came from.
    origin: String,
    /// Since it was loaded.
    age_seconds: u64,
    last_reload: Option<LastReload>,
    /// With every default; secrets masked.
    config: Value,
}

/// What a reload changed, or would change, with values.
#[derive(Serialize)]
struct Reload {
    #[serde(flatten)]
    reloaded: Reloaded,
    changes: Vec<Change>,
}

/// A change as a row.
struct Row {
    key: String,
    before: Option<String>,
    after: Option<String>,
    restart_required: bool,
}

/// A part of the configuration, as its file would have it.
struct Part {
    name: String,
    yaml: String,
}

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage {
    s: Shell,
    origin: String,
    age_seconds: u64,
    last_reload: Option<LastReload>,
    parts: Vec<Part>,
    notice: Option<Notice>,
    /// `true`: these were made; `false`: these would be.
    changes: Option<(bool, Vec<Row>)>,
}

fn in_force(visit: &Visit) -> InForce {
    let status = visit.engine().status();
    let snapshot = visit.engine().snapshot();
    InForce {
        origin: status.config,
        age_seconds: status.config_age_seconds,
        last_reload: status.last_reload,
        config: snapshot.config.to_json(),
    }
}

/// `GET configuration`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    shown(visit, StatusCode::OK, None, None)
}

/// `GET api/config`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    page::json(&in_force(visit))
}

fn shown(visit: &Visit, status: StatusCode, notice: Option<Notice>, changes: Option<(bool, Vec<Row>)>) -> Result<Response, Error> {
    let InForce { origin, age_seconds, last_reload, config } = in_force(visit);
    let parts = config.as_object().into_iter().flatten().map(|(name, value)| part(name, value)).collect::<Result<_, Error>>()?;
    let s = Shell { here: "configuration".to_owned(), ..Shell::new(visit, Section::Configuration) };
    respond(status, &ConfigurationPage { s, origin, age_seconds, last_reload, parts, notice, changes })
}

fn part(name: &str, value: &Value) -> Result<Part, Error> {
    Ok(Part { name: name.to_owned(), yaml: serde_yaml::to_string(value).map_err(Error::internal)? })
}

/// `POST configuration/check` and `POST configuration/reload`
pub(in crate::admin) async fn act(visit: &Visit) -> Result<Response, Error> {
    let check = is_check(visit)?;
    match reload(visit, check).await {
        Ok(Reload { changes, .. }) => {
            let texts = visit.language.texts();
            let notice = (!check).then(|| Notice::ok(texts.reloaded.to_owned()));
            shown(visit, StatusCode::OK, notice, Some((!check, changes.into_iter().map(Row::from).collect())))
        }
        Err(Error::InvalidConfig(mistakes)) => {
            let notice = Notice { details: mistakes, ..Notice::bad(visit.language.texts().invalid_file.to_owned()) };
            shown(visit, StatusCode::BAD_REQUEST, Some(notice), None)
        }
        Err(error) => Err(error),
    }
}

/// `GET api/config/changes`: what a reload would change.
pub(in crate::admin) async fn changes_json(visit: &Visit) -> Result<Response, Error> {
    page::json(&reload(visit, true).await?)
}

/// `POST api/config/reload`
pub(in crate::admin) async fn reload_json(visit: &Visit) -> Result<Response, Error> {
    page::json(&reload(visit, false).await?)
}

fn is_check(visit: &Visit) -> Result<bool, Error> {
    match &*visit.rest {
        "check" => Ok(true),
        "reload" => Ok(false),
        _ => Err(Error::NotFound { path: visit.parts.uri.path().to_owned() }),
    }
}

async fn reload(visit: &Visit, check: bool) -> Result<Reload, Error> {
    // It reads files, which must not hold up the requests of this thread.
    let engine = visit.engine().clone();
    let reloaded = spawn_blocking(move || engine.reload(check)).await.map_err(Error::internal)?;
    let reloaded = reloaded.map_err(Error::InvalidConfig)?;
    Ok(Reload { changes: reloaded.changes.clone(), reloaded })
}

impl From<Change> for Row {
    fn from(change: Change) -> Row {
        let shown = |value: Value| match value {
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => serde_yaml::to_string(&value).unwrap_or_default().trim_end().to_owned(),
            other => other.to_string(),
        };
        Row { key: change.key, before: change.before.map(shown), after: change.after.map(shown), restart_required: change.restart_required }
    }
}
