//! The whole way of a request over a socket, to the built-in mock and back.

mod panics;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::state::{App, Arrival};
use super::{Inherited, Options, ServeError, Server, Shutdown, models};
use crate::config::{Admin, Auth, Config, Key, Mock, Origin, Provider, ProviderKind, Secret, Server as Settings, ServerTls};
use crate::engine::{Engine, RequestId};
use crate::transport::testing::provider;

const SOON: Duration = Duration::from_secs(10);

fn config() -> Config {
    let models = Some(vec!["gpt-4".into(), "o3".into()]);
    let mock = Provider { kind: ProviderKind::Mock(Mock::default()), models, ..provider("http://mock.invalid/v1") };
    let config = Config::of_providers(Origin::Mock, vec![mock]);
    let server = Settings {
        port: 0,
        max_body: 1000,
        shutdown_grace: Duration::from_secs(5),
        cors: vec!["https://app.example".to_owned()],
        ..Settings::default()
    };
    Config { server, ..config }
}

fn locked() -> Config {
    let glob = globset::Glob::new("gpt-*").unwrap().compile_matcher();
    let key =
        |name: &str, text: &str, models, passthrough| Key { name: name.into(), digest: Secret::new(text).digest(), models, passthrough };
    let keys = vec![key("all", "sk-all", Vec::new(), true), key("some", "sk-some", vec![glob], false)];
    let admin = Admin { key: Some(Secret::new("sk-admin")), port: None };
    Config { auth: Auth { open_models: false, keys }, admin, ..config() }
}

