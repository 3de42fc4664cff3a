//! A running gateway, as the commands that ask one find it, ask it and are refused by it.

use std::convert::Infallible;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueHint;
use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::cli::context::{Context, Rejected};
use crate::cli::failure::Failure;
use crate::cli::trust::trusting;
use crate::config::proxy::without_secrets;
use crate::config::{Config, Secret, ServerTls};
use crate::transport::cause::describe;
use crate::transport::tls::pem_error;
use crate::transport::via::is_loopback;

/// Administration reads files, and waits for a first discovery at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway that may be running.
pub struct Remote {
    base: Url,
    key: Option<Secret>,
    /// Whose certificate is trusted, beside what the system trusts.
    own: Option<ServerTls>,
    /// Made for the first request; those that follow go over its connections.
    client: OnceLock<reqwest::Client>,
    /// How long an answer may take.
    limit: Duration,
}

/// Which gateway a command administers.
#[derive(Debug, clap::Args)]
pub struct Administered {
    /// Where the gateway is [default: from the configuration's host, port and scheme]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Url>,
    /// Its admin key [default: the configuration's admin.key]
    #[arg(long, value_name = "KEY", value_parser = secret)]
    pub key: Option<Secret>,
}

impl Administered {
    /// The configuration that says where it is, and what its key is. Who names a gateway needs no file here, but for its key.
    pub fn config(&self, context: &Context) -> Result<Option<Config>, Rejected> {
        match context.load(&context.overrides()) {
            Ok(loaded) => Ok(Some(loaded.config)),
            Err(_) if self.url.is_some() => Ok(None),
            Err(rejected) => Err(rejected),
        }
    }

    /// It, by what [`Self::config`] is.
    pub fn find(self, config: Option<&Config>) -> Result<Remote, Failure> {
        Remote::find(self.url, self.key, config)
    }
}

/// What a gateway answered.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// JSON, or whatever else it was as a text.
    pub body: Value,
}

impl fmt::Display for Remote {
    /// Its address, without what may be secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        without_secrets(&self.base).fmt(f)
    }
}

impl Remote {
    /// The gateway at `url`, else the one that `config` describes; its admin key is `key`, else the one of `config`.
    pub fn find(url: Option<Url>, key: Option<Secret>, config: Option<&Config>) -> Result<Remote, Failure> {
        let port = config.map(|config| config.admin.port.unwrap_or(config.server.port));
        let key = key.or_else(|| config?.admin.key.clone());
        Ok(Remote { key, ..Remote::near(url, port, config)? })
    }

    /// The same as its clients reach it: at the port that serves them, with a key of theirs if they have one.
    pub fn serving(url: Option<Url>, key: Option<Secret>, config: Option<&Config>) -> Result<Remote, Failure> {
        Ok(Remote { key, ..Remote::near(url, config.map(|config| config.server.port), config)? })
    }

    fn near(url: Option<Url>, port: Option<u16>, config: Option<&Config>) -> Result<Remote, Failure> {
        let own = config.and_then(|config| config.server.tls.clone()).filter(|_| url.is_none());
        let Some(base) = url.or_else(|| address(config?, port?)) else {
            return Err(Failure::usage("the configuration names no address that a gateway can be reached at").hint("give one with `--url`"));
        };
        Ok(Remote { base, key: None, own, client: OnceLock::new(), limit: TIMEOUT })
    }

    /// The gateway at `url`, which may be the one that OpenAI's clients are given, for who calls it with `key`.
    pub fn at(mut url: Url, key: Option<Secret>) -> Remote {
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(path.strip_suffix("/v1").unwrap_or(&path));
        Remote { base: url, key, own: None, client: OnceLock::new(), limit: TIMEOUT }
    }

    /// The same, but an answer that takes longer is none.
    pub fn within(self, limit: Duration) -> Remote {
        Remote { limit, ..self }
    }

    /// Where it is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for `path`. The inner `Err`: nobody answered, and why.
    pub async fn ask(&self, method: Method, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Result<Answer, String>> {
        self.ask_within(self.limit, method, path, query).await
    }

    /// The same, for what may take longer.
    pub async fn ask_within(
        &self,
        limit: Duration,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<Result<Answer, String>> {
        let is_post = method == Method::POST;
        let mut request = self.request(method, path, query)?.timeout(limit);
        if is_post {
            request = request.header(CONTENT_TYPE, "application/json").body("{}");
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Err(describe(&error.without_url()))),
        };
        Ok(Ok(Answer::of(response).await))
    }

    /// Asks for an answer that goes on for as long as somebody reads it.
    pub async fn follow(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Result<reqwest::Response, String>> {
        let begun = timeout(self.limit, self.request(Method::GET, path, query)?.send()).await;
        Ok(match begun {
            Ok(begun) => begun.map_err(|error| describe(&error.without_url())),
            Err(_) => Err("it took too long".to_owned()),
        })
    }

    /// Posts `body` to `path`, and hands back what comes, as it comes. The inner `Err`: nobody answered, and why.
    pub async fn post(&self, path: &str, body: String) -> anyhow::Result<Result<Response<reqwest::Body>, String>> {
        let request = self.request(Method::POST, path, &[])?.header(CONTENT_TYPE, "application/json").body(body);
        Ok(request.send().await.map(Response::from).map_err(|error| describe(&error.without_url())))
    }

    /// Where `path` is asked for, without what may be secret in it.
    pub fn address_of(&self, path: &str) -> String {
        without_secrets(&self.endpoint(path, &[])).to_string()
    }

    /// What is shown to it.
    pub fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> anyhow::Result<reqwest::RequestBuilder> {
        let request = self.client()?.request(method, self.endpoint(path, query));
        Ok(match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        })
    }

    fn client(&self) -> anyhow::Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder().connect_timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if is_loopback(&self.base) {
            // A proxy for the way out would be told the key.
            builder = builder.no_proxy();
        }
        if let Some(tls) = &self.own {
            // Whoever can read this file is meant to trust it.
            let chain = CertificateDer::pem_file_iter(&tls.cert).and_then(Iterator::collect);
            let chain = chain.map_err(|error| anyhow!("cannot read {}: {}", tls.cert.display(), pem_error(&error)))?;
            builder = builder.tls_backend_preconfigured(trusting(chain)?);
        }
        let client = builder.build().context("cannot make a client")?;
        Ok(self.client.get_or_init(|| client))
    }

