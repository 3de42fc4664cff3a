//! Where a call goes: below one `base_url`, and for most upstreams by OpenAI's paths.

use http::header::{ACCEPT_ENCODING, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use url::Url;

use super::{Call, ProviderError, Target};
use crate::config;
use crate::hub::{Endpoint, Kind};

/// Sent where the client names no program of its own.
pub const AGENT: &str = concat!("llmgw/", env!("CARGO_PKG_VERSION"));

/// As many headers as a head gets beside those of the client and of the configuration: about its encoding, who sends it,
/// its dialect, up to four of a signature, and its trace.
const ADDED: usize = 8;

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The version of Anthropic's API where the client names none: the one that every model still answers to.
const USUAL_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// What RFC 3986 leaves as it is in a segment.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as one segment of a path, whatever it holds.
pub fn segment(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, SEGMENT)
}

/// One `base_url`, and what goes into every request's head.
pub struct Base {
    base: String,
    query: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Base {
    /// That of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Base {
        Base { base: base(&config.base_url), query: config.base_url.query().map(str::to_owned), headers: config.headers.clone() }
    }

    /// `path` further down, instead of `ending` if it ends so.
    pub fn below(self, ending: &str, path: &str) -> Base {
        let root = self.base.strip_suffix(ending).unwrap_or(&self.base);
        Base { base: format!("{root}{path}"), ..self }
    }

    /// Whether its path ends so.
    pub fn ends_with(&self, ending: &str) -> bool {
        self.base.ends_with(ending)
    }

    /// With this parameter in every address.
    pub fn with_query(self, parameter: String) -> Base {
        let query = self.query.into_iter().chain([parameter]).collect::<Vec<_>>().join("&");
        Base { query: Some(query), ..self }
    }

    /// The address of `path`, which begins with a slash.
    pub fn join(&self, path: &str) -> Result<Uri, ProviderError> {
        let mut joined = format!("{}{path}", self.base);
        if let Some(query) = &self.query {
            joined.push(if path.contains('?') { '&' } else { '?' });
            joined.push_str(query);
        }
        joined.parse().map_err(|_| ProviderError::Address("the path is not part of a URI".to_owned()))
    }

    /// The head of `call` to `uri`: the client's headers, then what llmgw needs, then what is configured.
    pub fn head(&self, call: &Call<'_>, uri: Uri) -> Parts {
        match call.target {
            Target::Chat(kind) | Target::CountTokens(kind) => self.head_in(kind, call, uri),
            Target::Endpoint(_) | Target::Models | Target::Path(_) => self.head_in(Kind::OpenAiChat, call, uri),
        }
    }

    /// The same with what an upstream of this dialect wants in every head.
    pub fn head_in(&self, kind: Kind, call: &Call<'_>, uri: Uri) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = call.method.clone();
        head.uri = uri;
        // With room for these, and for what it is signed with: a map that grows is copied.
        head.headers = HeaderMap::with_capacity(call.headers.len() + self.headers.len() + ADDED);
        head.headers.extend(call.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        head.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        if kind == Kind::Anthropic {
            head.headers.entry(ANTHROPIC_VERSION).or_insert(USUAL_VERSION);
        }
        for (name, value) in &self.headers {
            head.headers.insert(name, value.clone());
        }
        head
    }
}

/// The addresses of an upstream whose paths are OpenAI's.
pub struct Address {
    base: Base,
    // In the order of `Endpoint::ALL`; made once, because making one parses it.
    endpoints: Vec<Uri>,
    responses: Uri,
    messages: Uri,
    models: Uri,
}

impl Address {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Result<Address, ProviderError> {
        Address::at(Base::new(config))
    }

    /// The addresses below `base`.
    pub fn at(base: Base) -> Result<Address, ProviderError> {
        Ok(Address {
            endpoints: Endpoint::ALL.iter().map(|endpoint| base.join(endpoint.path())).collect::<Result<_, _>>()?,
            responses: base.join("/responses")?,
            messages: base.join("/messages")?,
            models: base.join("/models")?,
            base,
        })
    }

    /// The head of `call`.
    pub fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        Ok(self.base.head(call, self.uri(&call.target)?))
    }