struct Gateway {
    address: String,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), ServeError>>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body));
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Gateway {
    async fn start(config: Config) -> Gateway {
        let options = Options::from_config(&config);
        let engine = Engine::start(config, Box::new(|| Err(vec!["llmgw.yaml:1:1: broken".to_owned()]))).unwrap();
        let server = Server::bind(engine, options).await.unwrap();
        let (address, shutdown) = (server.addresses()[0].address.to_string(), Shutdown::new());
        Gateway { address, shutdown: shutdown.clone(), task: tokio::spawn(server.run(shutdown)) }
    }

    /// `ask` is the request line without the version; headers are `name: value` lines.
    async fn ask(&self, ask: &str, headers: &[&str], body: &str) -> Answer {
        let host = if headers.iter().any(|line| line.starts_with("host")) { "" } else { "host: localhost\r\n" };
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(format!("{ask} HTTP/1.1\r\n{host}connection: close\r\n{length}{lines}\r\n{body}").as_bytes()).await.unwrap();
        let mut text = Vec::new();
        timeout(SOON, stream.read_to_end(&mut text)).await.expect("an answer comes soon").unwrap();
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn chat(&self, headers: &[&str], body: &str) -> Answer {
        let mut all = vec!["content-type: application/json"];
        all.extend(headers);
        self.ask("POST /v1/chat/completions", &all, body).await
    }
}

const HELLO: &str = r#"{"model":"gpt-4","messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test]
async fn a_chat_is_answered_and_names_its_upstream() {
    let gateway = Gateway::start(config()).await;
    let answer = gateway.chat(&["x-request-id: mine-1"], HELLO).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    assert_eq!(answer.header("x-llmgw-attempts"), Some("1"));
    assert!(answer.header("x-llmgw-provider").is_some() && answer.header("x-llmgw-overhead-ms").is_some());

    let stream = gateway.chat(&[], &HELLO.replace("{\"model\"", "{\"stream\":true,\"model\"")).await;
    assert_eq!((stream.status, stream.header("x-accel-buffering")), (200, Some("no")));
    assert!(stream.body.contains("data: [DONE]"), "{}", stream.body);
}

#[tokio::test]
async fn bad_input_is_the_clients_and_says_so_in_openais_envelope() {
    let gateway = Gateway::start(locked()).await;
    let key = "authorization: Bearer sk-all";
    let deep = format!("{}{}", "[".repeat(450), "]".repeat(450));
    for (ask, headers, body, status, code) in [
        ("POST /v1/chat/completions", vec![key], "{", 400, "invalid_json"),
        ("POST /v1/chat/completions", vec![key], "{}", 400, "invalid_request"),
        ("POST /v1/chat/completions", vec![key], &*deep, 400, "invalid_json"),
        ("POST /v1/chat/completions", vec![key], &HELLO.replace("gpt-4", "nobody"), 404, "model_not_found"),
        ("POST /v1/chat/completions", vec![], HELLO, 401, "invalid_api_key"),
        ("POST /v1/chat/completions", vec!["x-api-key: sk-wrong"], HELLO, 401, "invalid_api_key"),
        ("POST /v1/chat/completions", vec!["x-api-key: sk-some"], &HELLO.replace("gpt-4", "o3"), 403, "model_not_allowed"),
        ("POST /v1/chat/completions", vec![key, "content-type: text/plain"], HELLO, 415, "unsupported_media_type"),
        ("POST /v1/chat/completions", vec![key], &"x".repeat(1001), 413, "body_too_large"),
        ("POST /v1/chat/completions", vec![key, "content-encoding: gzip"], "x", 400, "invalid_request"),
        ("GET /v1/chat/completions", vec![key], "", 405, "method_not_allowed"),
        ("POST /v1/audio/speech/more", vec!["x-api-key: sk-some"], "", 403, "model_not_allowed"),
        ("GET /v1/files", vec![key], "", 404, "not_found"),
        ("GET /nowhere", vec![], "", 404, "not_found"),
        ("GET /v1/realtime", vec![], "", 501, "not_supported"),
        ("GET /status", vec![key], "", 401, "invalid_api_key"),
        ("POST /reload", vec!["authorization: Bearer sk-admin"], "", 400, "invalid_config"),
    ] {
        let answer = gateway.ask(ask, &headers, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{ask} {headers:?}: {}", answer.body);
        assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req-")), "{ask}");
    }
    let answer = gateway.ask("GET /v1/chat/completions", &[key], "").await;
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn a_caller_sees_and_tests_its_models() {
    let gateway = Gateway::start(locked()).await;
    let answer = gateway.ask("GET /v1/models", &["x-api-key: sk-some"], "").await;
    let list: Value = serde_json::from_str(&answer.body).unwrap();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["gpt-4"], "{}", answer.body);
    assert_eq!(gateway.ask("GET /v1/models", &[], "").await.status, 401);

    let name = list["data"][0]["owned_by"].as_str().unwrap();
    for id in [format!("{name}/gpt-4"), format!("{name}%2Fgpt-4")] {
        let answer = gateway.ask(&format!("GET /v1/models/{id}"), &["x-api-key: sk-all"], "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = gateway.ask(&format!("POST /v1/models/{id}/test"), &["x-api-key: sk-all"], r#"{"test_message":"hello"}"#).await;
        let tested: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &tested["ok"]), (200, &Value::Bool(true)), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_refused_test_is_told_even_while_the_client_sends() {
    let gateway = Gateway::start(locked()).await;
    // More than the buffers between the two hold: a gateway that closes without reading would reset the connection.
    let body = " ".repeat(16_000_000);
    for (headers, status) in [(vec![], 401), (vec!["x-api-key: sk-some"], 403)] {
        assert_eq!(gateway.ask("POST /v1/models/o3/test", &headers, &body).await.status, status);
    }
}

#[tokio::test]
async fn the_list_of_a_request_is_that_of_the_configuration_it_began_with() {
    let mut next = config();
    next.providers[0].models = Some(vec!["new".into()]);
    let engine = Engine::start(config(), Box::new(move || Ok(next.clone()))).unwrap();
    let snapshot = engine.snapshot();
    let arrival = Arrival { id: RequestId::make(), client: [127, 0, 0, 1].into(), received: Instant::now(), snapshot };
    engine.reload(false).unwrap();
    let request = http::Request::get("/v1/models").extension(arrival).body(Body::empty()).unwrap();
    let app = App::new(engine, Shutdown::new(), false, None);
    let list = models::list(State(app), request).await.unwrap().into_response().into_body().collect().await.unwrap().to_bytes();
    let list = String::from_utf8(list.to_vec()).unwrap();
    assert!(list.contains("gpt-4") && !list.contains("new"), "{list}");
}

#[tokio::test]
async fn an_open_gateway_answers_this_machine_only_and_pages_of_allowed_origins() {
    let gateway = Gateway::start(config()).await;
    assert_eq!(gateway.ask("GET /health", &["host: evil.example"], "").await.status, 403);
    assert_eq!(gateway.chat(&["origin: https://evil.example"], HELLO).await.status, 403);

    let preflight = ["origin: https://app.example", "access-control-request-method: POST", "access-control-request-headers: content-type"];
    let answer = gateway.ask("OPTIONS /v1/chat/completions", &preflight, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"), "{}", answer.head);
    let answer = gateway.chat(&["origin: https://app.example"], "{").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (400, Some("https://app.example")));
    assert!(answer.header("access-control-expose-headers").is_some_and(|exposed| exposed.contains("x-request-id")));
    let plain = gateway.ask("OPTIONS /v1/models", &[], "").await;
    assert_eq!((plain.status, plain.header("allow")), (204, Some("GET,HEAD")));
}

#[tokio::test]
async fn without_keys_nothing_listens_in_public_unless_told_to() {
    let refused = |insecure| async move {
        let options = Options { host: "0.0.0.0".to_owned(), insecure, ..Options::from_config(&config()) };
        Server::bind(Engine::start(config(), Box::new(|| Err(Vec::new()))).unwrap(), options).await
    };
    assert!(matches!(refused(false).await, Err(ServeError::PublicWithoutKeys { .. })));
    assert!(refused(true).await.is_ok());
}

#[tokio::test]
async fn what_is_handed_over_is_used_by_the_same_rules() {
    let bind = |address: &str, admin: Option<u16>| {
        let socket = std::net::TcpListener::bind(address).unwrap();
        let port = socket.local_addr().unwrap().port();
        let inherited = vec![Inherited { name: None, socket: Arc::new(socket) }];
        // Nobody can listen there.
        let options = Options { host: "192.0.2.1".to_owned(), admin_port: admin, inherited, ..Options::from_config(&config()) };
        async move { (port, Server::bind(Engine::start(config(), Box::new(|| Err(Vec::new()))).unwrap(), options).await) }
    };
    let (port, server) = bind("127.0.0.1:0", None).await;
    assert_eq!(server.ok().unwrap().addresses().iter().map(|address| address.address.port()).collect::<Vec<_>>(), [port]);
    assert!(matches!(bind("0.0.0.0:0", None).await.1, Err(ServeError::PublicWithoutKeys { .. })));
    // What is not handed over is opened, as configured.
    assert!(matches!(bind("127.0.0.1:0", Some(0)).await.1, Err(ServeError::PublicWithoutKeys { .. })));
}

#[tokio::test]
async fn administration_moves_to_its_own_port() {
    let mut config = config();
    config.admin.port = Some(0);
    let options = Options::from_config(&config);
    let server = Server::bind(Engine::start(config, Box::new(|| Err(Vec::new()))).unwrap(), options).await.unwrap();
    let addresses = server.addresses();
    assert_eq!(addresses.iter().map(|address| address.admin).collect::<Vec<_>>(), [false, true]);
    let shutdown = Shutdown::new();
    let mut gateway =
        Gateway { address: addresses[0].address.to_string(), shutdown: shutdown.clone(), task: tokio::spawn(server.run(shutdown)) };
    for ask in ["GET /status", "POST /reload", "POST /v1/reload", "GET /config"] {
        assert_eq!(gateway.ask(ask, &[], "").await.status, 404, "{ask}");
    }
    gateway.address = addresses[1].address.to_string();
    assert_eq!(gateway.ask("GET /status", &[], "").await.status, 200);
    assert_eq!(gateway.ask("GET /v1/models", &[], "").await.status, 404);
}

#[tokio::test]
async fn shutting_down_turns_readiness_first_and_ends() {
    let gateway = Gateway::start(Config { server: Settings { drain: SOON, ..config().server }, ..config() }).await;
    assert_eq!(gateway.ask("GET /readyz", &[], "").await.status, 200);
    gateway.shutdown.begin();
    assert_eq!(gateway.ask("GET /readyz", &[], "").await.status, 503);
    assert_eq!(gateway.chat(&[], HELLO).await.status, 200, "draining still serves");
    gateway.shutdown.now();
    timeout(SOON, gateway.task).await.expect("at once").unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_refuses_the_whole_reload() {
    let folder = tempfile::tempdir().unwrap();
    let files = ServerTls { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let write = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        made.signing_key.serialize_pem()
    };
    std::fs::write(&files.key, write("localhost")).unwrap();
    let secured = Config { server: Settings { tls: Some(files.clone()), ..config().server }, ..config() };
    let mut next = secured.clone();
    next.server.max_body = 2000;
    let options = Options::from_config(&secured);
    let engine = Engine::start(secured, Box::new(move || Ok(next.clone()))).unwrap();
    let server = Server::bind(engine.clone(), options).await.unwrap();
    let certificates = server.certificates.clone().unwrap();
    let first = certificates.current().cert.clone();

    // Whoever renews writes one file after the other; between the two they do not match.
    let key = write("localhost");
    for check in [true, false] {
        let diagnostics = server.reloader().reload(check).unwrap_err();
        assert!(diagnostics[0].starts_with("server.tls: ") && diagnostics[0].contains("key.pem"), "{diagnostics:?}");
        assert_eq!((engine.snapshot().config.server.max_body, &certificates.current().cert), (1000, &first));
    }
    let last = engine.status().last_reload.unwrap();
    assert!(!last.ok && last.error.unwrap().contains("key.pem"));

    std::fs::write(&files.key, key).unwrap();
    server.reloader().reload(true).unwrap();
    assert_eq!(certificates.current().cert, first, "a check changes nothing");
    server.reloader().reload(false).unwrap();
    assert_eq!(engine.snapshot().config.server.max_body, 2000);
    assert_ne!(certificates.current().cert, first);
}

#[tokio::test]
async fn requests_that_name_a_provider_are_passed_through() {
    let config = config();
    let name = Arc::clone(&config.providers[0].name);
    let gateway = Gateway::start(config).await;
    let answer = gateway.ask(&format!("GET /providers/{name}/models"), &[], "").await;
    assert_eq!((answer.status, answer.header("x-llmgw-provider")), (200, Some(&*name)), "{}", answer.body);
    let named = format!("x-llmgw-provider: {name}");
    assert_eq!(gateway.ask("GET /v1/files", &[&named], "").await.header("x-llmgw-provider"), Some(&*name));
    assert_eq!(gateway.ask(&format!("GET /providers/{name}/../../etc"), &[], "").await.status, 400);
}
