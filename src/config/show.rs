//! The effective configuration as JSON, in the file's shape: for `config show`, `GET /config` and comparing.

use std::fmt::Write;
use std::sync::Arc;

use http::HeaderValue;
use serde_json::{Map, Value, json};

use super::proxy::masked;
use super::secret::{Secret, mask};
use super::source::is_secret_key;
use super::units::{format_duration, format_size};
use super::{
    AzureApi, Bedrock, ClientTls, Config, Key, Logging, Login, LoginBody, Model, Otlp, OtlpProtocol, Params, Provider, ProviderKind, Proxy,
    RequestAuth, Role, Rotate, Route, Routing, Server, StatusSet, Storage, Strategy, Target, Timeouts, Vertex,
};

/// What stands at the top level of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Server,
    Admin,
    Auth,
    Providers,
    Models,
    Roles,
    Routing,
    Logging,
    Telemetry,
    Storage,
    Prices,
}

impl Section {
    /// In the order in which they are shown.
    pub(super) const ALL: [Section; 11] = {
        use Section::*;
        [Server, Admin, Auth, Providers, Models, Roles, Routing, Logging, Telemetry, Storage, Prices]
    };

    /// Its key.
    pub(super) fn name(self) -> &'static str {
        match self {
            Section::Server => "server",
            Section::Admin => "admin",
            Section::Auth => "auth",
            Section::Providers => "providers",
            Section::Models => "models",
            Section::Roles => "roles",
            Section::Routing => "routing",
            Section::Logging => "logging",
            Section::Telemetry => "telemetry",
            Section::Storage => "storage",
            Section::Prices => "prices",
        }
    }
}

/// How secrets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// So that nobody learns them.
    Masked,
    /// So that a changed one shows. Never leaves the process.
    Digests,
}

impl Config {
    /// The effective configuration, secrets masked, keys by the start of their digests.
    pub fn to_json(&self) -> Value {
        self.as_json(Secrets::Masked)
    }

    pub(super) fn as_json(&self, secrets: Secrets) -> Value {
        named(Section::ALL.into_iter().map(|section| (section.name(), self.section(section, secrets))))
    }

    /// One of them.
    pub(super) fn section(&self, section: Section, secrets: Secrets) -> Value {
        match section {
            Section::Server => server(&self.server),
            Section::Admin => json!({ "key": self.admin.key.as_ref().map(|key| secrets.show(key)), "port": self.admin.port }),
            Section::Auth => json!({
                "open_models": self.auth.open_models,
                "keys": self.auth.keys.iter().map(|key| secrets.key(key)).collect::<Value>(),
            }),
            Section::Providers => self.providers.iter().map(|one| provider(one, secrets)).collect(),
            Section::Models => named(self.models.iter().map(|model| (&*model.name, self.model(model, secrets)))),
            Section::Roles => named(self.roles.iter().map(|one| (&*one.name, role(one, secrets)))),
            Section::Routing => self.routing(&self.routing),
            Section::Logging => logging(&self.logging),
            Section::Telemetry => json!({
                "metrics": self.telemetry.metrics,
                "callers": self.telemetry.callers,
                "otlp": otlp(self.telemetry.otlp.as_ref(), secrets),
            }),
            Section::Storage => storage(&self.storage),
            Section::Prices => named(self.prices.iter().map(|(model, price)| (model.as_str(), json!(price)))),
        }
    }

    fn model(&self, model: &Model, secrets: Secrets) -> Value {
        match &model.target {
            Target::Name(name) => json!(&**name),
            Target::Routes { strategy, routes, fallback } => json!({
                "enabled": model.enabled,
                "strategy": strategy_word(*strategy),
                "routes": routes.iter().map(|route| self.route(route, secrets)).collect::<Vec<_>>(),
                "fallback": names(fallback),
                "fallback_on": {
                    "context_length": names(&model.fallback_on.context_length),
                    "content_policy": names(&model.fallback_on.content_policy),
                },
            }),
        }
    }

    fn route(&self, route: &Route, secrets: Secrets) -> Value {
        json!({
            "provider": self.provider_name(route.provider),
            "model": route.model.as_deref(),
            "priority": route.priority,
            "weight": route.weight,
            "enabled": route.enabled,
            "params": params(&route.params, secrets),
            "capabilities": route.capabilities,
        })
    }

    fn routing(&self, routing: &Routing) -> Value {
        json!({
            "default_model": &*routing.default_model,
            "passthrough": routing.passthrough.map(|index| self.provider_name(index)),
            "max_attempts": routing.max_attempts,
            "backoff": { "initial": format_duration(routing.backoff.initial), "max": format_duration(routing.backoff.max) },
            "cooldown": routing.cooldown.map(|cooldown| json!({
                "failures": cooldown.failures,
                "for": format_duration(cooldown.first),
                "max": format_duration(cooldown.max),
            })),
            "hedge_after": routing.hedge_after.map(format_duration).map(|text| text.to_string()),
            "deadline": format_duration(routing.deadline),
            "health_check": routing.health_check.map(|check| json!({
                "interval": format_duration(check.interval),
                "timeout": format_duration(check.timeout),
            })),
            "detect": { "status": status_patterns(&routing.detect.status), "patterns": routing.detect.patterns },
        })
    }

