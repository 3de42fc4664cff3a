//! [`Control`]: requests beside the traffic: logins, lists of models, health, calls from the command line to a server,
//! traces to a collector.
//!
//! Whole replies only, none larger than [`MAX_REPLY`]; no redirects, no retries.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Limited};
use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy};
use tokio::sync::OnceCell;
use url::Url;

use super::tls::{Tls, TransportSetupError};
use super::via::Via;
use super::{TransportError, cause, decode};
use crate::config;

/// A list of models is some hundred kilobytes at most; this leaves room and still bounds the memory.
pub const MAX_REPLY: usize = 16 * 1024 * 1024;

/// What is on this machine is not reached through the environment's proxies; see [`Via::decide`].
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The headers that stand behind a reply's body.
#[derive(Clone, Debug)]
pub struct Trailers(pub HeaderMap);

/// Small requests, made the way a provider's connections are made.
pub struct Control {
    proxy: config::Proxy,
    tls: Tls,
    connect: Duration,
    /// HTTP/2, and nothing else.
    http2: bool,
    // Two, because one that can speak TLS must have read the system's roots, and that takes its time.
    plain: OnceCell<Client>,
    secure: OnceCell<Client>,
}

impl Control {
    /// With the proxy, the trust and the `connect` limit of `config`. Connects to nothing.
    pub fn for_provider(config: &config::Provider) -> Result<Control, TransportSetupError> {
        let address = |reason| TransportSetupError::Address { provider: config.name.to_string(), reason };
        Via::decide(&config.proxy, &config.base_url).map_err(address)?;
        Ok(Control::new(config.proxy.clone(), Tls::load(config)?, config.timeout.connect, false))
    }

    /// For what is no provider, such as a collector of traces: by this proxy, with the system's roots; `http2`: by HTTP/2 and
    /// nothing else, as gRPC wants it.
    pub fn through(proxy: config::Proxy, connect: Duration, http2: bool) -> Control {
        Control::new(proxy, Tls::default(), connect, http2)
    }

    /// Without a proxy, with the system's roots: for what is no provider, such as a running llmgw.
    pub fn direct(connect: Duration) -> Control {
        Control::new(config::Proxy::None, Tls::default(), connect, false)
    }

    fn new(proxy: config::Proxy, tls: Tls, connect: Duration, http2: bool) -> Control {
        Control { proxy, tls, connect, http2, plain: OnceCell::new(), secure: OnceCell::new() }
    }

    /// Sends `request` and waits at most `timeout` for the whole reply. What stands behind its body, where gRPC puts how it
    /// went, is an extension of it: [`Trailers`].
    pub async fn send(&self, request: Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, TransportError> {
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::Closed(format!("no complete reply within {}", humantime::format_duration(timeout)))),
        }
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let client = self.client(request.uri().scheme_str() == Some("https")).await?;
        request.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        let request = reqwest::Request::try_from(request).map_err(|error| TransportError::Connect(words(error)))?;
        let response = client.execute(request).await.map_err(|error| self.failure(error))?;
        let (head, body) = decode::response(Response::from(response))?.into_parts();
        let body = Limited::new(body, MAX_REPLY).collect().await.map_err(|error| match error.downcast::<TransportError>() {
            Ok(own) => *own,
            Err(_) => TransportError::Broken(format!("larger than {} MiB", MAX_REPLY >> 20)),
        })?;
        let trailers = body.trailers().cloned();
        let mut response = Response::from_parts(head, body.to_bytes());
        if let Some(trailers) = trailers {
            response.extensions_mut().insert(Trailers(trailers));
        }
        Ok(response)
    }

    async fn client(&self, secure: bool) -> Result<&Client, TransportError> {
        let connect = |error: &(dyn std::error::Error + 'static)| TransportError::Connect(cause::describe(error));
        if secure {
            let client = async || {
                let mut tls = self.tls.client_config(false).await.map_err(|error| connect(&error))?;
                if self.http2 {
                    tls.alpn_protocols = vec![b"h2".to_vec()];
                }
                self.build(tls)
            };
            return self.secure.get_or_try_init(client).await;
        }
        self.plain.get_or_try_init(async || self.build(self.tls.distrusting().map_err(|error| connect(&error))?)).await
    }

    fn build(&self, tls: rustls::ClientConfig) -> Result<Client, TransportError> {
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(self.connect)
            .retry(reqwest::retry::never())
            .no_proxy();
        builder = if self.http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
        for proxy in self.proxies().map_err(|error| TransportError::Connect(words(error)))? {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| TransportError::Connect(words(error)))
    }

    fn proxies(&self) -> reqwest::Result<Vec<Proxy>> {
        match &self.proxy {
            config::Proxy::None => Ok(Vec::new()),
            config::Proxy::Through(url) => Ok(vec![Proxy::all(address(url))?]),
            config::Proxy::Environment { https, http, no_proxy } => {
                let except = NoProxy::from_string(&format!("{},{LOOPBACK}", no_proxy.as_deref().unwrap_or_default()));
                let https_proxy = https.as_ref().map(|url| Proxy::https(address(url)));
                let http_proxy = http.as_ref().or(https.as_ref()).map(|url| Proxy::http(address(url)));
                let proxies: reqwest::Result<Vec<Proxy>> = https_proxy.into_iter().chain(http_proxy).collect();
                Ok(proxies?.into_iter().map(|proxy| proxy.no_proxy(except.clone())).collect())
            }
        }
    }

    fn failure(&self, error: reqwest::Error) -> TransportError {
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => TransportError::ConnectTimeout(self.connect),
            (true, false) => TransportError::Connect(words(error)),
            _ => TransportError::Closed(words(error)),
        }
    }
}

/// To reqwest, `socks5` resolves names here; through a relay's proxy it never does.
fn address(proxy: &Url) -> String {
    match proxy.as_str().strip_prefix("socks5://") {
        Some(rest) => format!("socks5h://{rest}"),
        None => proxy.to_string(),
    }
}

/// reqwest's own words hold the whole address.
fn words(error: reqwest::Error) -> String {
    cause::describe(&error.without_url())
}
