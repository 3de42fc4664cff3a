//! What tests of transport and providers share: a provider's configuration, servers on loopback that say what they heard.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Payload, UpstreamBody};
use crate::config::{Provider, Proxy, Timeouts};

/// Longer than anything here takes; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// An OpenAI-compatible provider at `base_url`, with nothing else set.
pub fn provider(base_url: &str) -> Provider {
    let second = Duration::from_secs(1);
    Provider {
        timeout: Timeouts { connect: PATIENCE, first_byte: second, first_content: second, idle: second, non_stream: second, stream: None },
        proxy: Proxy::None,
        ..Provider::new("test", Url::parse(base_url).unwrap())
    }
}

/// A listener, and the address of an upstream behind it.
pub async fn listen(scheme: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
    (listener, address)
}

/// Serves every connection to `listener` by `serve`, for as long as the test runs.
pub fn accept<F: Future<Output = ()> + Send + 'static>(listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) {
    let serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
}

/// Reads one request's head and its `content-length` bytes; `None` at the end of the connection.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// Answers every request on `stream` with `headers` and `body`.
pub async fn answer_all(mut stream: impl AsyncRead + AsyncWrite + Unpin, headers: &str, body: &[u8]) {
    while read_request(&mut stream).await.is_some() {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// `POST` of `body` to `uri`.
pub fn post(uri: &str, body: &str) -> Request<Payload> {
    let body = Payload::from(Bytes::copy_from_slice(body.as_bytes()));
    Request::builder().method(Method::POST).uri(uri).body(body).unwrap()
}

/// The whole of `body` as text.
pub async fn text(body: UpstreamBody) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
