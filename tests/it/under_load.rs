//! The real binary under 64 concurrent streams: SIGHUP, an edited file and `llmgw reload` lose none of them.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

const STREAMS: usize = 64;

/// Slow enough that reloads fall into every stream, quick enough for a test.
const CONFIG: &str = "
providers:
  - { name: slow, type: mock, tokens_per_second: 40, models: [m], priority: 1 }
models: { gpt-4: { routes: [{ provider: slow, model: m }] } }
routing: { cooldown: { failures: 3, for: 10s } }
";

struct Gateway {
    child: Child,
    address: String,
    file: PathBuf,
}

impl Gateway {
    fn start(directory: &Path) -> Gateway {
        let file = directory.join("llmgw.yaml");
        std::fs::write(&file, CONFIG).expect("written");
        let mut command = command(directory);
        command.args(["serve", "--port", "0", "-c"]).arg(&file).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
        Gateway { child, address, file }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// The configuration in force.
    async fn config(&self) -> Value {
        let answer = client().get(format!("{}/config", self.address)).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmgw"));
    command.env_clear().env("HOME", directory).env("PATH", "/usr/bin:/bin").current_dir(directory);
    command
}

fn client() -> reqwest::Client {
    crate::install_crypto();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client")
}

/// One stream from beginning to end; `begun` counts those that have received something.
async fn stream(client: reqwest::Client, address: String, begun: std::sync::Arc<AtomicUsize>) -> String {
    let body = json!({ "model": "gpt-4", "stream": true, "messages": [{ "role": "user", "content": "一二三四五六七八九十".repeat(4) }] });
    let mut response = client.post(format!("{address}/v1/chat/completions")).json(&body).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut whole = Vec::new();
    while let Some(piece) = response.chunk().await.expect("no cut") {
        if whole.is_empty() {
            begun.fetch_add(1, Ordering::SeqCst);
        }
        whole.extend_from_slice(&piece);
    }
    crate::gateway::said(std::str::from_utf8(&whole).expect("UTF-8")) + if whole.ends_with(b"data: [DONE]\n\n") { "!" } else { "" }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reloads_of_every_kind_lose_no_stream() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = Gateway::start(directory.path());
    let (client, begun) = (client(), std::sync::Arc::new(AtomicUsize::new(0)));
    let streams: Vec<_> = (0..STREAMS).map(|_| tokio::spawn(stream(client.clone(), gateway.address.clone(), begun.clone()))).collect();
    until("every stream's beginning", async || begun.load(Ordering::SeqCst) == STREAMS).await;

    let edit = |text: &str| {
        let new = directory.path().join("new.yaml");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(&new, &gateway.file).expect("replaced");
    };
    edit(&CONFIG.replace("for: 10s", "for: 11s"));
    until("the reload of an edited file", async || gateway.config().await["routing"]["cooldown"]["for"] == "11s").await;
    // The provider in use goes away: streams end on the configuration that they began with.
    edit(&CONFIG.replace("name: slow", "name: other").replace("provider: slow", "provider: other"));
    gateway.signal("HUP");
    until("the reload after a signal", async || gateway.config().await["providers"][0]["name"] == "other").await;
    std::fs::write(&gateway.file, CONFIG.replace("for: 10s", "for: 12s")).expect("written");
    let reload = command(directory.path()).args(["reload", "--url", &gateway.address]).output().expect("run");
    assert!(reload.status.success(), "{}", String::from_utf8_lossy(&reload.stderr));

    for stream in streams {
        let said = stream.await.expect("no panic");
        assert!(said.ends_with("!") && said.contains("一二三四五六七八九十"), "{said}");
    }
}
