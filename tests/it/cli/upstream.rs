//! A small real upstream on a port of its own, one thread a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::process::PATIENCE;

/// Listens until the test process ends.
#[derive(Clone)]
pub struct Upstream {
    port: u16,
    seen: Arc<Seen>,
}

/// What happened at an upstream, for waiting and for looking at afterwards.
#[derive(Default)]
pub struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Asked>,
    running: usize,
    most_running: usize,
    /// Clients that went away before the answer was complete.
    left: usize,
    opened: bool,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub head: String,
    pub body: Value,
}

/// What is said to one client.
pub struct Line {
    socket: TcpStream,
    seen: Arc<Seen>,
    is_done: bool,
}

impl Upstream {
    /// Does with each request as `behaviour` says.
    pub fn start(behaviour: impl Fn(&Asked, &mut Line) + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Seen::default());
        let (behaviour, shared) = (Arc::new(behaviour), seen.clone());
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (behaviour, seen) = (behaviour.clone(), shared.clone());
                thread::spawn(move || serve(socket, seen, &*behaviour));
            }
        });
        Upstream { port, seen }
    }

    /// Says `words` to whoever asks, streamed if that is wanted; embeds, and lists one model.
    pub fn saying(words: &'static str) -> Upstream {
        Upstream::start(move |asked, line| line.answers(asked, words))
    }

    /// Refuses everything with this status.
    pub fn refusing(status: u16) -> Upstream {
        Upstream::start(move |_, line| line.json(status, &json!({ "error": { "message": format!("upstream says {status}") } })))
    }

    /// What `base_url` must be to reach it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Where it listens, as a URL's authority.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A configuration with it as the provider `up` that lists the model `m`.
    pub fn config(&self) -> String {
        format!("providers:\n  - {{ name: up, base_url: \"{}\", api_key: sk-upstreamsecret0001, models: [m] }}\n", self.url())
    }

    /// What it was asked.
    pub fn requests(&self) -> Vec<Asked> {
        self.seen.state.lock().expect("no panic").requests.clone()
    }

    /// The only request's body.
    #[track_caller]
    pub fn body(&self) -> Value {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].body.clone()
    }

    /// How many requests ran at once, at most.
    pub fn most_running(&self) -> usize {
        self.seen.state.lock().expect("no panic").most_running
    }

    /// Lets everything go on that waits in [`Line::waits_for_the_test`].
    pub fn go_on(&self) {
        self.seen.change(|state| state.opened = true);
    }

    /// Waits until a client went away before its answer was complete.
    #[track_caller]
    pub fn sees_a_client_leave(&self) {
        self.seen.wait("a client that leaves", |state| state.left > 0);
    }

    /// Waits until so many requests have come.
    #[track_caller]
    pub fn sees_requests(&self, number: usize) {
        self.seen.wait("requests", |state| state.requests.len() >= number);
    }
}

impl Seen {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no panic"));
        self.changed.notify_all();
    }

    #[track_caller]
    fn wait(&self, what: &str, done: impl Fn(&State) -> bool) {
        let guard = self.state.lock().expect("no panic");
        let (_guard, waited) = self.changed.wait_timeout_while(guard, PATIENCE, |state| !done(state)).expect("no panic");
        assert!(!waited.timed_out(), "waited for too long for {what}");
    }
}

fn serve(socket: TcpStream, seen: Arc<Seen>, behaviour: &dyn Fn(&Asked, &mut Line)) {
    let Some(asked) = read(&socket) else { return };
    seen.change(|state| {
        state.requests.push(asked.clone());
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
    });
    let mut line = Line { socket, seen, is_done: false };
    behaviour(&asked, &mut line);
    line.done();
    let _ = line.socket.shutdown(Shutdown::Both);
}

fn read(socket: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Asked { path, head, body: serde_json::from_slice(&body).unwrap_or_default() })
}

impl Line {
    /// As [`Upstream::saying`].
    pub fn answers(&mut self, asked: &Asked, words: &str) {
        if asked.path.ends_with("/models") {
            return self.json(200, &json!({ "object": "list", "data": [{ "id": "m", "object": "model" }] }));
        }
        if asked.path.ends_with("/embeddings") {
            return self.json(200, &json!({ "object": "list", "data": [{ "index": 0, "embedding": [0.1, 0.2, 0.3] }] }));
        }
        if asked.body["stream"] == true {
            self.begins();
            words.chars().for_each(|word| self.says(&word.to_string()));
            return self.ends();
        }
        self.json(
            200,
            &json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked.body["model"],
                "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": words } }],
                "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 },
            }),
        );
    }

    pub fn json(&mut self, status: u16, body: &Value) {
        let body = body.to_string();
        self.done();
        self.write(&format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ));
    }

    /// The request is running no more: before its last bytes, for whoever has them may send the next one.
    fn done(&mut self) {
        if !std::mem::replace(&mut self.is_done, true) {
            self.seen.change(|state| state.running -= 1);
        }
    }

    /// A list of one model, with this `Date`.
    pub fn answers_on(&mut self, date: &str) {
        let body = json!({ "object": "list", "data": [{ "id": "m", "object": "model" }] }).to_string();
        self.write(&format!(
            "HTTP/1.1 200 X\r\ndate: {date}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ));
    }

    /// The head of a stream.
    pub fn begins(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    }

    /// A piece of a stream's text.
    pub fn says(&mut self, text: &str) {
        self.delta(&json!({ "content": text }));
    }

    /// A piece of a stream's reasoning.
    pub fn thinks(&mut self, text: &str) {
        self.delta(&json!({ "reasoning_content": text }));
    }

    fn delta(&mut self, delta: &Value) {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
        self.event(&json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice] }).to_string());
    }

    /// The regular end of a stream.
    pub fn ends(&mut self) {
        self.event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }).to_string());
        self.event("[DONE]");
        self.done();
        self.write("0\r\n\r\n");
    }

    /// Waits until the client closes its connection.
    pub fn waits_for_the_client_to_leave(&mut self) {
        let _ = self.socket.set_read_timeout(Some(PATIENCE));
        if matches!(self.socket.read(&mut [0; 64]), Ok(0)) {
            self.seen.change(|state| state.left += 1);
        }
    }

    /// Waits until the test calls [`Upstream::go_on`].
    pub fn waits_for_the_test(&self) {
        self.seen.wait("the test", |state| state.opened);
    }

    /// Waits until so many requests are here at once; returns whether they came.
    pub fn waits_for_company(&self, number: usize) {
        self.seen.wait("requests at once", |state| state.most_running >= number);
    }

    fn event(&mut self, data: &str) {
        let frame = format!("data: {data}\n\n");
        self.write(&format!("{:x}\r\n{frame}\r\n", frame.len()));
    }

    fn write(&mut self, text: &str) {
        // Who is gone hears nothing.
        let _ = self.socket.write_all(text.as_bytes());
    }
}
