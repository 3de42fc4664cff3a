//! HTTP/2 upstreams that break off.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, SendStream};
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::good::{FAULTY, body, event, role, said};
use super::{Fault, Place, STREAM};
use crate::server::upstream;

/// How it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Not at all.
    Not,
    /// GOAWAY instead of an answer.
    GoAway,
    /// GOAWAY that lets the stream finish, which it does.
    GoAwayInPeace,
    /// RST_STREAM with REFUSED_STREAM, each time.
    Refused,
    /// RST_STREAM with INTERNAL_ERROR instead of an answer.
    Reset,
    /// The same after the answer's head.
    ResetAfterHead,
    /// The same after two words of a stream.
    ResetAfterWords,
    /// GOAWAY with an error after two words of a stream.
    GoAwayAfterWords,
    /// The connection closes without a word of HTTP/2.
    Closed,
}

pub fn faults() -> Vec<Fault> {
    let fault = |name: &str, broken| Fault::of_place(name, Place::Http2(broken));
    let stream = |name: &str, broken| Fault { kinds: STREAM, ..fault(name, broken) };
    vec![
        fault("http/2", Break::Not),
        fault("http/2: GOAWAY", Break::GoAway),
        fault("http/2: GOAWAY in peace", Break::GoAwayInPeace),
        fault("http/2: REFUSED_STREAM", Break::Refused),
        fault("http/2: RST_STREAM", Break::Reset),
        fault("http/2: RST_STREAM after the head", Break::ResetAfterHead),
        stream("http/2: RST_STREAM after two words", Break::ResetAfterWords),
        stream("http/2: GOAWAY after two words", Break::GoAwayAfterWords),
        fault("http/2: closed", Break::Closed),
        fault("http/2: GOAWAY after each answer", Break::GoAwayInPeace).warm(),
    ]
}

/// Serves connections for as long as it is polled.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, broken: Break, requests: Arc<AtomicUsize>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, requests) = (acceptor.clone(), requests.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            if let Ok(connection) = h2::server::handshake(stream).await {
                talk(connection, broken, &requests).await;
            }
        });
    }
}

type Server = Connection<TlsStream<TcpStream>, Bytes>;

async fn talk(mut connection: Server, broken: Break, requests: &AtomicUsize) {
    while let Some(Ok((request, respond))) = connection.accept().await {
        let Some(request) = read(&mut connection, request).await else { return };
        requests.fetch_add(1, Ordering::SeqCst);
        match broken {
            Break::Closed => return,
            Break::GoAway => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
            Break::GoAwayInPeace => {
                connection.graceful_shutdown();
                answer(respond, &request);
            }
            Break::Not => answer(respond, &request),
            _ => break_off(&mut connection, broken, respond, &request).await,
        }
    }
}

/// The whole request, in the words of other upstreams.
async fn read(connection: &mut Server, request: Request<h2::RecvStream>) -> Option<upstream::Request> {
    let (head, mut body) = request.into_parts();
    let mut read = upstream::Request { target: head.uri.path().to_owned(), headers: head.headers, ..Default::default() };
    loop {
        // The connection moves only while it is polled.
        let data = poll_fn(|context| {
            let closed = connection.poll_closed(context);
            match body.poll_data(context) {
                Poll::Ready(data) => Poll::Ready(data),
                Poll::Pending if closed.is_ready() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match data.await {
            Some(Ok(data)) => read.body.extend_from_slice(&data),
            Some(Err(_)) => return None,
            None => return Some(read),
        }
    }
}

fn head(request: &upstream::Request) -> Response<()> {
    Response::builder().header("content-type", body(request, FAULTY).0).body(()).expect("a response")
}

fn answer(mut respond: SendResponse<Bytes>, request: &upstream::Request) {
    if let Ok(mut stream) = respond.send_response(head(request), false) {
        let _ = stream.send_data(body(request, FAULTY).1.into(), true);
    }
}

async fn break_off(connection: &mut Server, broken: Break, mut respond: SendResponse<Bytes>, request: &upstream::Request) {
    match broken {
        Break::Refused => return respond.send_reset(Reason::REFUSED_STREAM),
        Break::Reset => return respond.send_reset(Reason::INTERNAL_ERROR),
        _ => {}
    }
    let Ok(mut stream) = respond.send_response(head(request), false) else { return };
    if matches!(broken, Break::ResetAfterWords | Break::GoAwayAfterWords) {
        let _ = stream.send_data(format!("{}{}", event(&role()), said("坏了")).into(), false);
        taken(connection, &mut stream).await;
    }
    flush(connection).await;
    match broken {
        Break::GoAwayAfterWords => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
        _ => stream.send_reset(Reason::INTERNAL_ERROR),
    }
}

/// Waits until what was sent has left, which a reset would throw away.
async fn taken(connection: &mut Server, stream: &mut SendStream<Bytes>) {
    stream.reserve_capacity(1);
    poll_fn(|context| {
        let closed = connection.poll_closed(context);
        if closed.is_ready() { Poll::Ready(None) } else { stream.poll_capacity(context) }
    })
    .await;
}

async fn flush(connection: &mut Server) {
    for _ in 0..3 {
        poll_fn(|context| Poll::Ready(connection.poll_closed(context))).await.is_ready();
        tokio::task::yield_now().await;
    }
}
