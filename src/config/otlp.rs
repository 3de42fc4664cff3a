//! Where traces go: what the file says, and OpenTelemetry's own variables where it is silent.
//!
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>. The variables' values are secrets: they hold credentials.

use std::fmt;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::env::Env;
use super::proxy;
use super::secret::Secret;
use super::{OtlpProtocol, Proxy};

/// Where HTTP takes traces, below an address that is for all signals.
const PATH: &str = "/v1/traces";

/// Where collectors listen for HTTP; for gRPC it is 4317.
const HTTP_PORT: u16 = 4318;

/// The service's name, unless the environment gives another.
const SERVICE: &str = "llmgw";

/// `telemetry.otlp`, of a gateway that exports traces.
#[derive(Clone, PartialEq, Eq)]
pub struct Otlp {
    /// Where to: for HTTP with its path, for gRPC without one.
    pub endpoint: Url,
    /// How.
    pub protocol: OtlpProtocol,
    /// With prompts and answers.
    pub contents: bool,
    /// What else the collector wants to read; all of it is secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who sends them: OpenTelemetry's attributes of a resource, `service.name` among them.
    pub resource: Vec<(String, String)>,
    /// By which names of the conventions for generative AI.
    pub conventions: Conventions,
    /// How the collector is reached.
    pub proxy: Proxy,
}

/// Which generation of OpenTelemetry's names for generative AI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conventions {
    /// What was released, and what dashboards know.
    #[default]
    Released,
    /// What is being worked on: `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`.
    Latest,
}

impl Otlp {
    /// To `endpoint`, which may be the address of all signals; all else as `env` says.
    pub fn new(endpoint: Url, protocol: OtlpProtocol, env: &Env) -> Otlp {
        let endpoint = if protocol == OtlpProtocol::Http { with_path(endpoint) } else { endpoint };
        Otlp {
            endpoint,
            protocol,
            contents: false,
            headers: headers(env),
            resource: resource(env),
            conventions: conventions(env),
            proxy: proxy::from_environment(env),
        }
    }

    /// What must not be shown: credentials in headers, alone too, and in the address.
    pub fn secrets(&self) -> Vec<Secret> {
        let values = self.headers.iter().filter_map(|(_, value)| value.to_str().ok());
        let each = values.flat_map(|value| [Some(value), value.split_once(' ').map(|(_, credential)| credential)]);
        each.flatten().map(Secret::new).chain(super::secret::secrets_of_url(&self.endpoint)).collect()
    }
}

/// What the environment alone says, by the protocol `named` if one is; `None`: no traces.
pub fn from_environment(env: &Env, named: Option<OtlpProtocol>) -> Option<Otlp> {
    let (written, is_whole) = endpoint_variable(env)?;
    let endpoint = parse(written)?;
    let protocol = named.or_else(|| protocol(env)).unwrap_or_else(|| guessed(&endpoint));
    let otlp = Otlp::new(endpoint.clone(), protocol, env);
    // The variable that is for traces alone is taken at its word.
    Some(if is_whole && endpoint.path() != "/" { Otlp { endpoint, ..otlp } } else { otlp })
}

/// Why what the environment says of an endpoint cannot be used.
pub fn mistake(env: &Env) -> Option<&'static str> {
    let (written, _) = endpoint_variable(env)?;
    parse(written).is_none().then_some("OTEL_EXPORTER_OTLP_ENDPOINT is no `http://` or `https://` address")
}

/// The protocol that the environment names, if it is one that is spoken here.
pub fn protocol(env: &Env) -> Option<OtlpProtocol> {
    let word = env.get_filled("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| env.get_filled("OTEL_EXPORTER_OTLP_PROTOCOL"))?;
    match word.trim() {
        "grpc" => Some(OtlpProtocol::Grpc),
        "http/protobuf" => Some(OtlpProtocol::Http),
        _ => None,
    }
}

/// What an address is for by its looks: gRPC's has neither a path nor HTTP's port.
pub fn guessed(endpoint: &Url) -> OtlpProtocol {
    match endpoint.port() == Some(HTTP_PORT) || endpoint.path() != "/" {
        true => OtlpProtocol::Http,
        false => OtlpProtocol::Grpc,
    }
}

/// The endpoint, and whether it is for traces alone.
fn endpoint_variable(env: &Env) -> Option<(&str, bool)> {
    let is_off = env.get("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let goes_elsewhere = env.get_filled("OTEL_TRACES_EXPORTER").is_some_and(|names| !names.split(',').any(|name| name.trim() == "otlp"));
    if is_off || goes_elsewhere {
        return None;
    }
    let of_traces = env.get_filled("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").map(|written| (written, true));
    of_traces.or_else(|| env.get_filled("OTEL_EXPORTER_OTLP_ENDPOINT").map(|written| (written, false)))
}

/// `collector:4317` is what other programs take too.
fn parse(written: &str) -> Option<Url> {
    let written = written.trim();
    let url = if written.contains("://") { Url::parse(written) } else { Url::parse(&format!("http://{written}")) };
    url.ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
}

fn with_path(mut endpoint: Url) -> Url {
    let path = endpoint.path().trim_end_matches('/').to_owned();
    endpoint.set_path(&if path.ends_with(PATH) { path } else { path + PATH });
    endpoint
}

/// Headers for all signals, and over them those for traces. What no header can hold is as good as unset.
fn headers(env: &Env) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
        for (name, value) in pairs(env.get(variable).unwrap_or_default()) {
            let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) else { continue };
            value.set_sensitive(true);
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        }
    }
    headers
}

