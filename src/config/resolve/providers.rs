//! `providers:`: one account each; what its kind, its preset and its keys come to.

use std::collections::HashMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use url::Url;

use super::clouds::{bedrock_url, vertex_url};
use super::{Resolver, START};
use crate::config::defaults::{IDLE_CONNECTIONS, IDLE_TIMEOUT, LOGIN_CACHE, MOCK_MODEL, MOCK_URL, PRIORITY, TOKEN_POINTER};
use crate::config::file::{FailFile, ProviderFile, RequestAuthFile};
use crate::config::file_kinds::ProviderTypeFile;
use crate::config::leaves::{SecretText, UrlText, Word};
use crate::config::presets::{self, Preset};
use crate::config::read::{List, Place, Placed, Setting};
use crate::config::spanned::Span;
use crate::config::{Bedrock, Login, LoginBody, Mock, Provider, ProviderKind, RequestAuth, Secret};

/// Where `type: ollama` without an address goes: Ollama's own port.
const OLLAMA_URL: &str = "http://localhost:11434";

/// AWS's variable for an API key of Bedrock.
const BEDROCK_KEY: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// Where `type: openai` without an address goes, as OpenAI's own SDK does.
const OPENAI_URL: &str = "https://api.openai.com/v1";

impl Resolver<'_, '_> {
    pub(super) fn providers(&mut self, setting: Setting<List<ProviderFile>>) -> Vec<Provider> {
        let whole = Place { path: "providers".to_owned(), span: Span { line: 1, column: 1, end_line: 1, end_column: 1 } };
        let place = setting.place().cloned().unwrap_or(whole);
        let list = match setting {
            Setting::Wrong(_) => return Vec::new(),
            Setting::Set(list, _) => list.0,
            Setting::Absent | Setting::Null(_) => Vec::new(),
        };
        if list.is_empty() {
            self.mistakes.error_with(&place, "there are no providers", START);
        }
        let mut names = HashMap::new();
        list.into_iter().filter_map(|item| self.provider(item, &mut names)).collect()
    }

    fn provider(&mut self, item: Placed<ProviderFile>, names: &mut HashMap<String, String>) -> Option<Provider> {
        let Placed { value: file, place } = item;
        let name = self.provider_name(&file.name, &place, names);
        let preset = self.preset(&file.preset);
        let kind_word = self.kind_word(&file, preset, &name, &place);
        let api_keys = self.api_keys(&file, kind_word, &place);
        self.only_for(&file, kind_word);
        self.missing_key(&file, preset, &api_keys, &place);
        self.unlisted(&file, kind_word, &place);
        let kind = self.kind(&file, kind_word, !api_keys.is_empty(), &place);
        let base_url = self.base_url(&file, preset, &kind, &place);
        let place_of_headers = file.headers.place().cloned();
        let headers = self.headers(file.headers);
        let (has_credential, own) = credential_header(&kind, &api_keys);
        if let (Some(place), true) = (place_of_headers, has_credential && headers.iter().any(|(name, _)| *name == own)) {
            let message = format!("`{own}` would be overwritten by this provider's own credential");
            self.mistakes.error_with(&place, message, "take one of the two out");
        }
        let of_mock = (matches!(kind, ProviderKind::Mock(_)) && file.models.value().is_none()).then(|| MOCK_MODEL.to_owned());
        let default_model = preset.and_then(|preset| preset.default_model.clone()).or(of_mock);
        Some(Provider {
            preset: preset.map(|preset| preset.name.clone()),
            kind,
            api_keys,
            priority: file.priority.into_value().unwrap_or(PRIORITY),
            enabled: file.enabled.into_value().unwrap_or(true),
            models: file.models.value().map(|list| self.model_ids(list)),
            matching: self.regexes(&file.r#match),
            default_model: self.default_model(&file.default_model, default_model.as_deref()),
            timeout: self.timeouts(file.timeout),
            max_in_flight: self.at_least_one(&file.max_in_flight, "0 would let nothing through; leave it out for no limit"),
            idle_connections: file.idle_connections.into_value().and_then(|n| usize::try_from(n).ok()).unwrap_or(IDLE_CONNECTIONS),
            idle_timeout: self.positive(&file.idle_timeout, IDLE_TIMEOUT),
            proxy: self.proxy(&file.proxy),
            tls: self.client_tls(file.tls),
            http2: file.http2.into_value().unwrap_or(false),
            headers,
            capabilities: self.capabilities(&file.capabilities),
            params: preset.map(Preset::params).unwrap_or_default().with(&self.params(file.params)),
            stream_usage: preset.is_none_or(|preset| preset.stream_usage),
            ..Provider::new(&name, base_url?)
        })
    }

    fn provider_name(&mut self, setting: &Setting<String>, whole: &Place, names: &mut HashMap<String, String>) -> String {
        let Some((name, place)) = setting.placed() else {
            if setting.is_unset() {
                self.mistakes.error_with(whole, "a provider needs a `name`", "any word you like; models are then also known as NAME/MODEL");
            }
            return String::new();
        };
        if name.is_empty() {
            self.mistakes.error(place, "an empty name");
        } else if name.contains('/') || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let hint = "a provider's name has neither `/` nor blanks: it stands before the slash in PROVIDER/MODEL";
            self.mistakes.error_with(place, format!("`{name}` is no name"), hint);
        } else if let Some(first) = names.insert(name.clone(), whole.path.clone()) {
            self.mistakes.error_with(place, format!("the name `{name}` is taken"), format!("`{first}` has it already"));
        }
        name.clone()
    }