    fn provider_name(&self, index: usize) -> &str {
        self.providers.get(index).map_or("", |provider| &provider.name)
    }
}

impl Secrets {
    fn show(self, secret: &Secret) -> String {
        match self {
            Secrets::Masked => secret.to_string(),
            Secrets::Digests => hex(&secret.digest()),
        }
    }

    fn header(self, value: &HeaderValue) -> String {
        let text = String::from_utf8_lossy(value.as_bytes());
        match self {
            Secrets::Masked => mask(&text),
            Secrets::Digests => hex(&Secret::new(text.as_ref()).digest()),
        }
    }

    fn url(self, url: &url::Url) -> String {
        match self {
            Secrets::Masked => masked(url),
            Secrets::Digests => url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// `value` of the parameter `name`, with what by its name is secret as text is shown.
    fn parameter(self, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if is_secret_key(name) => json!(self.show(&Secret::new(text.as_str()))),
            Value::Array(items) => items.iter().map(|item| self.parameter(name, item)).collect(),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), self.parameter(name, value)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }

    fn proxy(self, proxy: &Proxy) -> Value {
        let url = |url: &url::Url| self.url(url);
        match proxy {
            Proxy::None => json!("none"),
            Proxy::Through(through) => json!(url(through)),
            Proxy::Environment { https: None, http: None, .. } => Value::Null,
            Proxy::Environment { https, http, no_proxy } => {
                json!({ "https": https.as_ref().map(url), "http": http.as_ref().map(url), "no_proxy": no_proxy })
            }
        }
    }

    fn key(self, key: &Key) -> Value {
        let digest = hex(&key.digest);
        let shown = match self {
            Secrets::Masked => format!("sha256:{}…", digest.get(..6).unwrap_or_default()),
            Secrets::Digests => digest,
        };
        let models: Vec<&str> = key.models.iter().map(|glob| glob.glob().glob()).collect();
        json!({ "name": &*key.name, "key": shown, "models": models, "passthrough": key.passthrough })
    }
}

fn named<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(entries.map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn provider(provider: &Provider, secrets: Secrets) -> Value {
    let keys: Vec<String> = provider.api_keys.iter().map(|key| secrets.show(key)).collect();
    let headers: Map<String, Value> =
        provider.headers.iter().map(|(name, value)| (name.to_string(), secrets.header(value).into())).collect();
    let mut shown = json!({
        "name": &*provider.name,
        "preset": provider.preset,
        "type": provider.kind.as_str(),
        "base_url": secrets.url(&provider.base_url),
        "api_keys": keys,
        "priority": provider.priority,
        "enabled": provider.enabled,
        "models": provider.models.as_ref().map(|models| models.iter().map(|model| model.to_string()).collect::<Vec<_>>()),
        "match": provider.matching.iter().map(|regex| regex.as_str()).collect::<Vec<_>>(),
        "default_model": provider.default_model.as_deref(),
        "timeout": timeouts(&provider.timeout),
        "max_in_flight": provider.max_in_flight,
        "idle_connections": provider.idle_connections,
        "idle_timeout": format_duration(provider.idle_timeout),
        "proxy": secrets.proxy(&provider.proxy),
        "tls": client_tls(&provider.tls),
        "http2": provider.http2,
        "headers": headers,
        "params": params(&provider.params, secrets),
        "capabilities": provider.capabilities,
    });
    if let Some(object) = shown.as_object_mut() {
        object.extend(kind(&provider.kind, secrets));
    }
    shown
}

/// What the file has; headers and the like are the environment's, which does not change.
fn otlp(otlp: Option<&Otlp>, secrets: Secrets) -> Value {
    json!({
        "endpoint": otlp.map(|otlp| secrets.url(&otlp.endpoint)),
        "protocol": otlp.map_or(OtlpProtocol::Grpc, |otlp| otlp.protocol).word(),
        "contents": otlp.is_some_and(|otlp| otlp.contents),
    })
}

fn server(server: &Server) -> Value {
    json!({
        "host": server.host,
        "insecure": server.insecure,
        "port": server.port,
        "workers": server.workers,
        "max_body": format_size(server.max_body as u64),
        "max_response": format_size(server.max_response as u64),
        "max_in_flight": server.max_in_flight,
        "max_connections": server.max_connections,
        "drain": format_duration(server.drain),
        "shutdown_grace": format_duration(server.shutdown_grace),
        "keepalive": {
            "every": server.keepalive.every.map(format_duration),
            "before_headers": server.keepalive.before_headers.map(format_duration),
        },
        "tls": server.tls.as_ref().map(|tls| json!({ "cert": tls.cert, "key": tls.key })),
        "cors": server.cors,
    })
}

fn logging(logging: &Logging) -> Value {
    let Rotate { every, max_size, keep } = logging.rotate;
    json!({
        "level": logging.level,
        "format": logging.format,
        "file": logging.file,
        "rotate": { "every": every, "max_size": format_size(max_size), "keep": keep },
        "redact": logging.redact,
        "requests": { "dir": logging.requests.dir, "errors_dir": logging.requests.errors_dir, "bodies": logging.requests.bodies },
    })
}

fn storage(storage: &Storage) -> Value {
    json!({
        "path": storage.path,
        "keep": format_duration(storage.keep),
        "max": format_size(storage.max),
        "responses": storage.responses.map(|kept| json!({ "keep": format_duration(kept.keep), "max": format_size(kept.max) })),
    })
}

fn kind(kind: &ProviderKind, secrets: Secrets) -> Map<String, Value> {
    let shown = match kind {
        ProviderKind::OpenAi | ProviderKind::Anthropic | ProviderKind::Gemini | ProviderKind::Ollama => json!({}),
        ProviderKind::Azure(AzureApi::V1) => json!({ "api_version": null }),
        ProviderKind::Azure(AzureApi::Dated(date)) => json!({ "api_version": date }),
        ProviderKind::Bedrock(Bedrock { region, keys }) => {
            let shown = |secret: &Secret| secrets.show(secret);
            json!({
                "region": region,
                "access_key_id": keys.as_ref().map(|keys| shown(&keys.access_key_id)),
                "secret_access_key": keys.as_ref().map(|keys| shown(&keys.secret_access_key)),
                "session_token": keys.as_ref().and_then(|keys| keys.session_token.as_ref()).map(shown),
            })
        }
        ProviderKind::Vertex(Vertex { project, location }) => json!({ "project": project, "location": location }),
        ProviderKind::Request(RequestAuth::Token(token)) => json!({ "auth": { "token": secrets.show(token) } }),
        ProviderKind::Request(RequestAuth::Login(login)) => json!({ "auth": login_json(login, secrets) }),
        ProviderKind::Mock(mock) => json!({
            "latency": format_duration(mock.latency),
            "tokens_per_second": mock.tokens_per_second,
            "fail": { "rate": mock.fail_rate, "status": mock.fail_status },
        }),
    };
    match shown {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

pub(super) fn login_json(login: &Login, secrets: Secrets) -> Value {
    json!({
        "url": secrets.url(&login.url),
        "username": login.username,
        "password": secrets.show(&login.password),
        "cache": format_duration(login.cache),
        "body": match login.body { LoginBody::Json => "json", LoginBody::Form => "form" },
        "token_pointer": login.token_pointer,
    })
}

fn timeouts(timeouts: &Timeouts) -> Value {
    json!({
        "connect": format_duration(timeouts.connect),
        "first_byte": format_duration(timeouts.first_byte),
        "first_content": format_duration(timeouts.first_content),
        "idle": format_duration(timeouts.idle),
        "non_stream": format_duration(timeouts.non_stream),
        "stream": timeouts.stream.map(format_duration),
    })
}

fn client_tls(tls: &ClientTls) -> Value {
    json!({ "ca": tls.ca, "cert": tls.cert, "key": tls.key })
}

fn role(role: &Role, secrets: Secrets) -> Value {
    let params: Map<String, Value> = role.params.iter().map(|(name, value)| (name.clone(), secrets.parameter(name, value))).collect();
    json!({
        "system": role.system,
        "prompt": role.prompt,
        "model": role.model.as_deref(),
        "temperature": role.temperature,
        "max_tokens": role.max_tokens,
        "params": params,
    })
}

pub(super) fn params(params: &Params, secrets: Secrets) -> Value {
    let rename: Map<String, Value> = params.rename.iter().map(|(from, to)| (from.clone(), to.as_str().into())).collect();
    let set: Map<String, Value> = params.set.iter().map(|(name, value)| (name.clone(), secrets.parameter(name, value))).collect();
    json!({ "drop": params.drop, "rename": rename, "set": set, "max_tokens": params.max_tokens })
}

fn strategy_word(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Priority => "priority",
        Strategy::Weighted => "weighted",
        Strategy::RoundRobin => "round_robin",
        Strategy::LeastBusy => "least_busy",
        Strategy::Fastest => "fastest",
        Strategy::Cheapest => "cheapest",
    }
}

/// The fewest patterns for a set: whole hundreds as `5xx`, others one by one.
fn status_patterns(set: &StatusSet) -> Vec<String> {
    let mut patterns = Vec::new();
    for hundred in 1..=5_u16 {
        let range = hundred * 100..hundred * 100 + 100;
        if range.clone().all(|status| set.has(status)) {
            patterns.push(format!("{hundred}xx"));
        } else {
            patterns.extend(range.filter(|status| set.has(*status)).map(|status| status.to_string()));
        }
    }
    patterns
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn names(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}
