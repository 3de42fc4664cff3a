//! The parts of a provider or route: limits, proxy, TLS, headers, changes to bodies, lists of names and patterns.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use regex::Regex;
use url::Url;

use super::Resolver;
use crate::config::file::{ClientTlsFile, ParamsFile, TimeoutTable};
use crate::config::file_kinds::TimeoutFile;
use crate::config::leaves::{DurationText, SecretText};
use crate::config::read::{List, Place, Setting, Table};
use crate::config::{Capability, ClientTls, Params, Proxy, Timeouts, proxy};

/// Headers that say how a message is sent; they are llmgw's own business.
const OWN_HEADERS: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "accept-encoding"];

/// Fields that routing and streaming depend on.
const OWN_FIELDS: [&str; 2] = ["model", "stream"];

impl Resolver<'_, '_> {
    pub(super) fn timeouts(&mut self, setting: Setting<TimeoutFile>) -> Timeouts {
        let default = Timeouts::default();
        let place = setting.place().cloned().unwrap_or_default();
        let table = match setting.into_value() {
            None => return default,
            Some(TimeoutFile::Each(table)) => *table,
            Some(TimeoutFile::One(duration)) => TimeoutTable {
                non_stream: Setting::Set(duration, place.clone()),
                first_content: Setting::Set(DurationText(duration.0), place),
                ..TimeoutTable::default()
            },
        };
        Timeouts {
            connect: self.positive(&table.connect, default.connect),
            first_byte: self.positive(&table.first_byte, default.first_byte),
            first_content: self.positive(&table.first_content, default.first_content),
            idle: self.positive(&table.idle, default.idle),
            non_stream: self.positive(&table.non_stream, default.non_stream),
            stream: table.stream.value().map(|_| self.positive(&table.stream, default.non_stream)),
        }
    }

    pub(super) fn at_least_one(&mut self, setting: &Setting<u32>, hint: &str) -> Option<u32> {
        match setting.placed() {
            Some((0, place)) => {
                self.mistakes.error_with(place, "must be 1 or more", hint);
                None
            }
            Some((number, _)) => Some(*number),
            None => None,
        }
    }

    pub(super) fn model_ids(&mut self, list: &List<String>) -> Vec<Arc<str>> {
        let mut ids: Vec<Arc<str>> = Vec::new();
        for item in &list.0 {
            if item.value.trim().is_empty() {
                self.mistakes.error(&item.place, "an empty name");
            } else if ids.iter().any(|id| **id == *item.value) {
                self.mistakes.warn(&item.place, format!("`{}` stands here twice", item.value), "take one of them out");
            } else {
                ids.push(Arc::from(item.value.as_str()));
            }
        }
        ids
    }

    /// An empty list says that there is none; no list says nothing.
    pub(super) fn capabilities(&mut self, setting: &Setting<List<Capability>>) -> Option<Vec<Capability>> {
        let mut capabilities = Vec::new();
        for item in &setting.value()?.0 {
            if capabilities.contains(&item.value) {
                self.mistakes.warn(&item.place, format!("`{}` stands here twice", item.value.word()), "take one of them out");
            } else {
                capabilities.push(item.value);
            }
        }
        Some(capabilities)
    }

    pub(super) fn regexes(&mut self, setting: &Setting<List<String>>) -> Vec<Regex> {
        let mut regexes = Vec::new();
        for item in setting.value().map(|list| list.0.as_slice()).unwrap_or_default() {
            match Regex::new(&item.value) {
                Ok(regex) => regexes.push(regex),
                Err(error) => {
                    // The message of a syntax error is a drawing of several lines; its last says what is wrong.
                    let text = error.to_string();
                    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    let hint = "this is a regular expression: any text is `.*`, a literal `*` is `\\*`";
                    self.mistakes.error_with(&item.place, format!("not a regular expression: {reason}"), hint);
                }
            }
        }
        regexes
    }

    pub(super) fn proxy(&mut self, setting: &Setting<String>) -> Proxy {
        let Some((written, place)) = setting.placed() else { return proxy::from_environment(self.env) };
        if written == "none" {
            return Proxy::None;
        }
        let url = Url::parse(written).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h"));
        let Some(url) = url else {
            self.mistakes.error_with(place, "not a proxy", "write `http://HOST:PORT`, `https://…`, `socks5://…`, or `none`");
            return Proxy::None;
        };
        Proxy::Through(url)
    }

