//! `roles:`.

use std::sync::Arc;

use super::Resolver;
use super::models::is_offered;
use crate::config::file::RoleFile;
use crate::config::leaves::AnyValue;
use crate::config::read::{Named, Place, Setting, Table};
use crate::config::role::Placeholder;
use crate::config::{Model, Provider, Role};

/// Fields of a request that a role has other keys for, or that are not its business, and what to use instead.
const OWN_FIELDS: [(&str, &str); 5] = [
    ("model", "use the role's `model`"),
    ("messages", "use the role's `system` and `prompt`"),
    ("stream", "`llmgw chat --no-stream` decides it"),
    ("temperature", "use the role's `temperature`"),
    ("max_tokens", "use the role's `max_tokens`"),
];

impl Resolver<'_, '_> {
    pub(super) fn roles(&mut self, setting: Setting<Table<RoleFile>>, models: &[Model], providers: &[Provider]) -> Vec<Role> {
        let entries = setting.into_value().map(|table| table.0).unwrap_or_default();
        let roles = entries.into_iter().filter_map(|entry| self.role(entry));
        let roles: Vec<(Role, Option<Place>)> = roles.collect();
        for (role, place) in &roles {
            if let (Some(model), Some(place)) = (&role.model, place)
                && !is_offered(model, models, providers)
            {
                let hint = "name a model of `models`, `auto`, PROVIDER/MODEL, or an id that a provider lists";
                self.mistakes.warn(place, format!("nothing offers `{model}`"), hint);
            }
        }
        roles.into_iter().map(|(role, _)| role).collect()
    }

    fn role(&mut self, entry: Named<RoleFile>) -> Option<(Role, Option<Place>)> {
        if entry.name.is_empty() || entry.name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.mistakes.error_with(&entry.place, format!("`{}` is no name", entry.name), "a role's name has no blanks");
        }
        let Setting::Set(file, _) = entry.value else {
            if entry.value.is_unset() {
                self.mistakes.error_with(&entry.place, "says nothing", "give it `system:`, `prompt:` or `model:`");
            }
            return None;
        };
        self.placeholders(&file.prompt);
        let model_place = file.model.place().cloned();
        let role = Role {
            name: Arc::from(entry.name),
            system: file.system.into_value(),
            prompt: file.prompt.into_value(),
            model: file.model.into_value().map(Arc::from),
            temperature: file.temperature.into_value(),
            max_tokens: self.limit(&file.max_tokens),
            params: self.fields(file.params),
        };
        if role == (Role { name: role.name.clone(), ..Role::default() }) {
            self.mistakes.error_with(&entry.place, "says nothing", "give it `system:`, `prompt:` or `model:`");
        }
        Some((role, model_place))
    }

    fn placeholders(&mut self, prompt: &Setting<String>) {
        let Some((text, place)) = prompt.placed() else { return };
        for placeholder in Placeholder::all(text).filter(|placeholder| !placeholder.is_known()) {
            if let Some(meant) = placeholder.meant() {
                let message = format!("nothing is put in the place of `{{{{{}}}}}`", placeholder.name);
                self.mistakes.error_with(place, message, format!("did you mean `{{{{{meant}}}}}`?"));
            }
        }
    }

    fn limit(&mut self, setting: &Setting<u64>) -> Option<u64> {
        let (number, place) = setting.placed()?;
        if *number == 0 {
            self.mistakes.error_with(place, "must be 1 or more", "leave it out for no limit");
            return None;
        }
        Some(*number)
    }

    fn fields(&mut self, setting: Setting<Table<AnyValue>>) -> Vec<(String, serde_json::Value)> {
        let mut fields = Vec::new();
        for entry in setting.into_value().map(|table| table.0).unwrap_or_default() {
            if let Some((_, way_out)) = OWN_FIELDS.iter().find(|(name, _)| *name == entry.name) {
                self.mistakes.error_with(&entry.place, format!("`{}` is not for `params` to set", entry.name), *way_out);
                continue;
            }
            match entry.value {
                Setting::Set(value, _) => fields.push((entry.name, value.0)),
                Setting::Null(_) => fields.push((entry.name, serde_json::Value::Null)),
                Setting::Absent | Setting::Wrong(_) => {}
            }
        }
        fields
    }
}
