//! LiteLLM's proxy: `model_list`, `router_settings`, `litellm_settings`, `general_settings`.

pub(super) mod deployment;
mod models;
mod settings;

use super::draft::Draft;
use super::source::Source;

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    let variables = deployment::Variables::of(root.get("environment_variables"));
    let defaults = settings::defaults(&root);
    models::convert(&root, &variables, &defaults, draft);
    settings::convert(&root, draft);
    variables.finish();
}
