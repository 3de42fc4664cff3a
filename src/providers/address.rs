//! Where a call goes, for upstreams whose paths are OpenAI's: `base_url` + path.

use http::header::{ACCEPT_ENCODING, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Uri};
use url::Url;

use super::{Call, ProviderError, Target};
use crate::config;
use crate::hub::Endpoint;

/// Sent where the client names no program of its own.
pub const AGENT: &str = concat!("llmgw/", env!("CARGO_PKG_VERSION"));

/// The addresses below one `base_url`, and what goes into every request's head.
pub struct Address {
    base: String,
    query: Option<String>,
    // In the order of `Endpoint::ALL`; made once, because making one parses it.
    endpoints: Vec<Uri>,
    models: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Address {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Result<Address, ProviderError> {
        let mut address = Address {
            base: base(&config.base_url),
            query: config.base_url.query().map(str::to_owned),
            endpoints: Vec::new(),
            models: Uri::default(),
            headers: config.headers.clone(),
        };
        address.models = address.join("/models")?;
        address.endpoints = Endpoint::ALL.iter().map(|endpoint| address.join(endpoint.path())).collect::<Result<_, _>>()?;
        Ok(address)
    }

    /// The head of `call`: the client's headers, then what llmgw needs, then what is configured.
    pub fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = call.method.clone();
        head.uri = match call.target {
            Target::Endpoint(endpoint) => self.endpoint(endpoint)?,
            Target::Models => self.models.clone(),
            Target::Path(path) => self.join(path)?,
        };
        head.headers = call.headers.clone();
        head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        head.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        for (name, value) in &self.headers {
            head.headers.insert(name, value.clone());
        }
        Ok(head)
    }

    fn endpoint(&self, endpoint: Endpoint) -> Result<Uri, ProviderError> {
        let position = Endpoint::ALL.iter().position(|other| *other == endpoint);
        match position.and_then(|position| self.endpoints.get(position)) {
            Some(uri) => Ok(uri.clone()),
            None => self.join(endpoint.path()),
        }
    }

    fn join(&self, path: &str) -> Result<Uri, ProviderError> {
        let mut joined = format!("{}{path}", self.base);
        if let Some(query) = &self.query {
            joined.push(if path.contains('?') { '&' } else { '?' });
            joined.push_str(query);
        }
        joined.parse().map_err(|_| ProviderError::Address("the path is not part of a URI".to_owned()))
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
    use crate::hub::Endpoint;
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
