//! `model_list`: deployments, and the public names that lead to them.

use serde_json::{Value, json};

use super::deployment::{Defaults, Deployment, Variables, read};
use crate::config::import::draft::Draft;
use crate::config::import::parts;
use crate::config::import::source::At;

/// Whether routes of a name differ in weight.
type Weighted = Vec<String>;

pub(super) fn convert(root: &At<'_>, variables: &Variables<'_>, defaults: &Defaults, draft: &mut Draft) {
    let mut weighted = Weighted::new();
    for at in root.get("model_list").map(|at| at.items()).unwrap_or_default() {
        let Some(name) = at.get("model_name").and_then(|at| at.filled()) else {
            at.leave("it has no `model_name`");
            continue;
        };
        let Some(params) = at.get("litellm_params") else {
            at.leave("it has no `litellm_params`");
            continue;
        };
        match read(&params, variables, defaults) {
            Ok(deployment) => {
                info(&at, &params, &deployment, draft);
                route(&name, deployment, &at, &mut weighted, draft);
            }
            Err(reason) => at.leave(reason),
        }
    }
    for model in &mut draft.models {
        if weighted.contains(&model.name) && model.routes.len() > 1 {
            model.settings.insert("strategy".to_owned(), json!("weighted"));
        }
    }
}

fn route(name: &str, deployment: Deployment, at: &At<'_>, weighted: &mut Weighted, draft: &mut Draft) {
    let Deployment { mut provider, model, weight, order, params } = deployment;
    if model.contains('*') {
        provider.settings.shift_remove("models");
    }
    let index = draft.find_or_add(provider);
    let provider = &mut draft.providers[index];
    let Some(asked) = asked(name, &model, &provider.name) else {
        return at.leave("what `*` stands for would have to be moved into another name; ask for PROVIDER/MODEL instead");
    };
    // Whatever the vendor has may be asked for: then there is no list.
    if asked != Asked::Named {
        provider.settings.shift_remove("models");
        provider.comment = Some("A wildcard of the source leads here: its models are discovered.".to_owned());
    } else if provider.comment.is_none() {
        provider.offer(&model);
    }
    if asked == Asked::AfterVendor {
        return;
    }
    let provider = provider.name.clone();
    let mut route = parts::route(&provider, (asked == Asked::Named).then_some(model.as_str()));
    for (key, value) in [("priority", order), ("weight", weight)] {
        if let Some(value) = value {
            route.insert(key.to_owned(), json!(value));
        }
    }
    if weight.is_some() {
        weighted.push(name.to_owned());
    }
    if !params.is_empty() {
        route.insert("params".to_owned(), Value::Object(params));
    }
    let routes = &mut draft.model(name).routes;
    if routes.contains(&route) {
        at.note(format!("`{name}` has the same deployment twice; once is enough"));
    } else {
        routes.push(route);
    }
}

/// What a route of a wildcard says of its model.
#[derive(PartialEq, Eq)]
enum Asked {
    /// The upstream's own name.
    Named,
    /// It says none: the upstream knows the name as asked for.
    Nothing,
    /// What comes after the vendor's name: that is PROVIDER/MODEL, and needs no route.
    AfterVendor,
}

/// `None`: ours cannot say it.
fn asked(name: &str, model: &str, provider: &str) -> Option<Asked> {
    match (name.contains('*'), model.contains('*')) {
        (_, false) => Some(Asked::Named),
        (true, true) if name == "*" || name == model => Some(Asked::Nothing),
        (true, true) if model == "*" && name.strip_suffix("/*") == Some(provider) => Some(Asked::AfterVendor),
        _ => None,
    }
}

/// `model_info`: prices are ours, too; the rest is for LiteLLM's own pages.
fn info(at: &At<'_>, params: &At<'_>, deployment: &Deployment, draft: &mut Draft) {
    let info = at.get("model_info");
    let places = [info.as_ref(), Some(params)];
    let cost = |key: &str| places.into_iter().flatten().find_map(|at| at.get(key));
    if let (Some(input), Some(output)) = (cost("input_cost_per_token"), cost("output_cost_per_token")) {
        let price = |at: &At<'_>| at.number().filter(|price| *price >= 0.0).map(|price| (price * 1e6 * 1e6).round() / 1e6);
        if let (Some(input), Some(output)) = (price(&input), price(&output)) {
            draft.price(&deployment.model, json!({ "input": input, "output": output }));
        } else {
            [input, output].iter().for_each(|at| at.leave("a price is 0 or more"));
        }
    }
    for at in places.into_iter().flatten() {
        at.leave_all(&["input_cost_per_token", "output_cost_per_token"], "a price is of both directions, and said once: `prices`");
    }
    let Some(info) = info else { return };
    info.leave_all(&["id", "db_model", "base_model", "description"], "it is for LiteLLM's own pages");
    let reason = "context windows and abilities of models come with llmgw's own list";
    info.leave_all(&["mode", "max_tokens", "max_input_tokens", "max_output_tokens"], reason);
    info.leave_all(&["supports_function_calling", "supports_vision", "access_groups", "tier"], reason);
}
