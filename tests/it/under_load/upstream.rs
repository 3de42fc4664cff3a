//! An upstream that keeps books: which requests it got, which answers it finished, and which clients left before.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long an answer that is not streamed takes: with it, [`super::load::CALLERS`] make about 200 requests a second.
const LATENCY: Duration = Duration::from_millis(80);

type Body = BoxBody<Bytes, Infallible>;

/// Listens until it is dropped. Answers with the request's own question; a stream says `begun` and waits for the gate.
pub struct Upstream {
    address: SocketAddr,
    books: Arc<Books>,
    gate: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What happened to each question.
#[derive(Default)]
pub struct Books(Mutex<HashMap<String, Account>>);

/// What happened to one question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub got: usize,
    pub finished: usize,
    pub left: usize,
}

impl Account {
    /// Of a question that was asked once and answered whole.
    pub const DONE: Account = Account { got: 1, finished: 1, left: 0 };
}

impl Upstream {
    pub async fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (books, (gate, opened)) = (Arc::<Books>::default(), watch::channel(false));
        let desk = Desk { books: books.clone(), opened };
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(desk.clone().serve(socket));
            }
        });
        Upstream { address, books, gate, task }
    }

    /// As the provider `name` with the model `m`, as one entry of `providers`; `settings` are further keys.
    pub fn provider(&self, name: &str, settings: &str) -> String {
        format!(
            "  - {{ name: {name}, base_url: \"http://{}/v1\", api_key: sk-upstreamsecret0001, models: [m], idle_timeout: 1s{settings} }}\n",
            self.address
        )
    }

    /// Lets every stream go on to its end, those to come as well.
    pub fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    /// What happened to each question so far.
    pub fn accounts(&self) -> HashMap<String, Account> {
        self.books.0.lock().expect("no panic").clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Desk {
    books: Arc<Books>,
    opened: watch::Receiver<bool>,
}

impl Desk {
    async fn serve(self, socket: TcpStream) {
        let _ = socket.set_nodelay(true);
        let service = service_fn(move |request| self.clone().answer(request));
        // Whoever leaves in the middle is in the books.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let question = asked["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        let served = Served::begin(self.books, question);
        let (media_type, body) = match asked["stream"] == true {
            true => ("text/event-stream", streamed(served, self.opened)),
            false => ("application/json", whole(served).await),
        };
        Ok(Response::builder().header(CONTENT_TYPE, media_type).body(body).expect("a response"))
    }
}

async fn whole(served: Served) -> Body {
    tokio::time::sleep(LATENCY).await;
    let message = json!({ "role": "assistant", "content": served.question });
    let body =
        json!({ "object": "chat.completion", "model": "m", "choices": [{ "index": 0, "finish_reason": "stop", "message": message }] });
    served.finish();
    Full::new(Bytes::from(body.to_string())).boxed()
}

fn streamed(served: Served, opened: watch::Receiver<bool>) -> Body {
    let steps = stream::unfold(Step::Begin(served, opened), async |step| match step {
        Step::Begin(served, opened) => Some((frame(event(&json!({ "content": "begun" }))), Step::Wait(served, opened))),
        Step::Wait(served, mut opened) => {
            opened.wait_for(|opened| *opened).await.ok()?;
            let rest = [event(&json!({ "content": served.question })), end()].concat();
            served.finish();
            Some((frame(rest), Step::Over))
        }
        Step::Over => None,
    });
    StreamBody::new(steps).boxed()
}

enum Step {
    Begin(Served, watch::Receiver<bool>),
    Wait(Served, watch::Receiver<bool>),
    Over,
}

fn frame(text: String) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(Bytes::from(text)))
}

fn event(delta: &Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
    format!("data: {}\n\n", json!({ "object": "chat.completion.chunk", "model": "m", "choices": [choice] }))
}

fn end() -> String {
    let choice = json!({ "index": 0, "delta": {}, "finish_reason": "stop" });
    format!("data: {}\n\ndata: [DONE]\n\n", json!({ "object": "chat.completion.chunk", "model": "m", "choices": [choice] }))
}

/// A request that is being answered. Dropping it unfinished is a client that left.
struct Served {
    books: Arc<Books>,
    question: String,
    is_finished: bool,
}

impl Served {
    fn begin(books: Arc<Books>, question: String) -> Served {
        books.note(&question, |account| account.got += 1);
        Served { books, question, is_finished: false }
    }

    fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let finished = self.is_finished;
        self.books.note(&self.question, |account| if finished { account.finished += 1 } else { account.left += 1 });
    }
}

impl Books {
    fn note(&self, question: &str, change: impl FnOnce(&mut Account)) {
        change(self.0.lock().expect("no panic").entry(question.to_owned()).or_default());
    }
}
