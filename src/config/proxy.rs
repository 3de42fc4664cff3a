//! Proxies from the environment, and proxies as they may be shown.

use std::fmt;

use url::Url;

use super::Proxy;
use super::env::Env;

/// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case; what is no URL is as good as unset.
pub fn from_environment(env: &Env) -> Proxy {
    let read = |upper: &str| env.get_filled(&upper.to_lowercase()).or_else(|| env.get_filled(upper)).map(str::trim);
    let url = |name: &str| read(name).and_then(parse);
    let all = url("ALL_PROXY");
    let (https, http) = (url("HTTPS_PROXY").or_else(|| all.clone()), url("HTTP_PROXY").or(all));
    Proxy::Environment { https, http, no_proxy: read("NO_PROXY").map(str::to_owned) }
}

/// `url` as a configuration shows it, without what may be secret in it.
pub fn masked(url: &Url) -> String {
    without_secrets(url).as_str().trim_end_matches('/').to_owned()
}

/// `url` without what may be secret in it: a password, else a user, for that is a token then; and the query's values.
pub fn without_secrets(url: &Url) -> Url {
    let mut shown = url.clone();
    // Both fail only for URLs without a host, which have neither.
    let _ = match (shown.password().is_some(), shown.username().is_empty()) {
        (true, _) => shown.set_password(Some(MASK)),
        (false, false) => shown.set_username(MASK),
        (false, true) => Ok(()),
    };
    if let Some(query) = url.query() {
        let parameters: Vec<String> = query.split('&').map(masked_parameter).collect();
        shown.set_query(Some(&parameters.join("&")));
    }
    shown
}

const MASK: &str = "****";

fn masked_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::Environment { https, http, no_proxy } => {
                let mut shown = f.debug_struct("Environment");
                shown.field("https", &https.as_ref().map(masked)).field("http", &http.as_ref().map(masked));
                shown.field("no_proxy", no_proxy).finish()
            }
            Proxy::Through(url) => f.debug_tuple("Through").field(&masked(url)).finish(),
            Proxy::None => f.write_str("None"),
        }
    }
}

/// `proxy:3128` is what curl takes too.
fn parse(text: &str) -> Option<Url> {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    url.ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h"))
}

#[cfg(test)]
mod tests {
    use super::{Env, Proxy, Url, from_environment, masked};

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        let env = Env::for_tests(&[("HTTPS_PROXY", "proxy:3128"), ("all_proxy", "socks5://u:p@all:1080"), ("NO_PROXY", "localhost")], ".");
        let Proxy::Environment { https: Some(https), http: Some(http), no_proxy } = from_environment(&env) else { panic!() };
        assert_eq!((masked(&https).as_str(), masked(&http).as_str()), ("http://proxy:3128", "socks5://u:****@all:1080"));
        let shown = masked(&Url::parse("https://token@a.example/v1/?key=sk-1&sk-2").unwrap());
        assert_eq!(shown, "https://****@a.example/v1/?key=****&****");
        assert_eq!(no_proxy.as_deref(), Some("localhost"));
        assert!(!format!("{:?}", from_environment(&env)).contains(":p@"));
    }
}
