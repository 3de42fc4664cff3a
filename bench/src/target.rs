//! What is measured: where it listens, and which processes it consists of.

mod llmgw;
mod nginx;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{Cpu, GATEWAY_CORE, LOAD_CORE, Server, cpu, family, listener, memory};

pub use llmgw::{ADMIN_KEY, Config, KEY, Variant, launch};

/// `http://address` + path, as an OpenAI client is given it; and the key it sends.
#[derive(Clone, Debug)]
pub struct Base {
    pub address: SocketAddr,
    pub path: String,
    pub key: &'static str,
}

impl Base {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, path: "/v1".to_owned(), key: KEY }
    }

    pub fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").with_context(|| format!("`{url}` does not begin with http://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = host.to_socket_addrs().with_context(|| format!("`{url}`"))?.next().with_context(|| format!("`{url}`"))?;
        let path = path.trim_end_matches('/');
        Ok(Self { address, path: if path.is_empty() { String::new() } else { format!("/{path}") }, key: KEY })
    }
}

pub struct Target {
    pub name: String,
    pub base: Base,
    /// Whose CPU and memory count; none for an upstream asked directly, or a gateway elsewhere.
    pub pids: Vec<u32>,
    /// Before any load, in MB.
    pub idle_memory: Option<f64>,
    /// Until it listened, or accepted.
    pub start: Duration,
    /// Ends with the target.
    server: Option<Server>,
}

impl Target {
    fn new(name: &str, address: SocketAddr, server: Server) -> Result<Self> {
        let start = server.age();
        let pids = family(server.pid());
        let idle_memory = Some(memory(&pids, "VmRSS")?);
        Ok(Self { name: name.to_owned(), base: Base::new(address), pids, idle_memory, start, server: Some(server) })
    }

    /// No gateway: the load generator asks the upstream.
    pub fn direct(upstream: SocketAddr) -> Self {
        Self {
            name: "direct".to_owned(),
            base: Base::new(upstream),
            pids: Vec::new(),
            idle_memory: None,
            start: Duration::ZERO,
            server: None,
        }
    }

    pub fn nginx(folder: &Path, upstream: SocketAddr) -> Result<Self> {
        nginx::start(folder, upstream, 4096)
    }

    /// For as many streams as there can be descriptors for.
    pub fn nginx_wide(folder: &Path, upstream: SocketAddr) -> Result<Self> {
        nginx::start(folder, upstream, 19_900)
    }

    pub fn llmgw(folder: &Path, upstream: SocketAddr, variant: &Variant) -> Result<Self> {
        llmgw::start(folder, &Config::small(upstream), variant)
    }

    pub fn llmgw_with(folder: &Path, config: &Config, variant: &Variant) -> Result<Self> {
        llmgw::start(folder, config, variant)
    }

    pub fn relay(folder: &Path, upstream: SocketAddr) -> Result<Self> {
        let log = folder.join("relay.log");
        let url = format!("http://{upstream}");
        let mut server = Server::start(GATEWAY_CORE, &[&own_program()?, "relay", "--upstream", &url], &log)?;
        let address = server.wait_listening(&log)?;
        Self::new("bare hyper", address, server)
    }

    /// One that runs already. Only on this machine its CPU and memory can be told.
    pub fn given(name: &str, url: &str) -> Result<Self> {
        let base = Base::parse(url)?;
        let pids = if base.address.ip().is_loopback() { listener(base.address.port()).map(family).unwrap_or_default() } else { Vec::new() };
        let idle_memory = if pids.is_empty() { None } else { Some(memory(&pids, "VmRSS")?) };
        Ok(Self { name: name.to_owned(), base, pids, idle_memory, start: Duration::ZERO, server: None })
    }

    pub fn cpu(&self) -> Result<Option<Cpu>> {
        if self.pids.is_empty() { Ok(None) } else { cpu(&self.pids).map(Some) }
    }

    /// `VmRSS` or `VmHWM`, in MB.
    pub fn memory(&self, field: &str) -> Result<Option<f64>> {
        if self.pids.is_empty() { Ok(None) } else { memory(&self.pids, field).map(Some) }
    }
}

/// The mock upstream, as a process of its own.
pub struct Upstream {
    pub address: SocketAddr,
    _server: Server,
}

impl Upstream {
    pub fn start(folder: &Path, port: u16) -> Result<Self> {
        let log = folder.join("upstream.log");
        let mut server = Server::start(LOAD_CORE, &[&own_program()?, "upstream", "--port", &port.to_string()], &log)?;
        Ok(Self { address: server.wait_listening(&log)?, _server: server })
    }
}

fn own_program() -> Result<String> {
    Ok(std::env::current_exe()?.to_str().context("the path of this program is no UTF-8")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_url() {
        let base = Base::parse("http://127.0.0.1:9000/openai/v1/").unwrap();
        assert_eq!((base.address, &*base.path), (SocketAddr::from(([127, 0, 0, 1], 9000)), "/openai/v1"));
        assert_eq!(Base::parse("http://127.0.0.1").unwrap().path, "");
        assert!(Base::parse("https://127.0.0.1").is_err());
    }
}
