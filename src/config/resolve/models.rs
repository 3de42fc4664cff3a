//! `models:`: public names, their routes and what else they may lead to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use globset::Glob;

use super::Resolver;
use crate::config::defaults::PRIORITY;
use crate::config::file::{ModelTable, RouteFile};
use crate::config::file_kinds::ModelFile;
use crate::config::read::{List, Named, Place, Placed, Setting, Table};
use crate::config::{AUTO, FallbackOn, Model, Provider, Route, Target};

/// Longer chains of names than any sane file has are not searched for circles.
const LONGEST_WAY: usize = 100;

/// A name that another name leads to.
struct Lead {
    from: Arc<str>,
    to: Arc<str>,
    place: Place,
    /// The name is nothing but that other one.
    is_short: bool,
}

impl Resolver<'_, '_> {
    pub(super) fn models(&mut self, setting: Setting<Table<ModelFile>>, providers: &[Provider]) -> Vec<Model> {
        let mut leads = Vec::new();
        let mut models = Vec::new();
        for named in setting.into_value().map(|table| table.0).unwrap_or_default() {
            self.model_name(&named.name, &named.place);
            models.extend(self.model(named, providers, &mut leads));
        }
        for lead in &leads {
            if !is_offered(&lead.to, &models, providers) {
                let hint = "it is skipped; name a model of `models`, `auto`, PROVIDER/MODEL, or an id that a provider lists";
                self.mistakes.warn(&lead.place, format!("nothing offers `{}`", lead.to), hint);
            }
        }
        self.circles(&leads);
        models
    }

    fn model_name(&mut self, name: &str, place: &Place) {
        if name == AUTO {
            let hint = "it stands for every provider's `default_model`; set those instead";
            self.mistakes.error_with(place, "`auto` cannot be defined", hint);
        } else if name.is_empty() {
            self.mistakes.error(place, "an empty name");
        } else if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.mistakes.error_with(place, format!("`{name}` is no name"), "a model's name has no blanks");
        }
    }

    fn model(&mut self, named: Named<ModelFile>, providers: &[Provider], leads: &mut Vec<Lead>) -> Option<Model> {
        let name: Arc<str> = Arc::from(named.name.as_str());
        let line = named.place.span.line;
        if named.value.is_unset() {
            self.mistakes.error_with(&named.place, "stands for nothing", "give it `routes:`, or another name to stand for");
        }
        let (file, place) = match named.value {
            Setting::Set(file, place) => (file, place),
            Setting::Absent | Setting::Null(_) | Setting::Wrong(_) => return None,
        };
        let (enabled, target, fallback_on) = match file {
            ModelFile::Name(to) => {
                let to: Arc<str> = Arc::from(to);
                leads.push(Lead { from: name.clone(), to: to.clone(), place, is_short: true });
                (true, Target::Name(to), FallbackOn::default())
            }
            ModelFile::Table(table) => {
                let enabled = table.enabled.value().copied().unwrap_or(true);
                let fallback_on = fallback_on(&table, &name, leads);
                (enabled, self.target(*table, &name, &named.place, providers, leads), fallback_on)
            }
        };
        Some(Model { name, enabled, target, fallback_on, line })
    }

    fn target(&mut self, table: ModelTable, name: &Arc<str>, place: &Place, providers: &[Provider], leads: &mut Vec<Lead>) -> Target {
        let enabled = table.enabled.value().copied().unwrap_or(true);
        let written = table.routes.is_unset() || table.routes.value().is_some_and(|list| list.0.is_empty());
        if written && enabled && table.fallback.is_unset() {
            self.mistakes.error_with(place, "has no routes", "add `routes: [{ provider: NAME, model: ID }]`");
        }
        let mut fallback: Vec<Arc<str>> = Vec::new();
        for Placed { value, place } in table.fallback.into_value().map(|list| list.0).unwrap_or_default() {
            let to: Arc<str> = Arc::from(value);
            leads.push(Lead { from: name.clone(), to: to.clone(), place, is_short: false });
            fallback.push(to);
        }
        let routes = table.routes.into_value().unwrap_or(List(Vec::new()));
        Target::Routes {
            strategy: table.strategy.into_value().unwrap_or_default(),
            routes: routes.0.into_iter().filter_map(|route| self.route(route, providers)).collect(),
            fallback,
        }
    }

    fn route(&mut self, item: Placed<RouteFile>, providers: &[Provider]) -> Option<Route> {
        let Placed { value: file, place } = item;
        if file.provider.is_unset() {
            self.mistakes.error_with(&place, "a route needs a `provider`", "one of the names under `providers`");
        }
        let params = self.params(file.params);
        let capabilities = self.capabilities(&file.capabilities);
        let weight = self.at_least_one(&file.weight, "a route that is not to be used has `enabled: false`").unwrap_or(1);
        let model = match file.model.placed() {
            Some((model, place)) if model.trim().is_empty() => {
                self.mistakes.error_with(place, "an empty name", "leave `model` out to pass on the name as asked for");
                None
            }
            model => model.map(|(model, _)| Arc::from(model.as_str())),
        };
        let (name, place) = file.provider.placed()?;
        let provider = self.provider_index(name, place, providers)?;
        Some(Route {
            provider,
            model,
            priority: file.priority.into_value().unwrap_or(PRIORITY),
            weight,
            enabled: file.enabled.into_value().unwrap_or(true),
            params,
            capabilities,
        })
    }

    /// The provider of this name; a mistake is noted if there is none.
    pub(super) fn provider_index(&mut self, name: &str, place: &Place, providers: &[Provider]) -> Option<usize> {
        let index = providers.iter().position(|provider| *provider.name == *name);
        if index.is_none() {
            let names: Vec<&str> = providers.iter().map(|provider| &*provider.name).collect();
            self.unknown_name(place, "provider", name, &names);
        }
        index
    }

    /// A circle is cut at run time; whoever wrote it may want to know.
    fn circles(&mut self, leads: &[Lead]) {
        let mut next: HashMap<&str, Vec<&Lead>> = HashMap::new();
        for lead in leads {
            next.entry(&lead.from).or_default().push(lead);
        }
        let mut done = HashSet::new();
        for start in leads {
            let mut way = vec![&*start.from];
            self.walk(&mut way, &mut done, &next);
        }
    }

    fn walk<'l>(&mut self, way: &mut Vec<&'l str>, done: &mut HashSet<&'l str>, next: &HashMap<&str, Vec<&'l Lead>>) {
        let Some(here) = way.last().copied().filter(|here| !done.contains(here) && way.len() < LONGEST_WAY) else { return };
        for lead in next.get(here).map(Vec::as_slice).unwrap_or_default() {
            match way.iter().position(|name| **name == *lead.to) {
                Some(first) => {
                    let circle: Vec<&str> = way.iter().skip(first).copied().chain([&*lead.to]).collect();
                    let message = format!("a circle: {}", circle.join(" → "));
                    // Names with routes of their own answer before the circle is cut; names without never do.
                    let is_empty = circle.windows(2).all(|step| is_short(next, step[0], step[1]));
                    match is_empty {
                        true => self.mistakes.error_with(&lead.place, message, "none of these names ever comes to a route"),
                        false => self.mistakes.warn(&lead.place, message, "no request runs in it: a name is tried once"),
                    }
                }
                None => {
                    way.push(&lead.to);
                    self.walk(way, done, next);
                    way.pop();
                }
            }
        }
        done.insert(here);
    }
}

