//! What a bug costs, and what it says.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{Gateway, config};
use crate::config::{Level, LogFormat, Logging, Secret};
use crate::engine::Engine;
use crate::server::Shutdown;
use crate::server::accept::{Acceptor, Spread};
use crate::server::layers::Edge;
use crate::server::router::{Paths, Surface};
use crate::server::state::App;
use crate::telemetry::logging::{self, LogOptions};
use crate::telemetry::testing::Memory;

const KEY: &str = "the-key-of-an-upstream-0123456789";

async fn bug(request: Request) -> &'static str {
    assert!(request.uri().path() != "/bug", "no header may hold {KEY:?}");
    "fine"
}

#[tokio::test]
async fn a_panic_costs_one_request_and_shows_no_secret() {
    let memory = Memory::default();
    let output = memory.clone();
    let logging = Logging { level: Level::Trace, format: LogFormat::Json, ..Logging::default() };
    let options = LogOptions { logging, pinned: true, ansi: false, server: false };
    let (subscriber, log) = logging::build(&options, move || output.clone());
    log.set_secrets(vec![Secret::new(KEY)]);
    let _logging = tracing::subscriber::set_default(subscriber);
    logging::log_panics();

    let engine = Engine::start(config(), Box::new(|| Err(Vec::new()))).unwrap();
    let shutdown = Shutdown::new();
    let app = App::new(engine, shutdown.clone(), false, None);
    let crowd = Arc::clone(&app.crowd);
    let table = Router::new().route("/bug", get(bug)).route("/fine", get(bug));
    let handler = Arc::new(Edge::new(Arc::clone(&app), Paths { app, surface: Surface::All, table }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = Acceptor { listener, tls: None, handler, shutdown: shutdown.clone(), crowd, spread: Spread::over(&[]) };
    let task = tokio::spawn(async {
        acceptor.run().await;
        Ok(())
    });
    let gateway = Gateway { address, shutdown, task };

    let answer = gateway.ask("GET /bug", &["x-request-id: req-bug"], "").await;
    assert_eq!((answer.status, answer.code().as_str(), answer.header("x-request-id")), (500, "internal_error", Some("req-bug")));
    assert!(!answer.head.contains("01234") && !answer.body.contains("01234"), "{} {}", answer.head, answer.body);
    assert_eq!(gateway.ask("GET /fine", &[], "").await.body, "fine");
    drop(std::panic::take_hook());
    let log = memory.take();
    for line in [r#""message":"panicked""#, "a request panicked", "panics.rs:", "req-bug", "the-k****6789"] {
        assert!(log.contains(line), "{line} is missing in {log}");
    }
    assert!(!log.contains("01234"), "{log}");
}
