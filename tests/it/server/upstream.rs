//! An upstream in the test's hands: answers as told, byte for byte, and tells what reaches it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::soon;

/// What an upstream does with a request.
pub type Behaviour = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

/// One step of an answer.
#[derive(Clone)]
pub enum Step {
    Write(Vec<u8>),
    /// Silence for this long.
    Pause(Duration),
    /// Goes on when the gate is open.
    Wait(Gate),
    /// No answer, ever.
    Never,
    /// The same bytes again and again, as long as they are taken; how many were is counted.
    Flood(Vec<u8>, Arc<AtomicUsize>),
    Close,
    Reset,
}

/// Holds answers back until it is opened, for as many as are named.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    pub fn new() -> Gate {
        Gate(Arc::new(Semaphore::new(0)))
    }

    pub fn open(&self, times: usize) {
        self.0.add_permits(times);
    }

    async fn pass(&self) {
        self.0.acquire().await.expect("never closed").forget();
    }
}

/// A request as it came in.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which of this upstream's requests it is, from 0.
    pub number: usize,
    /// Which of its connections brought it.
    pub connection: usize,
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What happens at an upstream.
#[derive(Debug)]
pub enum Event {
    /// So many bytes of its body are.
    Body(usize),
    /// All of it is.
    Request(Request),
    /// The gateway has closed this connection.
    Closed(#[expect(dead_code, reason = "read by people, in panics")] usize),
}

pub struct Upstream {
    pub address: SocketAddr,
    events: Mutex<mpsc::Receiver<Event>>,
    task: JoinHandle<()>,
    requests: Arc<AtomicUsize>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What carries bytes between the gateway and an upstream.
pub trait Peer: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the end of the connection a reset, where there is such a thing.
    fn will_reset(&self) {}
}

impl Peer for DuplexStream {}

impl Peer for TcpStream {
    fn will_reset(&self) {
        // Closing without lingering sends a reset.
        socket2::SockRef::from(self).set_linger(Some(Duration::ZERO)).expect("a socket");
    }
}

impl Peer for TlsStream<TcpStream> {
    fn will_reset(&self) {
        self.get_ref().0.will_reset();
    }
}

impl Upstream {
    pub async fn start(behaviour: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Upstream::serving(listener, None, behaviour)
    }

    /// At `listener`; over TLS if there is an `acceptor`.
    pub fn serving(
        listener: TcpListener,
        acceptor: Option<TlsAcceptor>,
        behaviour: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Upstream {
        let address = listener.local_addr().expect("bound");
        let (events, receiver) = mpsc::channel(65536);
        let requests = Arc::new(AtomicUsize::new(0));
        let desk = Desk { behaviour: Arc::new(behaviour), events, requests: requests.clone(), connection: 0 };
        let task = tokio::spawn(desk.serve(listener, acceptor));
        Upstream { address, events: Mutex::new(receiver), task, requests }
    }

    /// Answers `body` as JSON to everything.
    pub async fn saying(body: Value) -> Upstream {
        Upstream::start(move |_| json_reply(200, &body)).await
    }

    /// Answers chats with `words`, streamed if so asked.
    pub async fn talking(words: &'static str) -> Upstream {
        Upstream::start(move |request| talk(request, words)).await
    }

    /// Over a connection in memory, for a paused clock: the gateway's end of it, and what serves the other end.
    pub fn in_memory(behaviour: Arc<Behaviour>, requests: Arc<AtomicUsize>) -> (DuplexStream, impl Future<Output = ()> + Send) {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (events, _) = mpsc::channel(1);
        let desk = Desk { behaviour, events, requests, connection: 0 };
        (theirs, desk.talk(ours))
    }

    /// A port at which nobody listens.
    pub fn absent() -> Upstream {
        // Bound and not listening: the port stays ours, and refuses.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = socket.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            let _held = socket;
            std::future::pending().await
        });
        Upstream { address, events: Mutex::new(mpsc::channel(1).1), task, requests: Arc::default() }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many requests came in whole.
    pub fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The next event that `pick` takes.
    pub async fn until<T>(&self, what: &str, pick: impl Fn(Event) -> Option<T>) -> T {
        let mut events = self.events.lock().await;
        let found = async {
            loop {
                if let Some(found) = pick(events.recv().await.expect("the upstream runs")) {
                    return found;
                }
            }
        };
        soon(what, found).await
    }

    /// The next whole request.
    pub async fn request(&self) -> Request {
        self.until("a request at the upstream", |event| if let Event::Request(request) = event { Some(request) } else { None }).await
    }

