//! Which way connections to one origin take: directly, or through which proxy.

use std::fmt;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::{Host, Url};

use crate::config::Proxy;

/// The way to one origin. Names are resolved by the proxy where there is one. Its `Debug` shows no login.
#[derive(Clone, PartialEq, Eq)]
pub enum Via {
    /// No proxy.
    Direct,
    /// An HTTP proxy that is sent the whole request, for `http` origins.
    Forward(HttpProxy),
    /// An HTTP proxy that opens a tunnel, for `https` origins.
    Tunnel(HttpProxy),
    /// A SOCKS5 proxy.
    Socks {
        /// Where it is.
        proxy: Uri,
        /// Username and password.
        login: Option<(String, String)>,
    },
}

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProxy {
    /// Where it is.
    pub proxy: Uri,
    /// `Proxy-Authorization`.
    pub authorization: Option<HeaderValue>,
}

impl Via {
    /// The way to `origin` under `proxy`; `Err` says what cannot be done.
    pub fn decide(proxy: &Proxy, origin: &Url) -> Result<Via, String> {
        let matcher = match proxy {
            Proxy::None => return Ok(Via::Direct),
            // As curl and Go do: a proxy for the way out is not asked for what is on this machine.
            Proxy::Environment { .. } if is_loopback(origin) => return Ok(Via::Direct),
            Proxy::Through(url) => Matcher::builder().all(url.as_str()).build(),
            Proxy::Environment { https, http, no_proxy } => Matcher::builder()
                .https(text(https.as_ref()))
                .http(text(http.as_ref().or(https.as_ref())))
                .no(no_proxy.clone().unwrap_or_default())
                .build(),
        };
        let target: Uri = origin.as_str().parse().map_err(|_| "its address is not a URI".to_owned())?;
        match matcher.intercept(&target) {
            Some(intercept) => Via::through(&intercept, origin.scheme() == "https"),
            None if matches!(proxy, Proxy::Through(_)) => Err("its proxy has no usable address".to_owned()),
            None => Ok(Via::Direct),
        }
    }

    /// What every plain request through this proxy must carry.
    pub fn forward_authorization(&self) -> Option<&HeaderValue> {
        match self {
            Via::Forward(HttpProxy { authorization, .. }) => authorization.as_ref(),
            _ => None,
        }
    }

    fn through(intercept: &Intercept, tunnel: bool) -> Result<Via, String> {
        let proxy = intercept.uri().clone();
        match proxy.scheme_str() {
            Some("http") => {
                let proxy = HttpProxy { proxy, authorization: intercept.basic_auth().cloned() };
                Ok(if tunnel { Via::Tunnel(proxy) } else { Via::Forward(proxy) })
            }
            Some("socks5" | "socks5h") => {
                let login = intercept.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
                Ok(Via::Socks { proxy: with_port(proxy, 1080)?, login })
            }
            other => Err(format!("a proxy speaks `http` or `socks5`, not `{}`", other.unwrap_or_default())),
        }
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Direct => f.write_str("Direct"),
            Via::Forward(proxy) => f.debug_tuple("Forward").field(proxy).finish(),
            Via::Tunnel(proxy) => f.debug_tuple("Tunnel").field(proxy).finish(),
            Via::Socks { proxy, .. } => f.debug_struct("Socks").field("proxy", proxy).finish_non_exhaustive(),
        }
    }
}

fn with_port(proxy: Uri, port: u16) -> Result<Uri, String> {
    if proxy.port().is_some() {
        return Ok(proxy);
    }
    let host = proxy.host().unwrap_or_default();
    format!("{}://{host}:{port}/", proxy.scheme_str().unwrap_or_default()).parse().map_err(|_| "its proxy has no usable address".to_owned())
}

fn text(url: Option<&Url>) -> String {
    url.map(Url::to_string).unwrap_or_default()
}

/// Whether `origin` is on this machine.
pub fn is_loopback(origin: &Url) -> bool {
    match origin.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Via;
    use crate::config::Proxy;

    fn way(proxy: &Proxy, origin: &str) -> Result<Via, String> {
        Via::decide(proxy, &Url::parse(origin).unwrap())
    }

    fn environment(https: Option<&str>, http: Option<&str>, no_proxy: Option<&str>) -> Proxy {
        let parse = |url: &str| Url::parse(url).unwrap();
        Proxy::Environment { https: https.map(parse), http: http.map(parse), no_proxy: no_proxy.map(str::to_owned) }
    }

    #[test]
    fn the_environment_is_obeyed_except_for_this_machine() {
        let proxy = environment(Some("http://user:word@proxy:3128"), None, Some("internal.example, 10.0.0.0/8"));
        let Ok(Via::Tunnel(tunnel)) = way(&proxy, "https://api.openai.com/v1") else { panic!("no tunnel") };
        assert_eq!(tunnel.proxy.to_string(), "http://proxy:3128/");
        assert_eq!(tunnel.authorization.unwrap(), "Basic dXNlcjp3b3Jk");
        assert!(matches!(way(&proxy, "http://example.com/v1"), Ok(Via::Forward(_))));
        for direct in ["https://a.internal.example/v1", "http://10.1.2.3:8000/v1", "http://localhost:11434/v1", "http://[::1]:80/v1"] {
            assert_eq!(way(&proxy, direct), Ok(Via::Direct), "{direct}");
        }
        assert_eq!(way(&environment(None, None, None), "https://api.openai.com"), Ok(Via::Direct));
        assert_eq!(way(&environment(None, Some("http://p:1"), None), "https://api.openai.com"), Ok(Via::Direct));
    }

    #[test]
    fn a_named_proxy_is_always_taken() {
        let socks = Proxy::Through(Url::parse("socks5://user:word@proxy").unwrap());
        let login = Some(("user".to_owned(), "word".to_owned()));
        assert_eq!(way(&socks, "https://api.openai.com"), Ok(Via::Socks { proxy: "socks5://proxy:1080/".parse().unwrap(), login }));
        let http = Proxy::Through(Url::parse("http://proxy:3128").unwrap());
        assert!(matches!(way(&http, "http://localhost:1/v1"), Ok(Via::Forward(_))));
        assert!(way(&Proxy::Through(Url::parse("https://proxy").unwrap()), "https://a.example").unwrap_err().contains("not `https`"));
    }
}
