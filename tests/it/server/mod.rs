//! The server over real sockets: a client on one side, an upstream on the other, both held in the test's hands.
//!
//! Nothing sleeps: tests wait for what happens, at most [`SOON`].

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails its test")]

mod administration;
mod anthropic;
pub mod client;
mod cors;
mod dashboard;
mod docs;
mod ending;
mod errors;
mod explain;
mod faults;
mod headers;
mod keepalive;
mod keys;
mod leaving;
mod metrics;
mod paths;
mod reloading;
mod responses;
mod slow;
mod status;
mod tls;
pub mod upstream;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use llmgw::config::env::Env;
use llmgw::config::load::{Overrides, load_text};
use llmgw::engine::{Engine, TransportFor};
use llmgw::server::{Options, ServeError, Server, Shutdown};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use client::{Answer, Ask};
use upstream::Upstream;

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(10);

/// Waits for what must come.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A server that runs, and what its configuration is read from.
pub struct Gateway {
    pub engine: Engine,
    pub address: SocketAddr,
    /// The listener of `admin.port`, if there is one.
    pub admin: Option<SocketAddr>,
    pub shutdown: Shutdown,
    pub task: JoinHandle<Result<(), ServeError>>,
    config: Arc<Mutex<String>>,
}

impl Gateway {
    /// With this configuration, on ports that the system chooses.
    pub async fn start(config: &str) -> Gateway {
        Gateway::start_in(Path::new("/"), config).await
    }

    /// The same; relative paths of the configuration are in `directory`.
    pub async fn start_in(directory: &Path, config: &str) -> Gateway {
        let (text, base) = (Arc::new(Mutex::new(config.to_owned())), directory.to_owned());
        let config = text.clone();
        let load = move || load(&base, &text.lock().expect("no panic"));
        Gateway::over(Box::new(load), config, None).await
    }

    /// With other ways to upstreams than the product's own.
    pub async fn start_over(transport_for: TransportFor, config: &str) -> Gateway {
        let text = Arc::new(Mutex::new(config.to_owned()));
        let config = text.clone();
        let load = move || load(Path::new("/"), &text.lock().expect("no panic"));
        Gateway::over(Box::new(load), config, Some(transport_for)).await
    }

    /// With the configuration in this file.
    pub async fn of_file(file: PathBuf) -> Gateway {
        let load = move || load(file.parent().expect("a directory"), &std::fs::read_to_string(&file).expect("a file"));
        Gateway::over(Box::new(load), Arc::default(), None).await
    }

    async fn over(load: llmgw::engine::Load, config: Arc<Mutex<String>>, transport_for: Option<TransportFor>) -> Gateway {
        let first = load().unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
        let workers = vec![another_thread()];
        let options = Options { port: 0, admin_port: first.admin.port.map(|_| 0), workers, ..Options::from_config(&first) };
        let engine = match transport_for {
            None => Engine::start(first, load),
            Some(transport_for) => Engine::start_with_transports(first, load, transport_for),
        };
        let engine = engine.expect("a usable configuration");
        let server = Server::bind(engine.clone(), options).await.expect("a free port");
        let of = |admin| server.addresses().iter().find(|address| address.admin == admin).map(|address| address.address);
        let (address, admin, shutdown) = (of(false).expect("a listener"), of(true), Shutdown::new());
        let task = tokio::spawn(server.run(shutdown.clone()));
        Gateway { engine, address, admin, shutdown, task, config }
    }

    /// What the next reload reads.
    pub fn set_config(&self, config: &str) {
        *self.config.lock().expect("no panic") = config.to_owned();
    }

    /// Reloads with this configuration.
    pub fn reload(&self, config: &str) -> Result<llmgw::engine::Reloaded, Vec<String>> {
        self.set_config(config);
        self.engine.reload(false)
    }

    pub fn get(&self, target: &str) -> Ask {
        Ask::new(self.address, "GET", target)
    }

    pub fn post(&self, target: &str, body: impl ToString) -> Ask {
        Ask::new(self.address, "POST", target).json(body)
    }

    /// Asks `model` for a chat, not streamed.
    pub async fn chat(&self, model: &str) -> Answer {
        self.post(CHAT, question(model)).send().await
    }

    /// The server's end.
    pub async fn ended(&mut self) {
        soon("the server's end", &mut self.task).await.expect("no panic").expect("a clean end");
    }
}

/// Serves beside the test's own thread, as it is with more than one worker.
fn another_thread() -> Handle {
    static OTHER: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));
    OTHER.handle().clone()
}

fn load(base: &Path, text: &str) -> Result<llmgw::config::Config, Vec<String>> {
    let loaded = load_text("llmgw.yaml", text, base, &Env::for_tests(&[], base), &Overrides::default());
    loaded.map(|loaded| loaded.config).map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect())
}

pub const CHAT: &str = "/v1/chat/completions";

/// The key that upstreams get.
pub const UPSTREAM_KEY: &str = "sk-upstream-0123456789abcdef";

/// 你好, asked of `model`.
pub fn question(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "你好" }] })
}

/// The same, for a stream.
pub fn streamed(model: &str) -> Value {
    let mut question = question(model);
    question["stream"] = Value::Bool(true);
    question
}

/// One provider `a` with the model `m-a`.
pub fn one(upstream: &Upstream) -> String {
    format!("providers:\n  - {}\n", provider("a", upstream))
}

/// Two providers, `a` before `b`, both behind the name `gpt-4`.
pub fn two(a: &Upstream, b: &Upstream) -> String {
    format!(
        "providers:\n  - {}\n  - {}\n{}",
        provider("a", a),
        provider("b", b),
        "models: { gpt-4: { routes: [{ provider: a, model: m-a }, { provider: b, model: m-b, priority: 2 }] } }\n"
    )
}

/// A provider with one model, as YAML.
pub fn provider(name: &str, upstream: &Upstream) -> String {
    format!("{{ name: {name}, base_url: \"{}\", api_key: {UPSTREAM_KEY}, models: [m-{name}] }}", upstream.base_url())
}
