//! The floor of our stack: a bare hyper server and hyper-util's client, the body checked to be JSON.
//!
//! No keys, no routing, no limits, no log: what llmgw costs beyond this is its own.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::uri::{Authority, Scheme};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde::de::IgnoredAny;
use tokio::net::TcpStream;
use tokio::runtime;

use crate::{report, upstream};

#[derive(clap::Args)]
pub struct Args {
    /// Where to, such as http://127.0.0.1:9000
    #[arg(long)]
    upstream: Uri,
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub fn run(args: &Args) -> Result<()> {
    let authority = args.upstream.authority().context("the upstream has no address")?.clone();
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(authority, args.port))
}

type Upstream = Client<HttpConnector, Full<Bytes>>;

async fn serve(authority: Authority, port: u16) -> Result<()> {
    let listener = upstream::listen(port)?;
    report::announce(listener.local_addr()?);
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(600))
        .pool_max_idle_per_host(1024)
        .build(connector);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, client.clone(), authority.clone()));
    }
}

async fn converse(stream: TcpStream, client: Upstream, authority: Authority) {
    let service = service_fn(|request| relay(request, &client, &authority));
    // A client that leaves is no event here: the load generator says what it missed.
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn relay(request: Request<Incoming>, client: &Upstream, authority: &Authority) -> Result<Response<Incoming>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    serde_json::from_slice::<IgnoredAny>(&body)?;
    let path = head.uri.into_parts().path_and_query.context("no path")?;
    head.uri = Uri::builder().scheme(Scheme::HTTP).authority(authority.clone()).path_and_query(path).build()?;
    Ok(client.request(Request::from_parts(head, Full::new(body))).await?)
}
