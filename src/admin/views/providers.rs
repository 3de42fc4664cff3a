//! The providers: how they are, and what an operator can do to one.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::Value;

use crate::admin::error::Error;
use crate::admin::page::{self, Notice, Section, Shell, render};
use crate::admin::visit::Visit;
use crate::config;
use crate::engine::{ProbeResult, ProviderStatus};

/// Routes that are tested at once.
const AT_ONCE: usize = 4;

/// A provider: how it is, and the little of its configuration that says which it is.
#[derive(Serialize)]
pub(in crate::admin) struct ProviderView {
    #[serde(flatten)]
    pub status: ProviderStatus,
    /// Lower is tried first.
    pub priority: u32,
    /// Where it is, without credentials.
    pub base_url: Option<String>,
    /// The vendor's preset.
    pub preset: Option<String>,
    /// What `auto` uses here.
    pub default_model: Option<String>,
    /// The configuration's own switch.
    pub enabled_in_configuration: bool,
    /// Requests at once.
    pub max_in_flight: Option<u32>,
}

/// `GET api/providers`
#[derive(Serialize)]
pub(in crate::admin) struct Providers {
    pub providers: Vec<ProviderView>,
}

/// `GET api/providers/{name}`
#[derive(Serialize)]
pub(in crate::admin) struct ProviderDetail {
    #[serde(flatten)]
    pub view: ProviderView,
    /// As configured, masked.
    pub settings: Value,
}

/// What a test, or another act, came to.
#[derive(Serialize)]
pub(in crate::admin) struct Acted {
    pub provider: String,
    /// `test`, `enable`, `disable` or `reset`.
    pub action: &'static str,
    pub ok: bool,
    /// Of a test: each route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<ProbeResult>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Test,
    Enable,
    Disable,
    Reset,
}

impl Action {
    const ALL: [Action; 4] = [Action::Test, Action::Enable, Action::Disable, Action::Reset];

    fn word(self) -> &'static str {
        match self {
            Action::Test => "test",
            Action::Enable => "enable",
            Action::Disable => "disable",
            Action::Reset => "reset",
        }
    }
}

/// All providers, in the file's order.
pub(in crate::admin) fn all(visit: &Visit) -> Vec<ProviderView> {
    let config = &visit.snapshot.config;
    let statuses = visit.engine().providers_of(&visit.snapshot);
    statuses.into_iter().filter_map(|status| Some(view(status.clone(), find(&config.providers, &status.name)?))).collect()
}

fn view(status: ProviderStatus, configured: &config::Provider) -> ProviderView {
    ProviderView {
        priority: configured.priority,
        base_url: (!matches!(configured.kind, config::ProviderKind::Mock(_))).then(|| config::proxy::masked(&configured.base_url)),
        preset: configured.preset.clone().map(|preset| preset.to_string()),
        default_model: configured.default_model.as_deref().map(str::to_owned),
        enabled_in_configuration: configured.enabled,
        max_in_flight: configured.max_in_flight,
        status,
    }
}

fn find<'c>(providers: &'c [config::Provider], name: &str) -> Option<&'c config::Provider> {
    providers.iter().find(|provider| *provider.name == *name)
}

fn detail(visit: &Visit, name: &str) -> Result<ProviderDetail, Error> {
    let view = all(visit).into_iter().find(|view| view.status.name == name);
    let missing = || Error::Engine(crate::engine::Error::NotFound(format!("there is no provider `{name}`")));
    let mut config = visit.snapshot.config.to_json();
    let settings = config["providers"].as_array_mut().and_then(|all| all.iter_mut().find(|one| one["name"] == name).map(Value::take));
    Ok(ProviderDetail { view: view.ok_or_else(missing)?, settings: settings.unwrap_or_default() })
}

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    s: Shell,
    providers: Vec<ProviderView>,
}

#[derive(Template)]
#[template(path = "provider.html")]
struct ProviderPage {
    s: Shell,
    provider: ProviderView,
    settings: String,
    tested: Option<Vec<ProbeResult>>,
    notice: Option<Notice>,
}

/// `GET providers`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    render(&ProvidersPage { s: Shell::new(visit, Section::Providers), providers: all(visit) })
}

/// `GET api/providers`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    page::json(&Providers { providers: all(visit) })
}

/// `GET providers/{name}`
pub(in crate::admin) async fn one(visit: &Visit) -> Result<Response, Error> {
    shown(visit, &visit.rest, None, None)
}

/// `GET api/providers/{name}`
pub(in crate::admin) async fn one_json(visit: &Visit) -> Result<Response, Error> {
    page::json(&detail(visit, &visit.rest)?)
}

fn shown(visit: &Visit, name: &str, tested: Option<Vec<ProbeResult>>, notice: Option<Notice>) -> Result<Response, Error> {
    let ProviderDetail { view, settings } = detail(visit, name)?;
    let settings = serde_yaml::to_string(&settings).map_err(Error::internal)?;
    let s = Shell { here: format!("providers/{}", page::encoded(name)), ..Shell::new(visit, Section::Providers) };
    render(&ProviderPage { s, provider: view, settings, tested, notice })
}

/// `POST providers/{name}/{action}`: does it, and shows the provider as it is then.
pub(in crate::admin) async fn act(visit: &Visit) -> Result<Response, Error> {
    let (name, action) = asked(visit)?;
    let acted = perform(visit, name, action).await?;
    let texts = visit.language.texts();
    let done = match action {
        Action::Test => None,
        Action::Enable => Some(texts.done_enable),
        Action::Disable => Some(texts.done_disable),
        Action::Reset => Some(texts.done_reset),
    };
    shown(visit, name, acted.results, done.map(|done| Notice::ok(done.replace("{}", name))))
}

/// `POST api/providers/{name}/{action}`
pub(in crate::admin) async fn act_json(visit: &Visit) -> Result<Response, Error> {
    let (name, action) = asked(visit)?;
    page::json(&perform(visit, name, action).await?)
}

fn asked(visit: &Visit) -> Result<(&str, Action), Error> {
    let missing = || Error::NotFound { path: visit.parts.uri.path().to_owned() };
    let (name, word) = visit.rest.rsplit_once('/').ok_or_else(missing)?;
    let action = Action::ALL.into_iter().find(|action| action.word() == word).ok_or_else(missing)?;
    Ok((name, action))
}

async fn perform(visit: &Visit, name: &str, action: Action) -> Result<Acted, Error> {
    let results = match action {
        Action::Test => Some(test(visit, name).await?),
        Action::Enable => visit.engine().set_enabled(name, true).map(|()| None)?,
        Action::Disable => visit.engine().set_enabled(name, false).map(|()| None)?,
        Action::Reset => visit.engine().reset(name).map(|()| None)?,
    };
    let ok = results.iter().flatten().all(|result| result.ok);
    Ok(Acted { provider: name.to_owned(), action: action.word(), ok, results })
}

/// Asks every route that `llmgw test --provider NAME` would ask.
async fn test(visit: &Visit, name: &str) -> Result<Vec<ProbeResult>, Error> {
    let engine = visit.engine();
    let probes = engine.probes(&Arc::clone(&visit.snapshot), &[], Some(name)).await?;
    let asked = futures_util::stream::iter(probes).map(async |probe| engine.probe(&probe).await).buffered(AT_ONCE);
    Ok(asked.collect().await)
}
