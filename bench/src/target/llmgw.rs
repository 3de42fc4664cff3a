//! `llmgw serve`, its variants, and the configurations it is measured with.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process::{GATEWAY_CORE, Server};

use super::Target;

/// The key that every load sends; the first of those configured.
pub const KEY: &str = "sk-bench-00000000000000000000000000";

/// Also administers, so that a reload can be asked for and waited for.
pub const ADMIN_KEY: &str = "sk-admin-0000000000000000000000000";

/// How llmgw is run. A part that can be switched off is a field here and a row in `VARIANTS` of `run/parts.rs`.
#[derive(Clone, Debug)]
pub struct Variant {
    pub name: String,
    pub program: PathBuf,
    pub keys: bool,
    /// One line a request, at level info.
    pub log: bool,
    /// A row a request in the ledger.
    pub ledger: bool,
}

impl Variant {
    /// As it is meant to be used, and as the targets are stated.
    pub fn full(name: &str, program: &Path) -> Self {
        Self { name: name.to_owned(), program: program.to_owned(), keys: true, log: true, ledger: true }
    }
}

/// How much stands in the configuration file.
#[derive(Clone, Debug)]
pub struct Config {
    pub upstream: SocketAddr,
    pub keys: usize,
    pub models: usize,
    pub providers: usize,
}

impl Config {
    pub fn small(upstream: SocketAddr) -> Self {
        Self { upstream, keys: 10, models: 0, providers: 1 }
    }

    pub fn write(&self, file: &Path, with_keys: bool) -> Result<()> {
        fs::write(file, serde_json::to_string_pretty(&self.render(with_keys, &ledger_beside(file)))?)
            .with_context(|| file.display().to_string())
    }

    /// The first provider offers the upstream's answers; what else there is, is there to be searched through.
    fn render(&self, with_keys: bool, ledger: &Path) -> Value {
        let base_url = format!("http://{}/v1", self.upstream);
        let names = ["whole", "embedding", "burst20", "rush", "paced", "held"];
        // The limit of idle connections is nginx's in the same run.
        let provider = |name: String, models: Value| json!({ "name": name, "type": "openai", "base_url": base_url, "api_key": "sk-x", "models": models, "idle_connections": 1024 });
        let mut providers = vec![provider("local".to_owned(), json!(names))];
        providers.extend((1..self.providers).map(|number| provider(format!("other-{number}"), json!([format!("other-model-{number}")]))));
        let models: serde_json::Map<String, Value> = (0..self.models)
            .map(|number| (format!("public-{number}"), json!({ "routes": [{ "provider": "local", "model": "whole" }] })))
            .collect();
        let keys: Vec<Value> = (0..if with_keys { self.keys } else { 0 })
            .map(|number| json!({ "key": format!("sk-bench-{number:026}"), "name": format!("caller-{number}") }))
            .collect();
        json!({
            "server": { "port": 0, "workers": 1 }, "admin": { "key": ADMIN_KEY }, "auth": { "keys": keys },
            "providers": providers, "models": models, "storage": { "path": ledger },
        })
    }
}

pub fn start(folder: &Path, config: &Config, variant: &Variant) -> Result<Target> {
    let (server, address) = launch(folder, config, variant, &[])?;
    Target::new(&variant.name, address, server)
}

/// Where a gateway with this configuration keeps its ledger.
fn ledger_beside(file: &Path) -> PathBuf {
    file.with_extension("db")
}

/// `under` is a program, with its arguments, that runs llmgw.
pub fn launch(folder: &Path, config: &Config, variant: &Variant, under: &[&str]) -> Result<(Server, SocketAddr)> {
    let slug = variant.name.replace(|symbol: char| !symbol.is_ascii_alphanumeric(), "-");
    let file = folder.join(format!("{slug}.yaml"));
    config.write(&file, variant.keys)?;
    if !variant.ledger {
        // In the place of its file there is what cannot be one.
        fs::create_dir_all(ledger_beside(&file))?;
    }
    let log = folder.join(format!("{slug}.log"));
    let program = variant.program.to_str().context("the path of llmgw is no UTF-8")?;
    let level = if variant.log { "info" } else { "error" };
    let file = file.to_string_lossy();
    let command = [under, &[program, "--config", &file, "--log-level", level, "serve", "--no-watch"]].concat();
    let mut server = Server::start(GATEWAY_CORE, &command, &log)?;
    let address = server.wait_listening(&log).with_context(|| variant.name.clone())?;
    Ok((server, address))
}
