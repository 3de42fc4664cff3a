//! The clients: some ask one short question after the other over connections that they keep, others hold streams open.
//! Each speaks HTTP/1.1 by itself and repeats nothing, so that what is lost is seen.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::upstream::{Account, Upstream};
use crate::gateway::said;

/// Clients with short questions.
pub const CALLERS: usize = 16;
/// Streams at once.
pub const STREAMS: usize = 200;

/// How clients reach the gateway.
#[derive(Clone)]
pub struct Door {
    pub address: SocketAddr,
    pub tls: Option<TlsConnector>,
}

/// A connection, and whose certificate was shown.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    pub certificate: Option<CertificateDer<'static>>,
}

/// All clients of one test, and what came of their questions.
pub struct Load {
    door: Door,
    tally: Arc<Tally>,
    tasks: Vec<JoinHandle<()>>,
}

/// What came of the questions.
#[derive(Default)]
pub struct Tally {
    asked: AtomicUsize,
    is_over: AtomicBool,
    streams_begun: AtomicUsize,
    /// Answered as they should be.
    whole: Mutex<HashSet<String>>,
    /// The first question of a connection, which was closed on it: the gateway may never have accepted it.
    unheard: Mutex<Vec<String>>,
    /// Anything else, and why.
    lost: Mutex<Vec<String>>,
    refused: AtomicUsize,
    /// Answers after which the gateway closes.
    last_answers: AtomicUsize,
}

impl Door {
    pub async fn connect(&self) -> std::io::Result<Connection> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let Some(connector) = &self.tls else { return Ok(Connection { sender: speak(socket).await?, certificate: None }) };
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = connector.connect(name, socket).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|first| first.clone().into_owned());
        Ok(Connection { sender: speak(stream).await?, certificate })
    }
}

