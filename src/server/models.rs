//! The models that a caller may ask for, and a real call to one of them.

mod anthropic;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::config::Model;
use crate::engine::{Error, ModelRow, Probe};
use crate::server::body::{self, Limits};
use crate::server::caller::{authenticate, presented};
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};

/// `GET /v1/models`
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Json<ShownModels>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let entries = offered(&app, &mut parts)?;
    Ok(Json(match anthropic::is_asked(&parts.headers) {
        true => ShownModels::Anthropic(anthropic::page(entries, &parts)),
        false => ShownModels::OpenAi(List { object: "list", data: entries }),
    }))
}

/// `GET /v1/models/{id}`
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Result<Json<ShownModel>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let id = decoded_id(&parts);
    let entry = offered(&app, &mut parts)?.into_iter().find(|entry| entry.id == id);
    let missing = || Error::ModelNotFound(format!("there is no model `{id}`; `GET /v1/models` lists those there are"));
    let entry = entry.ok_or_else(missing)?;
    Ok(Json(match anthropic::is_asked(&parts.headers) {
        true => ShownModel::Anthropic(anthropic::Model::from(entry)),
        false => ShownModel::OpenAi(entry),
    }))
}

/// `POST /v1/models/{id}/test`
pub(super) async fn test(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = decoded_id(&parts);
    match id.strip_suffix("/test").filter(|id| !id.is_empty()) {
        Some(id) => answer_test(&app, id, &mut parts, body).await.into_response(),
        None => {
            let refusal = Rejection::MethodNotAllowed { method: parts.method.to_string(), path: parts.uri.path().to_owned() };
            // The router knows `POST` as a method of this path.
            ([(ALLOW, "GET,HEAD")], refusal).into_response()
        }
    }
}

async fn answer_test(app: &App, id: &str, parts: &mut Parts, body: Body) -> Result<Json<Tested>, Rejection> {
    let arrival = Arrival::take(parts)?;
    check_may_test(id, &arrival, parts)?;
    let message = test_message(parts, body, Limits::of(&arrival)).await?;
    let mut probe = first_probe(app, &arrival, id).await?;
    probe.message = message.unwrap_or(probe.message);
    let result = app.engine.probe(&probe).await;
    let error = result.error.or(result.skipped);
    Ok(Json(Tested {
        ok: result.ok && error.is_none(),
        model: id.to_owned(),
        provider: result.provider,
        latency_ms: result.latency_ms,
        reply: result.reply,
        error,
    }))
}

fn check_may_test(id: &str, arrival: &Arrival, parts: &Parts) -> Result<(), Rejection> {
    match authenticate(&arrival.snapshot.keys, &parts.headers, arrival.client)?.may(id) {
        true => Ok(()),
        false => Err(Error::NotAllowed(format!("this key may not ask for `{id}`")).into()),
    }
}

/// The list in the client's form.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Models))]
pub(super) enum ShownModels {
    OpenAi(List),
    Anthropic(anthropic::Page),
}

/// One of them in the client's form.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ModelInEitherForm))]
pub(super) enum ShownModel {
    OpenAi(Entry),
    Anthropic(anthropic::Model),
}

/// OpenAI's list.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ModelList))]
pub(super) struct List {
    object: &'static str,
    data: Vec<Entry>,
}

/// One name to ask for.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Model))]
pub(super) struct Entry {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
}

/// What a test came to.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ModelTest))]
pub(super) struct Tested {
    ok: bool,
    model: String,
    provider: String,
    latency_ms: u64,
    reply: Option<String>,
    error: Option<String>,
}

/// What is said to it.
#[derive(Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ModelTestRequest))]
pub(super) struct TestBody {
    /// 你好, where nothing else is said.
    test_message: Option<String>,
}

fn offered(app: &App, parts: &mut Parts) -> Result<Vec<Entry>, Rejection> {
    let arrival = Arrival::take(parts)?;
    let config = &arrival.snapshot.config;
    let caller = match presented(&parts.headers) {
        None if config.auth.open_models => Caller::anonymous(),
        _ => authenticate(&arrival.snapshot.keys, &parts.headers, arrival.client)?,
    };
    // One snapshot for the key, the names and the rows: a reload in between must not show a key what it may not see.
    Ok(entries(&app.engine.models_of(&arrival.snapshot), &config.models, |name| caller.may(name), app.started))
}

/// Enabled public names without wildcards, `auto`, and each offered id, bare and as `PROVIDER/ID`; what `may` allows of them.
fn entries(rows: &[ModelRow], models: &[Model], may: impl Fn(&str) -> bool, created: u64) -> Vec<Entry> {
    let public: HashMap<&str, bool> = models.iter().map(|model| (&*model.name, model.enabled)).collect();
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    let mut add = |id: String, owner: &str| {
        if !id.contains('*') && may(&id) && !seen.contains(&id) {
            seen.insert(id.clone());
            entries.push(Entry { id, object: "model", created, owned_by: owner.to_owned() });
        }
    };
    for row in rows.iter().filter(|row| row.enabled) {
        let is_offered = matches!(row.source, "listed" | "discovered");
        let public = public.get(row.name.as_str());
        // A public name stands before an upstream's equal one, and when it is disabled it hides that one.
        if public != Some(&false) && !(is_offered && public.is_some()) {
            add(row.name.clone(), &row.provider);
        }
        let qualified = format!("{}/{}", row.provider, row.upstream_model);
        if is_offered && !models.iter().any(|model| !model.enabled && *model.name == *qualified) {
            add(qualified, &row.provider);
        }
    }
    entries
}

