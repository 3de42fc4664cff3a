//! The names that can be asked for, and where a request for one would go.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render, respond};
use crate::admin::views::trial::{Trial, Tried};
use crate::admin::visit::Visit;
use crate::config::Price;
use crate::engine::{self, ExplainedRoute, Explanation, ModelRow};

/// `GET api/models`
#[derive(Serialize)]
pub(in crate::admin) struct Models {
    /// One a route.
    pub models: Vec<ModelRow>,
}

/// The routes of one name.
struct Group {
    name: String,
    rows: Vec<ModelRow>,
}

/// Names that come from one place.
struct Shelf {
    /// The provider that offers them; `None`: the configuration's own names.
    provider: Option<String>,
    groups: Vec<Group>,
}

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage {
    s: Shell,
    shelves: Vec<Shelf>,
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    s: Shell,
    model: String,
    plan: Result<Explanation, String>,
    trial: Trial,
}

/// `?model=gpt-4`
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    model: String,
}

/// `GET models`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let shelves = shelves(visit.engine().models_of(&visit.snapshot));
    render(&ModelsPage { s: Shell::new(visit, Section::Models), shelves })
}

/// `GET api/models`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    page::json(&Models { models: visit.engine().models_of(&visit.snapshot) })
}

fn shelves(rows: Vec<ModelRow>) -> Vec<Shelf> {
    let mut shelves: Vec<Shelf> = Vec::new();
    for row in rows {
        let provider = (!matches!(row.source, "alias" | "auto")).then(|| row.provider.clone());
        let at = shelves.iter().position(|shelf| shelf.provider == provider).unwrap_or_else(|| {
            shelves.push(Shelf { provider, groups: Vec::new() });
            shelves.len() - 1
        });
        match shelves[at].groups.iter_mut().find(|group| group.name == row.name) {
            Some(group) => group.rows.push(row),
            None => shelves[at].groups.push(Group { name: row.name.clone(), rows: vec![row] }),
        }
    }
    shelves
}

/// `GET models/plan?model=NAME`
pub(in crate::admin) async fn plan(visit: &Visit) -> Result<Response, Error> {
    let Asked { model } = visit.query()?;
    planned(visit, model, None).await
}

/// The plan of `model`, and what trying it came to.
pub(in crate::admin) async fn planned(visit: &Visit, model: String, tried: Option<Tried>) -> Result<Response, Error> {
    let plan = visit.engine().explain(&model).await;
    let status = plan.as_ref().map_or_else(engine::Error::status, |_| StatusCode::OK);
    let trial = Trial::of(visit, &model, tried);
    let s = Shell::new(visit, Section::Models);
    respond(status, &PlanPage { s, model, plan: plan.map_err(|error| error.to_string()), trial })
}

/// `GET api/explain?model=NAME`: the plan as a request would get it now.
pub(in crate::admin) async fn explain(visit: &Visit) -> Result<Response, Error> {
    let asked = visit.query().map(|Asked { model }| model).unwrap_or_default();
    if asked.is_empty() {
        return Err(Error::invalid("name one model: `?model=NAME`", "model"));
    }
    page::json(&visit.engine().explain(&asked).await?)
}

impl Shell {
    /// `2.5 / 10`
    pub(in crate::admin) fn price(&self, price: &Option<Price>) -> String {
        use crate::admin::format::{NOTHING, number};
        price.map_or_else(|| NOTHING.to_owned(), |price| format!("{} / {}", number(price.input), number(price.output)))
    }

    fn state_of(&self, route: &ExplainedRoute) -> String {
        route.live.as_ref().map(|live| live.state.clone()).unwrap_or_default()
    }
}