    /// The gateway closes a connection.
    pub async fn closed(&self) {
        self.until("a closed connection at the upstream", |event| matches!(event, Event::Closed(_)).then_some(())).await;
    }
}

#[derive(Clone)]
struct Desk {
    behaviour: Arc<Behaviour>,
    events: mpsc::Sender<Event>,
    requests: Arc<AtomicUsize>,
    connection: usize,
}

impl Desk {
    async fn serve(mut self, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            let (desk, acceptor) = (self.clone(), acceptor.clone());
            connections.spawn(async move {
                match acceptor {
                    None => desk.talk(stream).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            desk.talk(stream).await;
                        }
                    }
                }
            });
            self.connection += 1;
        }
    }

    async fn talk(self, mut stream: impl Peer) {
        let mut rest = Vec::new();
        while let Some(mut request) = self.read(&mut stream, &mut rest).await {
            request.number = self.requests.fetch_add(1, Ordering::SeqCst);
            let steps = (self.behaviour)(&request);
            let _ = self.events.try_send(Event::Request(request));
            if !self.answer(&mut stream, steps).await {
                return;
            }
        }
        let _ = self.events.try_send(Event::Closed(self.connection));
    }

    /// A whole request; `None`: the gateway went away.
    async fn read(&self, stream: &mut impl Peer, rest: &mut Vec<u8>) -> Option<Request> {
        let end = loop {
            if let Some(at) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            more(stream, rest).await?;
        };
        let head: Vec<u8> = rest.drain(..end).collect();
        let mut request = parse(&head, self.connection);
        let chunked = request.headers.get("transfer-encoding").is_some();
        let length: usize = request.headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        if chunked {
            while let Some(piece) = self.chunk(stream, rest).await? {
                request.body.extend(piece);
                let _ = self.events.try_send(Event::Body(request.body.len()));
            }
            return Some(request);
        }
        while rest.len() < length {
            more(stream, rest).await?;
            let _ = self.events.try_send(Event::Body(rest.len()));
        }
        request.body = rest.drain(..length).collect();
        Some(request)
    }

    /// The next chunk; `Some(None)`: the last one.
    async fn chunk(&self, stream: &mut impl Peer, rest: &mut Vec<u8>) -> Option<Option<Vec<u8>>> {
        let line = loop {
            if let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
                break rest.drain(..at + 2).collect::<Vec<u8>>();
            }
            more(stream, rest).await?;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        while rest.len() < size + 2 {
            more(stream, rest).await?;
        }
        let mut piece: Vec<u8> = rest.drain(..size + 2).collect();
        piece.truncate(size);
        Some((size > 0).then_some(piece))
    }

    /// Whether the connection may go on.
    async fn answer(&self, stream: &mut impl Peer, steps: Vec<Step>) -> bool {
        for step in steps {
            match step {
                Step::Write(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        let _ = self.events.try_send(Event::Closed(self.connection));
                        return false;
                    }
                }
                Step::Wait(gate) => {
                    if !self.waits(stream, gate.pass()).await {
                        return false;
                    }
                }
                Step::Pause(pause) => {
                    if !self.waits(stream, tokio::time::sleep(pause)).await {
                        return false;
                    }
                }
                Step::Never => {
                    let mut byte = [0];
                    let _ = stream.read(&mut byte).await;
                    let _ = self.events.try_send(Event::Closed(self.connection));
                    return false;
                }
                Step::Flood(bytes, taken) => {
                    let mut at = 0;
                    while let Ok(count) = stream.write(&bytes[at..]).await {
                        taken.fetch_add(count, Ordering::SeqCst);
                        at = (at + count) % bytes.len();
                    }
                    let _ = self.events.try_send(Event::Closed(self.connection));
                    return false;
                }
                Step::Close => return false,
                Step::Reset => {
                    stream.will_reset();
                    return false;
                }
            }
        }
        true
    }

    /// Whether the gateway is still there when `what` has come.
    async fn waits(&self, stream: &mut impl Peer, what: impl Future<Output = ()>) -> bool {
        let mut byte = [0];
        tokio::select! {
            () = what => true,
            // Nothing is sent before its answer, so this is the end.
            _ = stream.read(&mut byte) => {
                let _ = self.events.try_send(Event::Closed(self.connection));
                false
            }
        }
    }
}

async fn more(stream: &mut impl Peer, rest: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(rest).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

fn parse(head: &[u8], connection: usize) -> Request {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Request { number: 0, connection, method, target, headers, body: Vec::new() }
}

/// A whole answer.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut bytes = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n{lines}\r\n", body.len()).into_bytes();
    bytes.extend(body);
    vec![Step::Write(bytes)]
}

pub fn json_reply(status: u16, body: &Value) -> Vec<Step> {
    reply(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// An error in OpenAI's envelope.
pub fn error(status: u16, message: &str) -> Vec<Step> {
    json_reply(status, &json!({ "error": { "message": message, "type": null, "param": null, "code": null } }))
}

/// The head of a stream of events.
pub fn events_head() -> Step {
    Step::Write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())
}

pub fn chunk(bytes: &[u8]) -> Step {
    Step::Write([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
}

pub fn word(text: &str) -> Step {
    let data = json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": { "content": text } }] });
    chunk(format!("data: {data}\n\n").as_bytes())
}

/// A finish reason, the terminator and the body's end.
pub fn end() -> Vec<Step> {
    let finish = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    vec![chunk(format!("data: {finish}\n\ndata: [DONE]\n\n").as_bytes()), Step::Write(b"0\r\n\r\n".to_vec())]
}

/// Says `words`, streamed if so asked.
pub fn talk(request: &Request, words: &str) -> Vec<Step> {
    let asked = request.json();
    if asked["stream"] == Value::Bool(true) {
        return [events_head(), word(words)].into_iter().chain(end()).collect();
    }
    let message = json!({ "role": "assistant", "content": words });
    let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
    json_reply(200, &json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"], "choices": [choice] }))
}