/// The way that a request for `id` would go first.
async fn first_probe(app: &App, arrival: &Arrival, id: &str) -> Result<Probe, Rejection> {
    let mut probes = app.engine.probes(&arrival.snapshot, &[id.to_owned()], None).await?;
    let first = probes.iter().position(|probe| probe.skip.is_none()).unwrap_or(0);
    if probes.is_empty() {
        return Err(Error::ModelNotFound(format!("no route of `{id}` can be tested")).into());
    }
    Ok(probes.swap_remove(first))
}

async fn test_message(parts: &mut Parts, body: Body, limits: Limits) -> Result<Option<String>, Rejection> {
    let body = body::read(&mut parts.headers, body, limits).await?;
    if body.is_empty() {
        return Ok(None);
    }
    let body: TestBody = serde_json::from_slice(&body).map_err(|error| match error.is_data() {
        true => Error::InvalidRequest { message: error.to_string(), param: Some("test_message".to_owned()) },
        false => Error::InvalidJson(format!("the body is not JSON: {error}")),
    })?;
    Ok(body.test_message)
}

/// What follows `/v1/models/`; slashes may have come raw or as `%2F`.
fn decoded_id(parts: &Parts) -> String {
    let id = parts.uri.path().strip_prefix("/v1/models/").unwrap_or_default();
    percent_decode_str(id).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{Entry, decoded_id, entries};
    use crate::config::{FallbackOn, Model, Strategy, Target};
    use crate::engine::ModelRow;

    fn row(name: &str, provider: &str, upstream_model: &str, enabled: bool, source: &'static str) -> ModelRow {
        ModelRow {
            name: name.into(),
            provider: provider.into(),
            upstream_model: upstream_model.into(),
            priority: 1,
            enabled,
            context_window: None,
            price: None,
            state: "ok".into(),
            source,
        }
    }

    fn model(name: &str, enabled: bool) -> Model {
        let target = Target::Routes { strategy: Strategy::Priority, routes: Vec::new(), fallback: Vec::new() };
        Model { name: name.into(), enabled, target, fallback_on: FallbackOn::default(), line: 1 }
    }

    fn listed(rows: &[ModelRow], models: &[Model], may: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        entries(rows, models, may, 7).into_iter().map(|Entry { id, owned_by, .. }| (id, owned_by)).collect()
    }

    #[test]
    fn names_are_listed_once_with_their_first_provider() {
        let rows = [
            row("gpt-4", "openai", "gpt-4o", true, "alias"),
            row("gpt-4", "deepseek", "deepseek-chat", true, "alias"),
            row("auto", "openai", "gpt-4o", true, "auto"),
            row("gpt-4o", "openai", "gpt-4o", true, "listed"),
            row("gpt-4o", "other", "gpt-4o", true, "discovered"),
        ];
        let pairs = [("gpt-4", "openai"), ("auto", "openai"), ("gpt-4o", "openai"), ("openai/gpt-4o", "openai"), ("other/gpt-4o", "other")];
        assert_eq!(listed(&rows, &[model("gpt-4", true)], |_| true), pairs.map(|(id, owner)| (id.to_owned(), owner.to_owned())));
    }

    #[test]
    fn wildcards_disabled_names_and_what_they_hide_are_left_out() {
        let rows = [
            row("gpt-*", "openai", "gpt-*", true, "alias"),
            row("old", "openai", "old", false, "alias"),
            row("old", "openai", "old", true, "listed"),
            row("off", "openai", "off", false, "listed"),
        ];
        let names = listed(&rows, &[model("gpt-*", true), model("old", false)], |_| true);
        assert_eq!(names, [("openai/old".to_owned(), "openai".to_owned())]);
    }

    #[test]
    fn a_caller_sees_what_it_may_ask_for() {
        let rows = [row("gpt-4", "a", "gpt-4", true, "listed"), row("o3", "a", "o3", true, "listed")];
        let names = listed(&rows, &[], |name| name.starts_with("gpt-"));
        assert_eq!(names, [("gpt-4".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn an_id_may_hold_slashes_raw_or_encoded() {
        for path in ["/v1/models/anthropic/claude%20x/test", "/v1/models/anthropic%2Fclaude%20x/test"] {
            let (parts, ()) = Request::builder().uri(path).body(()).unwrap().into_parts();
            assert_eq!(decoded_id(&parts), "anthropic/claude x/test");
        }
    }
}