    pub(super) fn client_tls(&mut self, setting: Setting<ClientTlsFile>) -> ClientTls {
        let place = setting.place().cloned().unwrap_or_default();
        let Some(file) = setting.into_value() else { return ClientTls::default() };
        if file.cert.is_unset() != file.key.is_unset() {
            let missing = if file.key.is_unset() { "key" } else { "cert" };
            self.mistakes.error_with(&place, format!("`{missing}` is missing"), "a client certificate needs both `cert` and `key`");
        }
        ClientTls { ca: self.pem(&file.ca), cert: self.pem(&file.cert), key: self.pem(&file.key) }
    }

    pub(super) fn headers(&mut self, setting: Setting<Table<SecretText>>) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for entry in setting.into_value().map(|table| table.0).unwrap_or_default() {
            let Ok(name) = HeaderName::from_bytes(entry.name.as_bytes()) else {
                self.mistakes.error(&entry.place, format!("`{}` is no name of a header", entry.name));
                continue;
            };
            if OWN_HEADERS.contains(&name.as_str()) {
                self.mistakes.error(&entry.place, format!("`{name}` is set by llmgw itself"));
            } else if headers.iter().any(|(known, _)| *known == name) {
                self.mistakes.error_with(&entry.place, format!("`{name}` stands here twice"), "the case of letters does not count");
            }
            if entry.value.is_unset() {
                self.mistakes.error(&entry.place, "a header without a value");
            }
            let Some((SecretText(value), place)) = entry.value.placed() else { continue };
            match HeaderValue::from_str(value.expose()) {
                Ok(mut value) => {
                    // Headers often hold credentials: their `Debug` must not show them.
                    value.set_sensitive(true);
                    headers.push((name, value));
                }
                Err(_) => self.mistakes.error(place, "not a value that a header can have"),
            }
        }
        headers
    }

    pub(super) fn params(&mut self, setting: Setting<ParamsFile>) -> Params {
        let Some(file) = setting.into_value() else { return Params::default() };
        let mut params = Params::default();
        for item in file.drop.into_value().map(|list| list.0).unwrap_or_default() {
            if item.value == "messages" {
                self.mistakes.error(&item.place, "a request without `messages` is none");
                continue;
            }
            if self.is_free(&item.value, &item.place) && !params.drop.contains(&item.value) {
                params.drop.push(item.value);
            }
        }
        for entry in file.rename.into_value().map(|table| table.0).unwrap_or_default() {
            let (from, place) = (entry.name, entry.place);
            match entry.value {
                Setting::Set(to, to_place) if self.is_free(&from, &place) && self.is_free(&to, &to_place) => params.rename.push((from, to)),
                Setting::Absent | Setting::Null(_) => self.mistakes.error(&place, "a new name is missing"),
                Setting::Set(..) | Setting::Wrong(_) => {}
            }
        }
        for entry in file.set.into_value().map(|table| table.0).unwrap_or_default() {
            if !self.is_free(&entry.name, &entry.place) {
                continue;
            }
            match entry.value {
                Setting::Set(value, _) => params.set.push((entry.name, value.0)),
                Setting::Null(_) => params.set.push((entry.name, serde_json::Value::Null)),
                Setting::Absent | Setting::Wrong(_) => {}
            }
        }
        params.max_tokens = match file.max_tokens.placed() {
            Some((0, place)) => {
                self.mistakes.error_with(place, "must be 1 or more", "leave it out for no limit");
                None
            }
            Some((limit, _)) => Some(*limit),
            None => None,
        };
        params
    }

    fn is_free(&mut self, field: &str, place: &Place) -> bool {
        if field.trim().is_empty() {
            self.mistakes.error(place, "an empty name");
            return false;
        }
        if OWN_FIELDS.contains(&field) {
            let message = format!("`{field}` is not for `params` to change: routing and streaming depend on it");
            self.mistakes.error_with(place, message, "which upstream model is asked for stands in `models.*.routes[].model`");
            return false;
        }
        true
    }
}