    fn preset(&mut self, setting: &Setting<String>) -> Option<&'static Preset> {
        let (name, place) = setting.placed()?;
        let Some(preset) = presets::find(name) else {
            let hint = match presets::suggest(name) {
                _ if ProviderTypeFile::WORDS.contains(&name.as_str()) => format!("that is a type: write `type: {name}`"),
                Some(near) => format!("did you mean `{near}`?"),
                None => "`llmgw list --presets` shows them all".to_owned(),
            };
            self.mistakes.error_with(place, format!("no preset is named `{name}`"), hint);
            return None;
        };
        Some(preset)
    }

    fn kind_word(&mut self, file: &ProviderFile, preset: Option<&Preset>, name: &str, place: &Place) -> ProviderTypeFile {
        let Some((kind, kind_place)) = file.r#type.placed() else {
            if file.r#type.is_unset() && file.preset.is_unset() && file.base_url.is_unset() {
                let hint = match presets::find(name) {
                    Some(preset) => format!("add `preset: {}`", preset.name),
                    None if ProviderTypeFile::WORDS.contains(&name) => format!("add `type: {name}`"),
                    None => "`preset: VENDOR` for a known vendor, `base_url: …` for any OpenAI-compatible API".to_owned(),
                };
                self.mistakes.error_with(place, "needs a `preset`, a `type` or a `base_url`", hint);
            }
            return preset.map_or(ProviderTypeFile::Openai, |preset| preset.kind);
        };
        if let Some(preset) = preset.filter(|preset| preset.kind != *kind) {
            let message = format!("the preset `{}` is of type `{}`", preset.name, preset.kind.word());
            self.mistakes.error_with(kind_place, message, "leave `type` out: the preset brings it");
        }
        *kind
    }

    fn kind(&mut self, file: &ProviderFile, kind: ProviderTypeFile, has_key: bool, place: &Place) -> ProviderKind {
        match kind {
            ProviderTypeFile::Openai => ProviderKind::OpenAi,
            ProviderTypeFile::Anthropic => ProviderKind::Anthropic,
            ProviderTypeFile::Gemini => ProviderKind::Gemini,
            ProviderTypeFile::Azure => ProviderKind::Azure(self.azure(file)),
            ProviderTypeFile::Bedrock => ProviderKind::Bedrock(self.bedrock(file, has_key, place)),
            ProviderTypeFile::Vertex => ProviderKind::Vertex(self.vertex(file, place)),
            ProviderTypeFile::Ollama => ProviderKind::Ollama,
            ProviderTypeFile::Request => ProviderKind::Request(self.request_auth(file, place)),
            ProviderTypeFile::Mock => ProviderKind::Mock(self.mock(file)),
        }
    }

    fn base_url(&mut self, file: &ProviderFile, preset: Option<&Preset>, kind: &ProviderKind, whole: &Place) -> Option<Url> {
        let Some((UrlText(url), place)) = file.base_url.placed() else {
            let of_kind = usual_address(kind);
            let hint = match kind {
                ProviderKind::Azure(_) => "such as `https://RESOURCE.openai.azure.com`",
                _ => "requests go to base_url + /chat/completions",
            };
            if of_kind.is_none() && file.base_url.is_unset() {
                self.mistakes.error_with(whole, format!("{} `{}` provider needs a `base_url`", article(kind), kind.as_str()), hint);
            }
            let of_preset = preset.and_then(|preset| Url::parse(&preset.base_url).ok());
            return of_preset.or(of_kind).or_else(|| Url::parse(MOCK_URL).ok());
        };
        if url.query().is_some() || url.fragment().is_some() {
            self.mistakes.error_with(
                place,
                "a base URL has no `?…` and no `#…`",
                "paths are appended to it; keys belong under `api_key` or `headers`",
            );
        }
        let path = url.path().trim_end_matches('/');
        if path.ends_with("/chat/completions") || path.ends_with("/messages") {
            self.mistakes.warn(place, "this looks like an endpoint, not a base URL", "the endpoint's path is appended: leave it off");
        }
        if let Some(version) = doubled_version(kind).iter().find(|version| path.ends_with(*version)) {
            let hint = "leave it off: each path of this type begins with its version";
            self.mistakes.warn(place, format!("`{version}` would be in every address twice"), hint);
        }
        let mut bare = url.clone();
        bare.set_path(path);
        Some(bare)
    }

    fn api_keys(&mut self, file: &ProviderFile, kind: ProviderTypeFile, place: &Place) -> Vec<Secret> {
        if !file.api_key.is_unset() && !file.api_keys.is_unset() {
            let place = file.api_keys.place().unwrap_or(place);
            self.mistakes.error_with(place, "`api_key` and `api_keys` together", "put all of them under `api_keys`");
        }
        if let Some((List(keys), place)) = file.api_keys.placed()
            && keys.is_empty()
        {
            self.mistakes.error_with(place, "an empty list of keys", "where no key is needed, leave `api_keys` out");
        }
        let several = file.api_keys.value().map(|list| list.0.iter().map(|key| key.value.0.clone()));
        let one = file.api_key.value().map(|SecretText(key)| key.clone());
        let of_file: Vec<Secret> = one.into_iter().chain(several.into_iter().flatten()).collect();
        // As in AWS's own SDKs: what the file says first, then this variable, then the others.
        let says_nothing = file.api_key.is_unset() && file.api_keys.is_unset() && file.access_key_id.is_unset() && file.profile.is_unset();
        if kind == ProviderTypeFile::Bedrock && says_nothing {
            return self.env.get_filled(BEDROCK_KEY).map(|key| Secret::new(key.trim())).into_iter().collect();
        }
        of_file
    }

    /// Keys that only one kind understands.
    fn only_for(&mut self, file: &ProviderFile, kind: ProviderTypeFile) {
        let owned = [
            (ProviderTypeFile::Request, "auth", file.auth.place()),
            (ProviderTypeFile::Azure, "api_version", file.api_version.place()),
            (ProviderTypeFile::Bedrock, "region", file.region.place()),
            (ProviderTypeFile::Bedrock, "access_key_id", file.access_key_id.place()),
            (ProviderTypeFile::Bedrock, "secret_access_key", file.secret_access_key.place()),
            (ProviderTypeFile::Bedrock, "session_token", file.session_token.place()),
            (ProviderTypeFile::Bedrock, "profile", file.profile.place()),
            (ProviderTypeFile::Vertex, "project", file.project.place()),
            (ProviderTypeFile::Vertex, "location", file.location.place()),
            (ProviderTypeFile::Mock, "latency", file.latency.place()),
            (ProviderTypeFile::Mock, "tokens_per_second", file.tokens_per_second.place()),
            (ProviderTypeFile::Mock, "fail", file.fail.place()),
        ];
        for (owner, key, place) in owned.into_iter().filter(|(owner, ..)| *owner != kind) {
            let Some(place) = place else { continue };
            let hint = format!("add `type: {}`, or take `{key}` out", owner.word());
            self.mistakes.error_with(place, format!("only a `{}` provider has `{key}`", owner.word()), hint);
        }
    }

    /// Says so where an upstream cannot be asked for what it offers.
    fn unlisted(&mut self, file: &ProviderFile, kind: ProviderTypeFile, place: &Place) {
        let message = match kind {
            ProviderTypeFile::Azure => "Azure lists the models that could be deployed, not the deployments",
            ProviderTypeFile::Bedrock => "Bedrock does not list the models that it answers for",
            ProviderTypeFile::Vertex => "Vertex AI does not list the models that it answers for",
            _ => return,
        };
        if file.models.is_unset() {
            self.mistakes.warn(place, message, "list what may be asked for under `models`; PROVIDER/MODEL and routes work without");
        }
    }

    fn missing_key(&mut self, file: &ProviderFile, preset: Option<&Preset>, keys: &[Secret], place: &Place) {
        let variable = preset.and_then(|preset| preset.env.first());
        let unset = file.api_key.is_unset() && file.api_keys.is_unset() && file.headers.is_unset();
        if let (Some(variable), true, true) = (variable, unset, keys.is_empty()) {
            self.mistakes.warn(place, "without a key this vendor will refuse", format!("add `api_key: ${{{variable}}}`"));
        }
    }

    fn default_model(&mut self, setting: &Setting<String>, default: Option<&str>) -> Option<Arc<str>> {
        match setting.placed() {
            Some((model, place)) if model.trim().is_empty() => {
                self.mistakes.error(place, "an empty name");
                None
            }
            Some((model, _)) => Some(Arc::from(model.as_str())),
            None => default.map(Arc::from),
        }
    }

    fn request_auth(&mut self, file: &ProviderFile, place: &Place) -> RequestAuth {
        let none = RequestAuth::Token(Secret::new(""));
        if let Some(place) = file.api_key.place().or(file.api_keys.place()) {
            self.mistakes.error_with(place, "a `request` provider has `auth`, not an API key", "a fixed token is `auth: { token: … }`");
        }
        let Some((auth, auth_place)) = file.auth.placed() else {
            if file.auth.is_unset() {
                let hint = "write `auth: { url: …, username: …, password: … }` or `auth: { token: … }`";
                self.mistakes.error_with(place, "a `request` provider needs `auth`", hint);
            }
            return none;
        };
        let login = self.login(auth, auth_place);
        let has_login = !auth.url.is_unset() || !auth.username.is_unset() || !auth.password.is_unset();
        match auth.token.placed() {
            Some((_, place)) if has_login => {
                self.mistakes.error_with(place, "a token and a login together", "keep one of the two");
                none
            }
            Some((SecretText(token), _)) => RequestAuth::Token(token.clone()),
            None => login.map_or(none, RequestAuth::Login),
        }
    }

    fn login(&mut self, auth: &RequestAuthFile, whole: &Place) -> Option<Login> {
        let missing = [("url", auth.url.is_unset()), ("username", auth.username.is_unset()), ("password", auth.password.is_unset())];
        if auth.token.is_unset() {
            for (key, _) in missing.iter().filter(|(_, missing)| *missing) {
                self.mistakes.error_with(whole, format!("`{key}` is missing"), "a login has `url`, `username` and `password`");
            }
        }
        let token_pointer = match auth.token_pointer.placed() {
            Some((pointer, place)) if !pointer.starts_with('/') => {
                self.mistakes.error_with(place, format!("`{pointer}` is no JSON pointer"), "it begins with `/`, such as `/data/token`");
                String::new()
            }
            Some((pointer, _)) => pointer.clone(),
            None => TOKEN_POINTER.to_owned(),
        };
        Some(Login {
            url: auth.url.value()?.0.clone(),
            username: auth.username.value()?.clone(),
            password: auth.password.value()?.0.clone(),
            cache: self.positive(&auth.cache, LOGIN_CACHE),
            body: auth.body.value().copied().unwrap_or(LoginBody::Json),
            token_pointer,
        })
    }

    fn mock(&mut self, file: &ProviderFile) -> Mock {
        let default = Mock::default();
        let speed = match file.tokens_per_second.placed() {
            Some((speed, place)) if *speed <= 0.0 => {
                self.mistakes.error_with(place, "must be more than 0", "leave it out to answer at once");
                None
            }
            Some((speed, _)) => Some(*speed),
            None => None,
        };
        let fail = file.fail.value();
        Mock {
            latency: Self::duration(&file.latency, default.latency),
            tokens_per_second: speed,
            fail_rate: fail.map_or(default.fail_rate, |fail| self.fail_rate(fail)),
            fail_status: fail.map_or(default.fail_status, |fail| self.fail_status(fail, default.fail_status)),
        }
    }

    fn fail_rate(&mut self, fail: &FailFile) -> f64 {
        let Some((rate, place)) = fail.rate.placed() else { return 0.0 };
        if *rate > 1.0 {
            self.mistakes.error_with(place, "a share is from 0 to 1", "a tenth is `0.1`");
        }
        *rate
    }

    fn fail_status(&mut self, fail: &FailFile, default: u16) -> u16 {
        let Some((status, place)) = fail.status.placed() else { return default };
        if !(400..=599).contains(status) {
            self.mistakes.error(place, format!("a failure's status is from 400 to 599, found `{status}`"));
        }
        *status
    }
}

