//! nginx as a plain `proxy_pass`: no JSON, no keys, no routing; the limit for a relay of another process.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::process::{GATEWAY_CORE, Server, family};

use super::Target;

/// `connections` count on both sides of it; each takes memory from the start.
pub fn start(folder: &Path, upstream: SocketAddr, connections: usize) -> Result<Target> {
    let folder = folder.join("nginx");
    fs::create_dir_all(&folder)?;
    let address = free_address()?;
    let file = folder.join("nginx.conf");
    fs::write(&file, config(&folder, address, upstream, connections))?;
    let (errors, log) = (folder.join("errors"), folder.join("log"));
    let command = ["nginx", "-e", &errors.to_string_lossy(), "-p", &folder.to_string_lossy(), "-c", &file.to_string_lossy()];
    let mut server = Server::start(GATEWAY_CORE, &command, &log)?;
    server.wait_accepting(address)?;
    // It accepts before its worker is there.
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(20));
        if family(server.pid()).len() > 1 {
            break;
        }
    }
    let mut target = Target::new("nginx", address, server)?;
    // The master only waits.
    target.pids.retain(|pid| Some(*pid) != target.server.as_ref().map(Server::pid));
    thread::sleep(Duration::from_millis(50));
    target.idle_memory = target.memory("VmRSS")?;
    Ok(target)
}

fn config(folder: &Path, address: SocketAddr, upstream: SocketAddr, connections: usize) -> String {
    let folder = folder.display();
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let paths: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {folder}/{name};\n")).concat();
    format!(
        "daemon off; {user} worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections {connections}; }}
http {{
access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
client_max_body_size 0; client_body_buffer_size 128k;
{paths}
upstream answers {{ server {upstream}; keepalive 1024; keepalive_requests 1000000000; }}
server {{
listen {address} backlog=4096;
location / {{ proxy_pass http://answers; proxy_http_version 1.1; proxy_set_header connection ''; proxy_buffering off;
proxy_read_timeout 600s; }}
}}
}}
"
    )
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
