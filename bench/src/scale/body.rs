//! A request body of 20 MB.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::runtime;

use crate::load::Connection;
use crate::report::{number, table};
use crate::scenario::{chat, post};
use crate::statistics::{median, median_of_pairs, ratio};
use crate::target::{Target, Variant};

const SIZE: usize = 20_000_000;
const ROUNDS: usize = 20;

pub fn measure(llmgw: &Path, folder: &Path, upstream: SocketAddr) -> Result<String> {
    let targets = [
        Target::direct(upstream),
        Target::nginx(folder, upstream)?,
        Target::relay(folder, upstream)?,
        Target::llmgw(folder, upstream, &Variant::full("llmgw", llmgw))?,
    ];
    let times = runtime::Builder::new_current_thread().enable_all().build()?.block_on(send(&targets))?;
    let mut rows = Vec::new();
    for (target, own) in targets.iter().zip(&times) {
        rows.push(vec![
            target.name.clone(),
            number(own.first().copied(), 1),
            number(median(own.iter().copied()), 1),
            number(median_of_pairs(own, &times[1], |own, nginx| ratio(Some(*own), Some(*nginx))), 2),
            number(target.idle_memory, 1),
            number(target.memory("VmHWM")?, 1),
        ]);
    }
    let head = ["target", "first ms", "p50 ms", "p50 × nginx", "idle MB", "peak MB"];
    let note = "nginx writes a body beyond `client_body_buffer_size` (128 KB here) to a file.";
    Ok(format!("## A body of 20 MB ({ROUNDS} requests, one caller)\n\n{}\n{note}\n", table(&head, &rows)))
}

/// Milliseconds, by target, then by round.
async fn send(targets: &[Target]) -> Result<Vec<Vec<f64>>> {
    let body = chat("whole", SIZE, false)?;
    let mut connections = Vec::new();
    for target in targets {
        connections.push(Connection::open(target.base.address, post(&target.base, "/chat/completions", &body), 0).await?);
    }
    let mut times: Vec<Vec<f64>> = targets.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((target, connection), times) in targets.iter().zip(&mut connections).zip(&mut times) {
            let began = Instant::now();
            connection.exchange().await.with_context(|| target.name.clone())?;
            times.push(1000.0 * began.elapsed().as_secs_f64());
        }
    }
    Ok(times)
}