fn resource(env: &Env) -> Vec<(String, String)> {
    let mut resource: Vec<(String, String)> = pairs(env.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()).collect();
    let named = resource.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.clone());
    let name = env.get_filled("OTEL_SERVICE_NAME").map(str::to_owned).or(named).unwrap_or_else(|| SERVICE.to_owned());
    resource.retain(|(name, _)| name != "service.name");
    resource.insert(0, ("service.name".to_owned(), name));
    resource
}

fn conventions(env: &Env) -> Conventions {
    let opted = env.get("OTEL_SEMCONV_STABILITY_OPT_IN").unwrap_or_default();
    match opted.split(',').any(|word| word.trim() == "gen_ai_latest_experimental") {
        true => Conventions::Latest,
        false => Conventions::Released,
    }
}

/// `name=value,name=value`, as in W3C Baggage: percent-encoded, blanks around them do not count.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(|text| text.into_owned());
    text.split(',').filter_map(move |pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name).filter(|name| !name.is_empty())?, decoded(value)?))
    })
}

/// Its headers hold credentials.
impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&HeaderName> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Otlp")
            .field("endpoint", &proxy::masked(&self.endpoint))
            .field("protocol", &self.protocol)
            .field("contents", &self.contents)
            .field("headers", &names)
            .field("conventions", &self.conventions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Conventions, Env, Otlp, OtlpProtocol, from_environment, mistake};

    fn otlp(variables: &[(&str, &str)]) -> Option<Otlp> {
        from_environment(&Env::for_tests(variables, "."), None)
    }

    #[test]
    fn the_environment_alone_turns_it_on() {
        let endpoint = |variables: &[(&str, &str)]| otlp(variables).map(|otlp| (otlp.protocol, otlp.endpoint.to_string()));
        let grpc = |address: &str| Some((OtlpProtocol::Grpc, address.to_owned()));
        let http = |address: &str| Some((OtlpProtocol::Http, address.to_owned()));
        const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        assert_eq!(endpoint(&[]), None);
        assert_eq!(endpoint(&[(ALL, "http://otel:4317")]), grpc("http://otel:4317/"));
        assert_eq!(endpoint(&[(ALL, "otel:4317")]), grpc("http://otel:4317/"));
        assert_eq!(endpoint(&[(ALL, "http://otel:4318/")]), http("http://otel:4318/v1/traces"));
        assert_eq!(endpoint(&[(ALL, "https://otel/base")]), http("https://otel/base/v1/traces"));
        assert_eq!(endpoint(&[(ALL, "https://otel"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]), http("https://otel/v1/traces"));
        assert_eq!(endpoint(&[(ALL, "http://a:4317"), (TRACES, "http://b:4318/own")]), http("http://b:4318/own"));
        assert_eq!(endpoint(&[(ALL, "http://otel:4317"), ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(endpoint(&[(ALL, "http://otel:4317"), ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(endpoint(&[(ALL, "ftp://otel")]), None);
        assert!(mistake(&Env::for_tests(&[(ALL, "ftp://otel")], ".")).is_some());
    }

    #[test]
    fn headers_and_the_resource_come_from_the_environment_and_show_no_secret() {
        let otlp = otlp(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example/?api_key=in-the-query"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20dXNlcjpwYXNz, x-team=a ,broken,=b,x y=c"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=traces"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=%E4%BA%AC"),
            ("OTEL_SERVICE_NAME", "gateway"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http, gen_ai_latest_experimental"),
        ])
        .unwrap();
        let headers: Vec<(&str, &str)> = otlp.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(headers, [("authorization", "Basic dXNlcjpwYXNz"), ("x-team", "traces")]);
        let resource: Vec<String> = otlp.resource.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(resource, ["service.name=gateway", "deployment.environment.name=京"]);
        assert_eq!(otlp.conventions, Conventions::Latest);
        let secrets: Vec<String> = otlp.secrets().iter().map(|secret| secret.expose().to_owned()).collect();
        assert_eq!(secrets, ["Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "traces", "in-the-query"]);
        let shown = format!("{otlp:?}");
        assert!(secrets.iter().all(|secret| !shown.contains(secret.as_str())), "{shown}");
    }
}