    fn uri(&self, target: &Target<'_>) -> Result<Uri, ProviderError> {
        match target {
            Target::Chat(Kind::OpenAiChat) => self.endpoint(Endpoint::ChatCompletions),
            Target::Chat(Kind::OpenAiText) => self.endpoint(Endpoint::Completions),
            Target::Chat(Kind::OpenAiResponses) => Ok(self.responses.clone()),
            Target::Chat(Kind::Anthropic) => Ok(self.messages.clone()),
            Target::CountTokens(Kind::OpenAiResponses) => self.base.join("/responses/input_tokens"),
            Target::CountTokens(Kind::Anthropic) => self.base.join("/messages/count_tokens"),
            Target::Chat(Kind::Gemini | Kind::Bedrock) | Target::CountTokens(_) => Err(ProviderError::without(target)),
            Target::Endpoint(endpoint) => self.endpoint(*endpoint),
            Target::Models => Ok(self.models.clone()),
            Target::Path(path) => self.base.join(path),
        }
    }

    fn endpoint(&self, endpoint: Endpoint) -> Result<Uri, ProviderError> {
        let position = Endpoint::ALL.iter().position(|other| *other == endpoint);
        match position.and_then(|position| self.endpoints.get(position)) {
            Some(uri) => Ok(uri.clone()),
            None => self.base.join(endpoint.path()),
        }
    }
}

fn base(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::Address;
    use crate::hub::{Endpoint, Kind};
    use crate::providers::{Call, Target};
    use crate::transport::testing::provider;

    fn uri(base_url: &str, target: Target<'_>) -> String {
        let call = Call { target, method: &Method::POST, model: "m", stream: false, headers: &HeaderMap::new() };
        Address::new(&provider(base_url)).unwrap().head(&call).unwrap().uri.to_string()
    }

    #[test]
    fn paths_are_joined_below_the_base() {
        for endpoint in Endpoint::ALL {
            assert_eq!(uri("https://a.example/v1", Target::Endpoint(endpoint)), format!("https://a.example/v1{}", endpoint.path()));
        }
        assert_eq!(uri("https://a.example", Target::Models), "https://a.example/models");
        assert_eq!(uri("https://a.example/v1/", Target::Path("/files?limit=2")), "https://a.example/v1/files?limit=2");
        assert_eq!(uri("https://a.example/v1?api-version=3", Target::Models), "https://a.example/v1/models?api-version=3");
        assert_eq!(uri("https://a.example/v1?v=3", Target::Path("/a?b=c")), "https://a.example/v1/a?b=c&v=3");
    }

    #[test]
    fn every_dialect_with_openais_paths_has_its_own() {
        for (target, path) in [
            (Target::Chat(Kind::OpenAiChat), "/chat/completions"),
            (Target::Chat(Kind::OpenAiText), "/completions"),
            (Target::Chat(Kind::OpenAiResponses), "/responses"),
            (Target::Chat(Kind::Anthropic), "/messages"),
            (Target::CountTokens(Kind::OpenAiResponses), "/responses/input_tokens"),
            (Target::CountTokens(Kind::Anthropic), "/messages/count_tokens"),
        ] {
            assert_eq!(uri("https://a.example/v1", target), format!("https://a.example/v1{path}"));
        }
        let call =
            Call { target: Target::Chat(Kind::Gemini), method: &Method::POST, model: "m", stream: false, headers: &HeaderMap::new() };
        let refused = Address::new(&provider("https://a.example")).unwrap().head(&call).unwrap_err();
        assert_eq!(refused.to_string(), "cannot address the upstream: it does not speak `gemini`");
    }

    #[test]
    fn configured_headers_come_last() {
        let mut config = provider("https://a.example");
        config.headers = vec![(HeaderName::from_static("x-team"), HeaderValue::from_static("a"))];
        let mut headers = HeaderMap::new();
        headers.insert("x-team", HeaderValue::from_static("client's"));
        headers.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=b"));
        let call = Call { target: Target::Models, method: &Method::GET, model: "", stream: false, headers: &headers };
        let head = Address::new(&config).unwrap().head(&call).unwrap();
        assert_eq!(head.headers["x-team"], "a");
        assert_eq!(head.headers["accept-encoding"], "identity");
        assert_eq!(head.headers["content-type"], "multipart/form-data; boundary=b");
        assert!(head.headers["user-agent"].to_str().unwrap().starts_with("llmgw/"));
    }
}
