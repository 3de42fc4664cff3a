//! How long clients may take, over streams in memory: the clock jumps. Over sockets, how a connection begins.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Connection, HTTP2_PREFACE, Protocol, begins_as_http1};
use crate::server::accept::stall::Unstalled;
use crate::server::accept::{Crowd, Handle, Patience, Spread, Surplus};
use crate::server::shutdown::Shutdown;

/// Answers `/flood` without end, `/page` with 10 kB, and anything else at once; 503 where there is no room.
#[derive(Clone, Default)]
struct Desk {
    dropped: Arc<Notify>,
}

struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handle for Desk {
    type Body = Body;

    fn max_connections(&self) -> usize {
        1
    }

    async fn handle(&self, _: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let mut response = Response::new(match request.uri().path() {
            "/flood" => {
                let gone = Gone(self.dropped.clone());
                Body::from_stream(stream::repeat_with(move || {
                    let _ = &gone;
                    Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 100_000]))
                }))
            }
            "/page" => Body::from(vec![b'x'; 10_000]),
            _ => Body::from("hello"),
        });
        if request.extensions().get::<Surplus>().is_some() {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }
}

struct Running {
    client: DuplexStream,
    dropped: Arc<Notify>,
    task: JoinHandle<()>,
    began: Instant,
}

impl Running {
    /// Where `others` are there already, and there is room for one.
    fn start(others: usize) -> Running {
        let (patience, desk, crowd) = (Patience::default(), Desk::default(), Arc::<Crowd>::default());
        let places: Vec<_> = (0..others).map(|_| crowd.enter(1)).collect();
        let (client, server) = duplex(1000);
        let spread = Spread::over(&[]);
        let connection = Box::new(Connection {
            peer: ([127, 0, 0, 1], 1).into(),
            tls: None,
            handler: desk.clone(),
            shutdown: Shutdown::new(),
            place: crowd.enter(1).unwrap(),
            seat: spread.anywhere(),
            protocol: Arc::new(Protocol::new(patience, &spread)),
        });
        let task = tokio::spawn(async move {
            let _places = places;
            connection.speak(Unstalled::new(server, patience.stall), Arc::default(), false).await;
        });
        Running { client, dropped: desk.dropped, task, began: Instant::now() }
    }

    async fn ask(&mut self, path: &str) {
        self.client.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// What is said until the end, and after how many seconds that is.
    async fn end(&mut self) -> (String, u64) {
        let mut said = Vec::new();
        let _ = self.client.read_to_end(&mut said).await;
        (String::from_utf8(said).unwrap(), self.began.elapsed().as_secs())
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_head_or_says_nothing_is_closed() {
    for (begun, after) in [("GET / HTTP/1.1\r\nhost: x\r\nx: ", 65), ("G", 65), ("", 75), ("PRI * HTTP/2", 75)] {
        let mut running = Running::start(0);
        running.client.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(running.end().await, (String::new(), after), "{begun}");
    }
    let mut dripping = Running::start(0);
    dripping.client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    while dripping.client.write_all(b"x: y\r\n").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(dripping.began.elapsed().as_secs(), 66, "a second after it was closed");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_used_is_closed_when_no_other_request_comes() {
    let mut running = Running::start(0);
    for _ in 0..3 {
        sleep(Duration::from_secs(60)).await;
        running.ask("/").await;
    }
    let (said, after) = running.end().await;
    assert_eq!((said.matches("HTTP/1.1 200").count(), after), (3, 180 + 65));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_loses_its_answer() {
    let mut running = Running::start(0);
    running.ask("/flood").await;
    sleep(Duration::from_secs(10)).await;
    running.client.read_exact(&mut [0; 10]).await.unwrap();
    running.dropped.notified().await;
    assert_eq!(running.began.elapsed().as_secs(), 70, "counted from what it read last");
    running.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_is_never_cut() {
    let mut running = Running::start(0);
    running.ask("/flood").await;
    for _ in 0..100 {
        sleep(Duration::from_secs(59)).await;
        running.client.read_exact(&mut [0; 1]).await.unwrap();
    }
    assert!(timeout(Duration::from_secs(59), running.dropped.notified()).await.is_err());
    drop(running.client);
    running.dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_where_there_is_no_room_is_told_so_once_and_soon() {
    let mut running = Running::start(1);
    running.ask("/").await;
    running.ask("/").await;
    let (said, after) = running.end().await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("connection: close") && said.matches("HTTP/1.1").count() == 1, "{said}");
    assert_eq!(after, 0);
    let mut silent = Running::start(1);
    assert_eq!(silent.end().await, (String::new(), 2));
}

type Sender = http2::SendRequest<Empty<Bytes>>;

/// Speaks HTTP/2; lets `window` bytes of a stream come unread.
async fn multiplexed(running: &mut Running, window: u32) -> Sender {
    let (client, _) = duplex(1);
    let client = TokioIo::new(std::mem::replace(&mut running.client, client));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.timer(TokioTimer::new()).initial_stream_window_size(window).handshake(client).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn get(sender: &mut Sender, path: &str) -> Pin<Box<Incoming>> {
    let request = Request::get(format!("http://x{path}")).body(Empty::new()).unwrap();
    Box::pin(sender.send_request(request).await.unwrap().into_body())
}

/// The next piece's length; `None`: cut.
async fn piece(body: &mut Pin<Box<Incoming>>) -> Option<usize> {
    let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await?.ok()?;
    Some(frame.into_data().ok()?.len())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_taken_is_reset_and_its_connection_stays() {
    let mut running = Running::start(0);
    let mut sender = multiplexed(&mut running, 65_535).await;
    let (mut left, mut taken) = (get(&mut sender, "/flood").await, get(&mut sender, "/flood").await);
    let mut read = 0;
    // As many bytes as make the client's library open its window again.
    while running.began.elapsed() < Duration::from_secs(50) {
        read += piece(&mut taken).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    while timeout(Duration::ZERO, running.dropped.notified()).await.is_err() {
        read += piece(&mut taken).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    let after = running.began.elapsed().as_secs();
    assert!((60..=62).contains(&after), "{after}");
    assert!(read > 65_535);
    for _ in 0..100 {
        piece(&mut taken).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    let mut held = 0;
    while let Some(length) = piece(&mut left).await {
        held += length;
    }
    assert!(held <= 65_535, "{held}");
    assert_eq!(piece(&mut get(&mut sender, "/").await).await, Some(5));
}

#[tokio::test(start_paused = true)]
async fn the_last_piece_of_an_answer_that_nobody_takes_does_not_keep_a_connection() {
    let mut running = Running::start(0);
    let mut sender = multiplexed(&mut running, 1000).await;
    let _left = get(&mut sender, "/page").await;
    running.task.await.unwrap();
    assert_eq!(running.began.elapsed().as_secs(), 75 + 60);
}

#[tokio::test]
async fn the_first_bytes_say_which_http_it_is_and_stay_where_they_are() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let preface = str::from_utf8(HTTP2_PREFACE).unwrap();
    for (bytes, expected) in [
        ("GET / HTTP/1.1\r\n", true),
        ("G", true),
        ("P", false),
        ("POST", true),
        ("PRI * HTTP/1.1\r\n", true),
        (preface, false),
        ("", false),
    ] {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(bytes.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(begins_as_http1(&server).await, expected, "{bytes}");
        let mut read = String::new();
        server.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, bytes);
    }
}