    /// `path` below the address, which may be behind a reverse proxy's path.
    fn endpoint(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Nobody answered, for this reason.
    pub fn absent(&self, reason: &str) -> Failure {
        if self.own.is_some() && reason.starts_with("tls: ") {
            return Failure::failed(format!("{self} is not trusted: {reason}"))
                .hint("it does not show the certificate of `server.tls`; has it been renewed, SIGHUP makes the gateway read it");
        }
        Failure::failed(format!("no gateway answers at {self}: {reason}")).hint("start one with `llmgw serve`, or name it with `--url`")
    }
}

impl Answer {
    /// All of `response`.
    pub async fn of(response: reqwest::Response) -> Answer {
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Why it was refused, as every administrator may be.
    pub fn refused(&self) -> Failure {
        let message = self.message();
        match self.status {
            StatusCode::UNAUTHORIZED => Failure::failed("the gateway refuses the key").hint("give its admin key with `--key`"),
            StatusCode::FORBIDDEN => {
                Failure::failed(format!("the gateway refuses: {message}")).hint("set `admin.key`, and give it with `--key`")
            }
            StatusCode::NOT_FOUND => {
                Failure::failed("no gateway is administered at this address").hint("check `--url`, and whether `admin.port` is set")
            }
            status => Failure::failed(format!("the gateway answered {status}: {message}")),
        }
    }

    /// What it says went wrong.
    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().or(self.body.as_str()).unwrap_or_default().trim()
    }
}

/// Where the gateway of this configuration is reached at `port`.
fn address(config: &Config, port: u16) -> Option<Url> {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    if port == 0 { None } else { Url::parse(&format!("{scheme}://{host}:{port}")).ok() }
}

/// A key of the command line.
pub fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Reads an address of the web; says what is missing of one that a browser would complete.
pub fn web_address(text: &str) -> Result<Url, String> {
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(text) {
        Ok(url) if is_web(&url) => Ok(url),
        _ if !text.contains("://") && Url::parse(&format!("http://{text}")).is_ok_and(|url| is_web(&url)) => {
            Err(format!("it must begin with http:// or https://; try `http://{text}`"))
        }
        Ok(_) => Err("it must begin with http:// or https://".to_owned()),
        Err(error) => Err(format!("{error}; write it as `http://127.0.0.1:8000`")),
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};
    use serde_json::json;
    use url::Url;

    use super::{Answer, Remote, web_address};
    use crate::cli::failure::Exit;

    fn remote(base: &str) -> Remote {
        Remote::find(Some(Url::parse(base).unwrap()), None, None).unwrap()
    }

    #[test]
    fn a_gateway_behind_a_path_is_reached() {
        let url = |base: &str, query: &[(&str, &str)]| remote(base).endpoint("/reload", query).to_string();
        assert_eq!(url("http://127.0.0.1:8000", &[]), "http://127.0.0.1:8000/reload");
        assert_eq!(url("https://gw.example/llm/", &[("check", "true")]), "https://gw.example/llm/reload?check=true");
        assert_eq!(url("http://gw.example/?x", &[("model", "a/b&c 型")]), "http://gw.example/reload?model=a%2Fb%26c+%E5%9E%8B");
    }

    #[test]
    fn a_gateway_is_known_by_the_address_that_openais_clients_are_given() {
        let at = |url: &str| Remote::at(Url::parse(url).unwrap(), None).address_of("/v1/chat/completions");
        for url in ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/"] {
            assert_eq!(at(url), "http://127.0.0.1:8000/v1/chat/completions");
        }
        assert_eq!(at("https://me:geheim@gw.example/llm/v1"), "https://me:****@gw.example/llm/v1/chat/completions");
    }

    #[test]
    fn an_address_without_a_scheme_is_told_apart() {
        assert!(web_address("http://127.0.0.1:8124").is_ok());
        for text in ["127.0.0.1:8124", "localhost:8124", "gw.example"] {
            assert!(web_address(text).unwrap_err().contains(&format!("try `http://{text}`")), "{text}");
        }
        for text in ["ftp://gw.example", "not a url"] {
            assert!(!web_address(text).unwrap_err().contains("try"), "{text}");
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_told_in_two_words() {
        // Fails only when another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let answer = remote(&format!("http://127.0.0.1:{port}")).ask(Method::POST, "/reload", &[]).await.unwrap();
        assert_eq!(answer.err().as_deref(), Some("connection refused"));
    }

    #[test]
    fn a_refusal_comes_with_its_way_out() {
        for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
            let failure = Answer { status, body: json!(null) }.refused();
            assert_eq!((failure.exit, failure.hint.is_some()), (Exit::Failed, true), "{status}");
        }
    }
}
