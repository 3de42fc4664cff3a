use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::activity::{Activity, Busy};
use super::{Acceptor, Handle, Spread};
use crate::server::shutdown::{Shutdown, Stage};

const SOON: Duration = Duration::from_secs(10);

/// Answers `/` at once, `/wait` never, `/slow` when told to, `/thread` with the thread that answers.
#[derive(Clone, Default)]
struct Desk {
    arrived: Arc<Notify>,
    dropped: Arc<Notify>,
    go_on: Arc<Notify>,
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
        1000
    }

    async fn handle(&self, _: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let gone = Gone(self.dropped.clone());
        self.arrived.notify_one();
        match request.uri().path() {
            "/wait" => std::future::pending().await,
            "/thread" => Response::new(Body::from(format!("{:?}.", thread::current().id()))),
            "/slow" => {
                let go_on = self.go_on.clone();
                let rest = stream::once(async move {
                    let _gone = gone;
                    go_on.notified().await;
                    Ok::<_, std::io::Error>(Bytes::from_static(b"end"))
                });
                Response::new(Body::from_stream(rest))
            }
            _ => Response::new(Body::from("hello")),
        }
    }
}

struct Running {
    desk: Desk,
    shutdown: Shutdown,
    address: SocketAddr,
    task: JoinHandle<()>,
}

async fn start() -> Running {
    start_on(&[]).await
}

/// On the test's thread and `others`.
async fn start_on(others: &[runtime::Handle]) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (desk, shutdown, address) = (Desk::default(), Shutdown::new(), listener.local_addr().unwrap());
    let (handler, crowd, spread) = (desk.clone(), Arc::default(), Spread::over(others));
    let acceptor = Acceptor { listener, tls: None, handler, shutdown: shutdown.clone(), crowd, spread };
    Running { desk, shutdown, address, task: tokio::spawn(acceptor.run()) }
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("it happens soon")
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).ends_with(end) {
        assert!(soon(stream.read_buf(&mut text)).await.unwrap() > 0, "closed after {text:?}");
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request_before_and_within_the_answer() {
    let running = start().await;
    for path in ["/wait", "/slow"] {
        let mut stream = ask(running.address, path).await;
        soon(running.desk.arrived.notified()).await;
        if path == "/slow" {
            read_until(&mut stream, "\r\n\r\n").await;
        }
        drop(stream);
        soon(running.desk.dropped.notified()).await;
    }
}

#[tokio::test]
async fn closing_finishes_what_runs_and_accepts_nothing_new() {
    let running = start().await;
    let mut idle = ask(running.address, "/").await;
    read_until(&mut idle, "hello").await;
    let mut slow = ask(running.address, "/slow").await;
    read_until(&mut slow, "\r\n\r\n").await;

    running.shutdown.advance(Stage::Closing);
    assert_eq!(soon(idle.read(&mut [0; 64])).await.unwrap(), 0, "an unused connection is closed");
    assert!(TcpStream::connect(running.address).await.is_err());

    running.desk.go_on.notify_one();
    read_until(&mut slow, "3\r\nend\r\n0\r\n\r\n").await;
    soon(running.task).await.unwrap();
}

fn another_thread() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[tokio::test]
async fn connections_are_served_on_all_threads_alike_and_end_like_those_of_one() {
    let other = another_thread();
    let running = start_on(&[other.handle().clone()]).await;
    let (mut connections, mut served) = (Vec::new(), BTreeMap::<String, usize>::new());
    for _ in 0..6 {
        let mut stream = ask(running.address, "/thread").await;
        *served.entry(read_until(&mut stream, ").").await.rsplit("\r\n").next().unwrap().to_owned()).or_default() += 1;
        connections.push(stream);
    }
    assert_eq!(served.values().copied().collect::<Vec<_>>(), [3, 3], "{served:?}");
    let mut slow = vec![ask(running.address, "/slow").await, ask(running.address, "/slow").await];
    for stream in &mut slow {
        read_until(stream, "\r\n\r\n").await;
    }

    running.shutdown.advance(Stage::Closing);
    for stream in &mut connections {
        assert_eq!(soon(stream.read(&mut [0; 64])).await.unwrap(), 0, "an unused connection is closed");
    }
    for _ in &slow {
        running.desk.go_on.notify_one();
        soon(running.desk.dropped.notified()).await;
    }
    for stream in &mut slow {
        read_until(stream, "3\r\nend\r\n0\r\n\r\n").await;
    }
    soon(running.task).await.unwrap();
    other.shutdown_background();
}

#[tokio::test]
async fn many_streams_of_one_connection_are_served_on_all_threads() {
    let other = another_thread();
    let running = start_on(&[other.handle().clone()]).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut client, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(driver);
    let (mut open, mut threads) = (Vec::new(), BTreeSet::new());
    for _ in 0..40 {
        let mut ask = async |path: &str| {
            let request = Request::get(format!("http://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
            soon(client.send_request(request)).await.unwrap()
        };
        open.push(ask("/slow").await);
        threads.insert(ask("/thread").await.into_body().collect().await.unwrap().to_bytes());
    }
    assert_eq!(threads.len(), 2, "{threads:?}");
    for _ in &open {
        running.desk.go_on.notify_one();
        soon(running.desk.dropped.notified()).await;
    }
    for response in open {
        assert_eq!(soon(response.into_body().collect()).await.unwrap().to_bytes(), "end");
    }
    drop(client);
    soon(driver).await.unwrap().unwrap();
    other.shutdown_background();
}

#[tokio::test]
async fn a_request_on_its_way_while_the_server_closes_is_answered_and_is_the_last() {
    let running = start().await;
    let mut idle = ask(running.address, "/").await;
    read_until(&mut idle, "hello").await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    running.shutdown.advance(Stage::Closing);
    while TcpStream::connect(running.address).await.is_ok() {}
    for stream in [&mut idle, &mut silent] {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut said = String::new();
        soon(stream.read_to_string(&mut said)).await.unwrap();
        assert!(said.contains("connection: close") && said.ends_with("hello"), "{said}");
    }
    soon(running.task).await.unwrap();
}

#[tokio::test]
async fn connections_that_wait_to_be_accepted_outlive_the_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(ask(listener.local_addr().unwrap(), "/").await);
    }
    let (desk, shutdown) = (Desk::default(), Shutdown::new());
    shutdown.advance(Stage::Closing);
    let (crowd, spread) = (Arc::default(), Spread::over(&[]));
    let closed = tokio::spawn(Acceptor { listener, tls: None, handler: desk, shutdown, crowd, spread }.run());
    for mut client in clients {
        let mut said = String::new();
        soon(client.read_to_string(&mut said)).await.unwrap();
        assert!(said.ends_with("hello"), "{said}");
    }
    soon(closed).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_only_without_requests() {
    let activity = Arc::<Activity>::default();
    let limit = Duration::from_secs(75);
    let busy = Busy::new(&activity, Version::HTTP_11);
    let mut idle: Pin<Box<_>> = Box::pin(activity.idle_for(limit, activity.born));
    assert!(timeout(Duration::from_secs(1000), &mut idle).await.is_err());
    drop(busy);
    let ended = tokio::time::Instant::now();
    idle.await;
    let waited = ended.elapsed();
    assert!(waited >= Duration::from_secs(74) && waited <= Duration::from_secs(150), "{waited:?}");
}