/// Where a provider of this kind goes that names neither address nor preset; `None`: its owner must say.
fn usual_address(kind: &ProviderKind) -> Option<Url> {
    let of_preset = |name| Url::parse(&presets::find(name)?.base_url).ok();
    match kind {
        ProviderKind::OpenAi => Url::parse(OPENAI_URL).ok(),
        ProviderKind::Anthropic => of_preset("anthropic"),
        ProviderKind::Gemini => of_preset("gemini"),
        ProviderKind::Bedrock(bedrock) => bedrock_url(&bedrock.region),
        ProviderKind::Vertex(vertex) => vertex_url(&vertex.location),
        ProviderKind::Ollama => Url::parse(OLLAMA_URL).ok(),
        ProviderKind::Mock(_) => Url::parse(MOCK_URL).ok(),
        ProviderKind::Azure(_) | ProviderKind::Request(_) => None,
    }
}

/// What people know from other gateways as the end of an address, though every path begins with it.
fn doubled_version(kind: &ProviderKind) -> &'static [&'static str] {
    match kind {
        ProviderKind::Anthropic | ProviderKind::Vertex(_) => &["/v1"],
        ProviderKind::Gemini => &["/v1beta", "/v1"],
        ProviderKind::Ollama => &["/v1", "/api"],
        _ => &[],
    }
}

/// Whether a provider of this kind sends a credential, and in which header.
fn credential_header(kind: &ProviderKind, api_keys: &[Secret]) -> (bool, HeaderName) {
    let header = match kind {
        ProviderKind::Anthropic => HeaderName::from_static("x-api-key"),
        ProviderKind::Gemini => HeaderName::from_static("x-goog-api-key"),
        ProviderKind::Azure(_) => HeaderName::from_static("api-key"),
        _ => AUTHORIZATION,
    };
    let signs = matches!(kind, ProviderKind::Request(_) | ProviderKind::Bedrock(Bedrock { keys: Some(_), .. }));
    (signs || !api_keys.is_empty(), header)
}

fn article(kind: &ProviderKind) -> &'static str {
    if matches!(kind, ProviderKind::Azure(_)) { "an" } else { "a" }
}