/// A circle among these is no mistake: each is followed once a request.
fn fallback_on(table: &ModelTable, name: &Arc<str>, leads: &mut Vec<Lead>) -> FallbackOn {
    let Some(on) = table.fallback_on.value() else { return FallbackOn::default() };
    let mut names = |setting: &Setting<List<String>>| -> Vec<Arc<str>> {
        let listed = setting.value().map(|list| list.0.as_slice()).unwrap_or_default();
        let lead = |Placed { value, place }: &Placed<String>| {
            let to: Arc<str> = Arc::from(value.as_str());
            leads.push(Lead { from: name.clone(), to: to.clone(), place: place.clone(), is_short: false });
            to
        };
        listed.iter().map(lead).collect()
    };
    FallbackOn { context_length: names(&on.context_length), content_policy: names(&on.content_policy) }
}

/// Whether `from` is nothing but another word for `to`.
fn is_short(next: &HashMap<&str, Vec<&Lead>>, from: &str, to: &str) -> bool {
    next.get(from).is_some_and(|leads| leads.iter().any(|lead| lead.is_short && *lead.to == *to))
}

/// Whether `name` leads anywhere. A provider that discovers its models may offer anything.
pub(super) fn is_offered(name: &str, models: &[Model], providers: &[Provider]) -> bool {
    let lists = |provider: &Provider, id: &str| provider.models.as_ref().is_none_or(|models| models.iter().any(|model| **model == *id));
    if models.iter().any(|model| *model.name == *name) {
        return true;
    }
    if name == AUTO {
        return providers.iter().any(|provider| provider.enabled && provider.default_model.is_some());
    }
    let of_provider = name.split_once('/').and_then(|(first, id)| Some((providers.iter().find(|provider| *provider.name == *first)?, id)));
    if let Some((provider, id)) = of_provider {
        return lists(provider, id);
    }
    let wildcard = |model: &Model| {
        let glob = model.name.contains('*').then(|| Glob::new(&model.name).ok()).flatten();
        glob.is_some_and(|glob| glob.compile_matcher().is_match(name))
    };
    providers.iter().any(|provider| provider.enabled && lists(provider, name)) || models.iter().any(wildcard)
}
