//! Makes connections to one upstream: TCP, a proxy if there is one, TLS if the address wants it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::cause;
use super::connection::{Connection, Count, Stream};
use super::tls::Tls;
use super::via::{HttpProxy, Via};
use super::{Handshake, TransportError};

/// Between two probes that keep middleboxes from forgetting a silent connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Makes connections to one upstream. Cloning shares everything.
#[derive(Clone)]
pub struct Connector(Arc<Settings>);

/// Finds the addresses of hosts. By default, the way the system does.
#[derive(Clone, Default)]
pub struct Resolver(Option<Lookup>);

type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

struct Settings {
    tcp: HttpConnector<Resolver>,
    via: Via,
    tls: Tls,
    http2: bool,
    limit: Duration,
    config: OnceCell<Arc<ClientConfig>>,
    count: Count,
}

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// Not within the limit.
    #[error("timed out")]
    TimedOut(Duration),
    /// For this reason.
    #[error("{0}")]
    Failed(String),
}

impl From<ConnectFailure> for TransportError {
    fn from(failure: ConnectFailure) -> TransportError {
        match failure {
            ConnectFailure::TimedOut(limit) => TransportError::ConnectTimeout(limit),
            ConnectFailure::Failed(reason) => TransportError::Connect(reason),
        }
    }
}

impl Connector {
    /// For one upstream; no connection takes longer than `limit`.
    pub fn new(via: Via, tls: Tls, http2: bool, limit: Duration, resolver: Resolver) -> Connector {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Shares the limit among a name's addresses, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(limit));
        Connector(Arc::new(Settings { tcp, via, tls, http2, limit, config: OnceCell::new(), count: Count::default() }))
    }

    /// A connection to `target`, or to the proxy on the way there.
    pub async fn connect(&self, target: &Uri) -> Result<Connection, ConnectFailure> {
        let settings = &self.0;
        match timeout(settings.limit, settings.connect(target)).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectFailure::TimedOut(settings.limit)),
        }
    }

    /// Whether a request's head has to name the whole address, for a proxy to read.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.0.via, Via::Forward(_))
    }

    /// Counts the connections that it made and that stand.
    pub fn count(&self) -> &Count {
        &self.0.count
    }
}

impl Resolver {
    /// As `lookup` says, in its order; for tests.
    pub fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Resolver {
        Resolver(Some(Arc::new(lookup)))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Resolver(own)" } else { "Resolver(system)" })
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Name) -> Self::Future {
        let Some(lookup) = &self.0 else {
            let found = GaiResolver::new().call(host);
            return Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) });
        };
        // The connector puts the port in.
        let found = lookup(host.as_str()).map(|found| found.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>());
        Box::pin(std::future::ready(found.map(Vec::into_iter)))
    }
}

impl Settings {
    async fn connect(&self, target: &Uri) -> Result<Connection, ConnectFailure> {
        let host = target.host().unwrap_or_default().to_owned();
        let secure = target.scheme_str() == Some("https");
        let begun = Instant::now();
        let tcp = self.open(target.clone()).await?.into_inner();
        let mut made = Handshake { tcp: begun.elapsed(), tls: None };
        let stream = match secure {
            true => {
                let stream = self.secure(&host, tcp).await?;
                made.tls = Some(begun.elapsed() - made.tcp);
                Stream::Tls(Box::new(stream))
            }
            false => Stream::Plain(tcp),
        };
        Ok(Connection::new(stream, made, &self.count))
    }

    async fn open(&self, target: Uri) -> Result<TokioIo<TcpStream>, ConnectFailure> {
        let mut tcp = self.tcp.clone();
        match &self.via {
            Via::Direct => tcp.call(target).await.map_err(|error| self.failed("", &error)),
            Via::Forward(HttpProxy { proxy, .. }) => tcp.call(proxy.clone()).await.map_err(|error| self.failed("proxy: ", &error)),
            Via::Tunnel(HttpProxy { proxy, authorization }) => {
                let mut tunnel = Tunnel::new(proxy.clone(), tcp);
                if let Some(authorization) = authorization {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                tunnel.call(target).await.map_err(|error| self.failed("proxy: ", &error))
            }
            Via::Socks { proxy, login } => {
                let mut socks = SocksV5::new(proxy.clone(), tcp);
                if let Some((user, password)) = login {
                    socks = socks.with_auth(user.clone(), password.clone());
                }
                socks.call(target).await.map_err(|error| self.failed("proxy: ", &error))
            }
        }
    }

    fn failed(&self, step: &str, error: &(dyn Error + 'static)) -> ConnectFailure {
        // A name's last address had its share of the limit, and used it up.
        if cause::find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return ConnectFailure::TimedOut(self.limit);
        }
        failed(step, error)
    }

    async fn secure(&self, host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>, ConnectFailure> {
        let config = self.config.get_or_try_init(async || self.tls.client_config(self.http2).await.map(Arc::new)).await;
        let config = config.map_err(|error| failed("", &error))?.clone();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| failed("tls: ", &error))?;
        TlsConnector::from(config).connect(name, tcp).await.map_err(|error| match cause::describe(&error) {
            words if words.starts_with("tls: ") => ConnectFailure::Failed(words),
            words => ConnectFailure::Failed(format!("tls: {words}")),
        })
    }
}

fn failed(step: &str, error: &(dyn Error + 'static)) -> ConnectFailure {
    let dns = if error.to_string() == "dns error" { "dns: " } else { "" };
    ConnectFailure::Failed(format!("{step}{dns}{}", cause::describe(error)))
}
