//! Whether there is a configuration, whether it can be used, and which variables it wants.

use std::collections::BTreeMap;
use std::fs;

use serde_yaml::Value;

use crate::cli::context::Context;
use crate::cli::doctor::report::Finding;
use crate::config::env::Env;
use crate::config::load::{self, Loaded};
use crate::config::{Diagnostic, Origin};

const CHECK: &str = "configuration";

/// What there is to say of it, and the configuration itself if it can be used.
pub async fn look(context: &Context) -> (Vec<Finding>, Option<Loaded>) {
    let loaded = match load::load(&context.environment, context.globals.config.as_deref(), &context.overrides()) {
        Ok(loaded) => loaded,
        Err(mistakes) => return (mistakes.iter().map(mistake).collect(), None),
    };
    let loaded = if matches!(loaded.config.origin, Origin::File { .. }) { loaded } else { with_ollama(loaded, context).await };
    let mut findings = vec![origin(&loaded)];
    findings.extend(loaded.warnings.iter().map(mistake));
    findings.extend(variables(&loaded, &context.environment));
    (findings, Some(loaded))
}

/// As a command that asks models would have it.
async fn with_ollama(loaded: Loaded, context: &Context) -> Loaded {
    if !context.has_ollama().await {
        return loaded;
    }
    match context.overrides().over(load::from_environment(&context.environment, true)) {
        Ok(config) => Loaded { config, ..loaded },
        Err(_) => loaded,
    }
}

fn origin(loaded: &Loaded) -> Finding {
    let config = &loaded.config;
    match &config.origin {
        Origin::File { path, why } => {
            let (providers, models) = (config.providers.len(), config.models.len());
            Finding::ok(CHECK, format!("{} (found by {why}); providers: {providers}, models: {models}", path.display()))
        }
        Origin::Environment { found } => Finding::ok(CHECK, format!("no file; from the environment: {}", found.join(", ")))
            .hint("`llmgw init` writes a file to choose models and routes in"),
        Origin::Mock => Finding::warning(CHECK, "no file and no key in the environment: only the built-in mock answers")
            .hint("`llmgw init` asks for providers and keys, and writes a file"),
    }
}

fn mistake(diagnostic: &Diagnostic) -> Finding {
    let mut place = diagnostic.file.clone();
    if let (Some(line), Some(column)) = (diagnostic.line, diagnostic.column) {
        place += &format!(":{line}:{column}");
    }
    if !diagnostic.path.is_empty() {
        place += &format!(": `{}`", diagnostic.path);
    }
    let message = format!("{place}: {}", diagnostic.message);
    let finding = if diagnostic.is_error() { Finding::failed(CHECK, message) } else { Finding::warning(CHECK, message) };
    Finding { hint: diagnostic.hint.clone(), ..finding }
}

/// Which variables the file names; those without a default are set, or it would not have loaded.
fn variables(loaded: &Loaded, environment: &Env) -> Option<Finding> {
    let Origin::File { path, .. } = &loaded.config.origin else { return None };
    let tree: Value = serde_yaml::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let mut named = BTreeMap::new();
    collect(&tree, &mut named);
    if named.is_empty() {
        return None;
    }
    let told = named.iter().map(|(name, default)| match environment.get_filled(name) {
        Some(_) => name.clone(),
        None if *default => format!("{name} (not set; its default counts)"),
        None => format!("{name} (set, but empty)"),
    });
    let message = told.collect::<Vec<_>>().join(", ");
    let is_empty = |(name, default): (&String, &bool)| !default && environment.get_filled(name).is_none();
    Some(match named.iter().any(is_empty) {
        true => Finding::warning("variables", message).hint("an empty key is sent as one; set the variable, or take it out"),
        false => Finding::ok("variables", message),
    })
}

/// Every `${NAME}` below `value`, with whether each use of it has a default.
fn collect(value: &Value, named: &mut BTreeMap<String, bool>) {
    match value {
        Value::String(text) => {
            for (at, _) in text.match_indices("${").filter(|(at, _)| !text[..*at].ends_with('$')) {
                let Some((inside, _)) = text[at + 2..].split_once('}') else { continue };
                let (name, default) = inside.split_once(":-").map_or((inside, false), |(name, _)| (name, true));
                named.entry(name.to_owned()).and_modify(|all| *all &= default).or_insert(default);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, named)),
        Value::Mapping(members) => members.iter().for_each(|(_, member)| collect(member, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{collect, mistake};
    use crate::cli::doctor::report::State;
    use crate::config::Diagnostic;

    #[test]
    fn variables_are_found_where_they_count() {
        let tree = serde_yaml::from_str("# ${COMMENT}\na: ['${A}', '${B:-x}/${C}', '$${NO}']\nb: { c: '${B}', d: '${D:-}' }").unwrap();
        let mut named = BTreeMap::new();
        collect(&tree, &mut named);
        let found: Vec<(&str, bool)> = named.iter().map(|(name, default)| (name.as_str(), *default)).collect();
        assert_eq!(found, [("A", false), ("B", false), ("C", false), ("D", true)]);
    }

    #[test]
    fn a_mistake_keeps_its_place_and_its_way_out() {
        let finding = mistake(&Diagnostic::of_file("llmgw.yaml", "is empty").hint("begin with `providers:`"));
        assert_eq!((finding.state, finding.message.as_str()), (State::Failed, "llmgw.yaml: is empty"));
        assert_eq!(finding.hint.as_deref(), Some("begin with `providers:`"));
    }
}
