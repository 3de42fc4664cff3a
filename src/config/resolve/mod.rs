//! The file as written → the configuration as resolved: what single values mean together.
//!
//! Every mistake is noted and a default taken in its place, so that one never hides another; the result counts only if
//! no error was noted.

mod clouds;
mod logging;
mod models;
mod parts;
mod providers;
mod roles;
mod routing;
mod server;
mod storage;
mod telemetry;

use std::path::PathBuf;
use std::time::Duration;

use super::diagnostic::nearest;
use super::env::Env;
use super::file::File;
use super::leaves::DurationText;
use super::read::{Mistakes, Place, Setting, words};
use super::{Config, Origin, Overrides};

/// How a file may begin, for someone who has none.
const START: &str = "begin with\n  providers:\n    - preset: openai\n      name: openai\n      api_key: ${OPENAI_API_KEY}";

/// Resolves one file.
pub(super) struct Resolver<'r, 'a> {
    /// What went wrong so far.
    pub mistakes: &'r mut Mistakes<'a>,
    /// Files that are named in it and exist.
    pub files: Vec<PathBuf>,
    /// For proxies.
    pub env: &'r Env,
}

impl Resolver<'_, '_> {
    /// What `file` means. Of use only if no error was noted.
    pub fn config(&mut self, file: File, origin: Origin, overrides: &Overrides) -> Config {
        let has_keys = file.auth.value().is_some_and(|auth| auth.keys.value().is_some_and(|keys| !keys.0.is_empty()));
        let admin_port = file.admin.value().and_then(|admin| admin.port.place().cloned());
        let host_place = file.server.value().and_then(|server| server.host.place().cloned());
        let providers = self.providers(file.providers);
        let models = self.models(file.models, &providers);
        let mut config = Config {
            server: self.server(file.server.into_value().unwrap_or_default()),
            admin: self.admin(file.admin.into_value().unwrap_or_default()),
            auth: self.auth(file.auth.into_value().unwrap_or_default()),
            routing: self.routing(file.routing.into_value().unwrap_or_default(), &providers, &models),
            logging: self.logging(file.logging.into_value().unwrap_or_default()),
            telemetry: self.telemetry(file.telemetry.into_value().unwrap_or_default()),
            storage: self.storage(file.storage.into_value().unwrap_or_default()),
            prices: self.prices(file.prices),
            roles: self.roles(file.roles, &models, &providers),
            models,
            ..Config::of_providers(origin, providers)
        };
        overrides.apply_to(&mut config);
        if config.is_exposed() && !has_keys {
            let place = host_place.filter(|_| overrides.host.is_none()).unwrap_or_default();
            self.mistakes.error_with(&place, exposed(&config.server.host), EXPOSED_HINT);
        }
        if config.admin.port.is_some_and(|port| port != 0 && port == config.server.port) {
            let hint = "give it another, or leave it out: admin paths are then under /admin";
            self.mistakes.error_with(&admin_port.unwrap_or_default(), "the same as `server.port`", hint);
        }
        config
    }

    /// A duration, or its default.
    fn duration(setting: &Setting<DurationText>, default: Duration) -> Duration {
        setting.value().map_or(default, |text| text.0)
    }

    /// A duration that is more than nothing, or its default.
    fn positive(&mut self, setting: &Setting<DurationText>, default: Duration) -> Duration {
        match setting.placed() {
            Some((DurationText(Duration::ZERO), place)) => {
                self.mistakes.error(place, "must be longer than 0");
                default
            }
            Some((text, _)) => text.0,
            None => default,
        }
    }

    /// Notes a name that is not one of `known`.
    fn unknown_name(&mut self, place: &Place, what: &str, written: &str, known: &[&str]) {
        let hint = match nearest(written, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if known.is_empty() => format!("no {what} is configured"),
            None => format!("there are {}", words(&known[..known.len().min(12)])),
        };
        self.mistakes.error_with(place, format!("no {what} is named `{written}`"), hint);
    }
}

/// Why a public host without keys is refused.
pub(super) fn exposed(host: &str) -> String {
    format!("`{host}` can be reached by others, and no key is asked of them")
}

/// The three ways out of it.
pub(super) const EXPOSED_HINT: &str = "give callers keys under `auth.keys`; or listen on 127.0.0.1; or, if something else guards it, set `server.insecure: true` (`--insecure`)";
