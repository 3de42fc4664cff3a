//! `llmgw serve`: one line, then a gateway, until a signal.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::process::{Home, Line, PATIENCE, Running, Tape, free_port};
use super::upstream::Upstream;

/// A gateway that takes requests.
pub struct Gateway {
    pub running: Running,
    /// Such as `127.0.0.1:1234`.
    pub authority: String,
}

impl Gateway {
    /// Runs `line`, which serves on a port that the system chooses.
    #[track_caller]
    pub fn start(line: Line) -> Gateway {
        let running = line.starts();
        let said = running.out.until("where it listens", |text| text.ends_with('\n'));
        let authority = said.trim_end().strip_prefix("listening on http://").expect("an address").to_owned();
        Gateway { running, authority }
    }

    /// Serves the `llmgw.yaml` of `home`.
    #[track_caller]
    pub fn serving(home: &Home) -> Gateway {
        Gateway::start(home.llmgw(&["serve", "--port", "0"]))
    }

    /// Sends a request, and hands back the status and whatever is answered.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.begin(method, path, body).to_end();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    /// Sends a request, and hands back the answer as it arrives.
    #[track_caller]
    pub fn begin(&self, method: &str, path: &str, body: &str) -> Tape {
        let mut socket = TcpStream::connect(&self.authority).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.authority,
            body.len()
        );
        socket.write_all((head + body).as_bytes()).expect("a reader");
        Tape::of(socket)
    }

    /// Names of the models that it offers.
    #[track_caller]
    pub fn models(&self) -> Vec<String> {
        let (status, list) = self.ask("GET", "/v1/models", "");
        assert_eq!(status, 200, "{list}");
        let ids = list["data"].as_array().expect("a list").iter();
        ids.filter_map(|model| Some(model["id"].as_str()?.to_owned())).collect()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }
}

/// A stream that says `begun`, and goes on when the test lets it.
fn patient() -> Upstream {
    Upstream::start(|_, line| {
        line.begins();
        line.says("begun");
        line.waits_for_the_test();
        line.says("done");
        line.ends();
    })
}

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

#[test]
fn it_says_where_it_listens_and_answers_there() {
    let gateway = Gateway::serving(&Home::with(&Upstream::saying("你好").config()));
    assert_eq!(gateway.ask("GET", "/readyz", "").0, 200);
    let (status, answer) = gateway.ask("POST", "/v1/chat/completions", &STREAM.replace("true", "false"));
    assert_eq!((status, answer["choices"][0]["message"]["content"].as_str()), (200, Some("你好")));
    gateway.running.signal(Signal::TERM);
    let authority = gateway.authority.clone();
    gateway.running.ends(0).prints(&format!("listening on http://{authority}\n"));
}

#[test]
fn without_a_configuration_the_mock_is_served() {
    let gateway = Gateway::serving(&Home::new());
    gateway.running.err.holds("the built-in mock answers");
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", &STREAM.replace("true", "false")).0, 200);
}

#[test]
fn administration_may_have_a_port_of_its_own() {
    let home = Home::with("providers: [{ name: a, type: mock }]\nadmin: { port: 0 }\n");
    let running = home.llmgw(&["serve", "--port", "0"]).starts();
    running.out.until("two lines", |text| text.lines().count() == 2 && text.ends_with(" (administration)\n"));
}

#[test]
fn a_signal_lets_what_runs_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let upstream = patient();
        let gateway = Gateway::serving(&Home::with(&upstream.config()));
        let answer = gateway.begin("POST", "/v1/chat/completions", STREAM);
        answer.holds("begun");
        gateway.running.signal(signal);
        gateway.running.err.holds("shutting down");
        upstream.go_on();
        let text = answer.to_end();
        assert!(text.contains("done") && text.contains("[DONE]"), "{text}");
        gateway.running.ends(0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let upstream = patient();
    let gateway = Gateway::serving(&Home::with(&upstream.config()));
    let answer = gateway.begin("POST", "/v1/chat/completions", STREAM);
    answer.holds("begun");
    gateway.running.signal(Signal::TERM);
    gateway.running.err.holds("shutting down");
    gateway.running.signal(Signal::INT);
    gateway.running.ends(0).says(&["ended at once"]);
    let text = answer.to_end();
    assert!(!text.contains("[DONE]"), "{text}");
}

#[test]
fn while_it_drains_it_serves_but_is_not_ready() {
    let home = Home::with("providers: [{ name: a, type: mock, models: [m] }]\nserver: { drain: 1h }\n");
    let gateway = Gateway::serving(&home);
    gateway.running.signal(Signal::TERM);
    gateway.running.err.holds("shutting down");
    assert_eq!(gateway.ask("GET", "/readyz", "").0, 503);
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", &STREAM.replace("true", "false")).0, 200);
    gateway.running.signal(Signal::TERM);
    gateway.running.ends(0);
}

#[test]
fn a_closed_stdout_is_no_reason_not_to_serve() {
    let home = Home::new();
    let authority = format!("127.0.0.1:{}", free_port());
    let port = authority.rsplit(':').next().expect("a port");
    let mut command = home.llmgw(&["serve", "--port", port]).command();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn();
    let gateway = Gateway { running: Running::of(child.expect("the binary")), authority };
    // Where it listens is said to nobody.
    let begun = Instant::now();
    while TcpStream::connect(&gateway.authority).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody listens");
        thread::yield_now();
    }
    assert_eq!(gateway.ask("GET", "/readyz", "").0, 200);
    gateway.running.signal(Signal::TERM);
    gateway.running.ends(0);
}

#[test]
fn a_gateway_behind_tls_is_reached_with_its_own_certificate() {
    let home = Home::new();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    home.write("cert.pem", made.cert.pem());
    home.write("key.pem", made.signing_key.serialize_pem());
    let config = "providers: [{ name: a, type: mock }]\nserver: { port: PORT, tls: { cert: cert.pem, key: key.pem } }\n";
    home.write("llmgw.yaml", config.replace("PORT", "0"));
    let running = home.llmgw(&["serve", "--no-watch"]).starts();
    let said = running.out.holds("\n");
    let port = said.trim_end().strip_prefix("listening on https://127.0.0.1:").expect("an address").to_owned();
    home.write("client.yaml", config.replace("PORT", &port));
    home.run(&["reload", "-c", "client.yaml"], 0);
    // Plain HTTP is not answered with silence.
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a reader");
    let _ = socket.read_to_end(&mut Vec::new());
}