async fn speak(
    io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> std::io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(std::io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

impl Connection {
    /// Asks, and hands back the answer as it arrives. `None`: nothing was sent, the connection was closed before.
    pub async fn ask(&mut self, method: &str, path: &str, body: String) -> Option<hyper::Result<Response<Incoming>>> {
        self.sender.ready().await.ok()?;
        let request = Request::builder().method(method).uri(path).header(HOST, "localhost").header(CONTENT_TYPE, "application/json");
        let answer = self.sender.send_request(request.body(Full::new(Bytes::from(body))).expect("a request")).await;
        match answer {
            Err(error) if error.is_canceled() => None,
            answer => Some(answer),
        }
    }
}

impl Load {
    /// Begins with [`CALLERS`] and waits until all of [`STREAMS`] have said something.
    pub async fn begin(door: Door) -> Load {
        let mut load = Load { door, tally: Arc::default(), tasks: Vec::new() };
        load.call(CALLERS);
        for number in 0..STREAMS {
            load.tasks.push(tokio::spawn(stream(load.door.clone(), load.tally.clone(), format!("流 {number}"))));
        }
        load.until("every stream's beginning", |tally| tally.streams_begun.load(Ordering::SeqCst) == STREAMS).await;
        load
    }

    /// Adds clients with short questions.
    pub fn call(&mut self, clients: usize) {
        self.tasks.extend((0..clients).map(|_| tokio::spawn(call(self.door.clone(), self.tally.clone()))));
    }

    pub async fn until(&self, what: &str, is_so: impl Fn(&Tally) -> bool) {
        super::until(what, async || is_so(&self.tally) || !self.tally.lost.lock().expect("no panic").is_empty()).await;
    }

    /// Waits for so many more answers, so that what happened before is behind the load.
    pub async fn answers(&self, more: usize) {
        let before = self.tally.whole();
        self.until("further answers", |tally| tally.whole() >= before + more).await;
    }

    /// Nobody asks again; waits for what is on its way.
    pub async fn end(&mut self) -> Arc<Tally> {
        self.tally.is_over.store(true, Ordering::SeqCst);
        self.ended().await
    }

    /// Waits until every client has given up, be it that the gateway refuses them.
    pub async fn ended(&mut self) -> Arc<Tally> {
        for task in self.tasks.drain(..) {
            super::soon("the clients' end", task).await.expect("no panic");
        }
        self.tally.clone()
    }
}

impl Tally {
    pub fn whole(&self) -> usize {
        self.whole.lock().expect("no panic").len()
    }

    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    pub fn last_answers(&self) -> usize {
        self.last_answers.load(Ordering::SeqCst)
    }

    fn note(&self, question: String, answer: Result<(), String>) {
        match answer {
            Ok(()) => drop(self.whole.lock().expect("no panic").insert(question)),
            Err(why) => self.lost.lock().expect("no panic").push(format!("{question}: {why}")),
        }
    }

    /// Both sides' books agree: whatever was taken was asked of the upstreams once, answered once, and arrived whole.
    #[track_caller]
    pub fn agrees_with(&self, upstreams: &[&Upstream]) {
        assert_eq!(*self.lost.lock().expect("no panic"), Vec::<String>::new());
        let mut accounts: HashMap<String, Account> = HashMap::new();
        for (question, account) in upstreams.iter().flat_map(|upstream| upstream.accounts()) {
            assert!(accounts.insert(question.clone(), account).is_none(), "two upstreams got {question}");
        }
        let whole = self.whole.lock().expect("no panic");
        for question in whole.iter() {
            assert_eq!(accounts.get(question), Some(&Account::DONE), "{question}");
        }
        let more: Vec<_> = accounts.iter().filter(|(question, _)| !whole.contains(*question)).collect();
        assert!(more.is_empty(), "asked of an upstream, and not answered: {more:?}");
    }

    /// As [`Tally::agrees_with`], where the gateway never stopped taking requests.
    #[track_caller]
    pub fn agrees_and_nobody_was_refused(&self, upstreams: &[&Upstream]) {
        self.agrees_with(upstreams);
        assert_eq!((self.refused(), self.unheard.lock().expect("no panic").len()), (0, 0));
    }
}

/// One question after the other, until the load is over or the gateway takes none.
async fn call(door: Door, tally: Arc<Tally>) {
    while !tally.is_over.load(Ordering::SeqCst) {
        let Ok(mut connection) = door.connect().await else {
            tally.refused.fetch_add(1, Ordering::SeqCst);
            return;
        };
        let mut is_first = true;
        while !tally.is_over.load(Ordering::SeqCst) {
            let question = format!("问 {}", tally.asked.fetch_add(1, Ordering::SeqCst));
            let Some(answer) = connection.ask("POST", super::CHAT, body(&question, false)).await else { break };
            if answer.is_err() && is_first {
                tally.unheard.lock().expect("no panic").push(question);
                break;
            }
            is_first = false;
            let closes = answer.as_ref().is_ok_and(|answer| answer.headers().get(CONNECTION).is_some_and(|value| value == "close"));
            tally.note(question.clone(), check(answer, &question).await);
            if closes {
                tally.last_answers.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
    }
}

fn body(question: &str, stream: bool) -> String {
    json!({ "model": "gpt-4", "stream": stream, "messages": [{ "role": "user", "content": question }] }).to_string()
}

async fn check(answer: hyper::Result<Response<Incoming>>, question: &str) -> Result<(), String> {
    let answer = answer.map_err(|error| format!("no answer: {error:?}"))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| format!("half an answer: {error:?}"))?.to_bytes();
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    match value["choices"][0]["message"]["content"].as_str() {
        Some(content) if status == 200 && content == question => Ok(()),
        _ => Err(format!("{status} {}", String::from_utf8_lossy(&body))),
    }
}

/// One stream from its beginning to its end.
async fn stream(door: Door, tally: Arc<Tally>, question: String) {
    let answer = receive(&door, &tally, &question).await;
    tally.note(question, answer);
}

async fn receive(door: &Door, tally: &Tally, question: &str) -> Result<(), String> {
    let mut connection = door.connect().await.map_err(|error| format!("no connection: {error}"))?;
    let answer = connection.ask("POST", super::CHAT, body(question, true)).await.ok_or("closed at once")?;
    let mut body = answer.map_err(|error| format!("no answer: {error:?}"))?.into_body();
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("cut after {} bytes: {error:?}", text.len()))?;
        if text.is_empty() {
            tally.streams_begun.fetch_add(1, Ordering::SeqCst);
        }
        text.extend_from_slice(frame.data_ref().ok_or("trailers")?);
    }
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    match said(&text) == format!("begun{question}") && text.ends_with("data: [DONE]\n\n") {
        true => Ok(()),
        false => Err(format!("not whole: {text}")),
    }
}
