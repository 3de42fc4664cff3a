//! `routing:` and `prices:`.

use std::sync::Arc;
use std::time::Duration;

use super::Resolver;
use super::models::is_offered;
use crate::config::file::{BackoffFile, CooldownFile, DetectFile, HealthCheckFile, PriceFile, RoutingFile};
use crate::config::read::{Named, Setting, Table};
use crate::config::{Backoff, Cooldown, Detect, HealthCheck, Model, Price, Provider, Routing, StatusSet};

impl Resolver<'_, '_> {
    pub(super) fn routing(&mut self, file: RoutingFile, providers: &[Provider], models: &[Model]) -> Routing {
        let default = Routing::default();
        let hedge_after = self.hedge_after(&file);
        if let Some((name, place)) = file.default_model.placed() {
            if name.trim().is_empty() {
                self.mistakes.error_with(place, "an empty name", "leave it out for `auto`");
            } else if !is_offered(name, models, providers) {
                let hint = "name a model of `models`, `auto`, PROVIDER/MODEL, or an id that a provider lists";
                self.mistakes.warn(place, format!("nothing offers `{name}`"), hint);
            }
        }
        let passthrough = match file.passthrough.placed() {
            Some((name, place)) => self.provider_index(name, place, providers),
            None => None,
        };
        Routing {
            default_for_requests: file.default_model.value().is_some(),
            default_model: file.default_model.into_value().map_or(default.default_model, Arc::from),
            passthrough,
            hedge_after,
            max_attempts: file.max_attempts.into_value().unwrap_or(default.max_attempts),
            backoff: self.backoff(file.backoff.into_value().unwrap_or_default()),
            cooldown: match file.cooldown {
                Setting::Null(_) => None,
                Setting::Absent | Setting::Wrong(_) => default.cooldown,
                Setting::Set(cooldown, _) => Some(self.cooldown(cooldown)),
            },
            deadline: self.positive(&file.deadline, default.deadline),
            health_check: file.health_check.into_value().map(|check| self.health_check(check)),
            detect: self.detect(file.detect.into_value().unwrap_or_default()),
        }
    }

    pub(super) fn prices(&mut self, setting: Setting<Table<PriceFile>>) -> Vec<(String, Price)> {
        let entries = setting.into_value().map(|table| table.0).unwrap_or_default();
        entries.into_iter().filter_map(|entry| self.price(entry)).collect()
    }

    fn price(&mut self, entry: Named<PriceFile>) -> Option<(String, Price)> {
        if matches!(entry.value, Setting::Wrong(_)) {
            return None;
        }
        let file = entry.value.into_value().unwrap_or_default();
        for (key, missing) in [("input", file.input.is_unset()), ("output", file.output.is_unset())] {
            if missing {
                let hint = "a price has `input` and `output`, in USD per million tokens";
                self.mistakes.error_with(&entry.place, format!("`{key}` is missing"), hint);
            }
        }
        let (cached, cache_write) = (file.cached.into_value(), file.cache_write.into_value());
        let price = Price { input: file.input.into_value()?, output: file.output.into_value()?, cached, cache_write };
        Some((entry.name, price))
    }

    /// A hedge is a second attempt: where there is none, it would wait for ever.
    fn hedge_after(&mut self, file: &RoutingFile) -> Option<Duration> {
        let (_, place) = file.hedge_after.placed()?;
        let (place, after) = (place.clone(), self.positive(&file.hedge_after, Duration::ZERO));
        if file.max_attempts.value() == Some(&1) {
            self.mistakes.warn(&place, "has no effect: `max_attempts` is 1", "allow two attempts, or leave it out");
        }
        (!after.is_zero()).then_some(after)
    }

    fn backoff(&mut self, file: BackoffFile) -> Backoff {
        let default = Backoff::default();
        let initial = Self::duration(&file.initial, default.initial);
        let max = Self::duration(&file.max, default.max);
        if initial > max {
            let place = file.initial.place().or(file.max.place()).cloned().unwrap_or_default();
            self.mistakes.error_with(&place, "`initial` is longer than `max`", "the wait grows from `initial` to `max`");
        }
        Backoff { initial, max }
    }

    fn cooldown(&mut self, file: CooldownFile) -> Cooldown {
        let default = Cooldown::default();
        let never = "for no cooldown at all write `cooldown: null`";
        let first = self.positive(&file.r#for, default.first);
        let max = self.positive(&file.max, default.max);
        if first > max {
            let place = file.r#for.place().or(file.max.place()).cloned().unwrap_or_default();
            self.mistakes.error_with(&place, "`for` is longer than `max`", "a cooldown grows from `for` to `max`");
        }
        Cooldown { failures: self.at_least_one(&file.failures, never).unwrap_or(default.failures), first, max }
    }

    fn health_check(&mut self, file: HealthCheckFile) -> HealthCheck {
        let default = HealthCheck::default();
        HealthCheck { interval: self.positive(&file.interval, default.interval), timeout: self.positive(&file.timeout, default.timeout) }
    }

    fn detect(&mut self, file: DetectFile) -> Detect {
        let mut detect = Detect::default();
        if let Some(list) = file.status.into_value() {
            for item in &list.0 {
                if StatusSet::parse(&[&item.value.0]).is_err() {
                    let hint = "write three digits, `x` for any: `429`, `\"50x\"`, `\"5xx\"`";
                    self.mistakes.error_with(&item.place, format!("`{}` is no status", item.value.0), hint);
                }
            }
            let patterns: Vec<String> = list.into_values().into_iter().map(|status| status.0).collect();
            detect.status = StatusSet::parse(&patterns).unwrap_or(detect.status);
        }
        if let Some(list) = file.patterns.into_value() {
            for item in list.0.iter().filter(|item| item.value.trim().is_empty()) {
                self.mistakes.error_with(&item.place, "an empty pattern", "it would match every error");
            }
            detect.patterns = list.into_values().into_iter().map(|pattern| pattern.to_lowercase()).collect();
        }
        detect
    }
}
