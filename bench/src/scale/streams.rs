//! Memory of streams that are open and silent.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime;

use crate::load::Connection;
use crate::report::{number, progress, table};
use crate::scenario::{chat, post};
use crate::target::{Target, Variant};

const STEPS: [usize; 4] = [1000, 3000, 5000, 9000];

/// What a gateway does after the last event of a step is done by then.
const SETTLE: Duration = Duration::from_millis(300);

pub fn measure(llmgw: &Path, folder: &Path, upstream: SocketAddr) -> Result<String> {
    let starts: [&dyn Fn() -> Result<Target>; 3] = [&|| Target::nginx_wide(folder, upstream), &|| Target::relay(folder, upstream), &|| {
        Target::llmgw(folder, upstream, &Variant::full("llmgw", llmgw))
    }];
    let mut rows = Vec::new();
    for start in starts {
        let target = start()?;
        let memory = hold(&target).with_context(|| target.name.clone())?;
        let slope = 1000.0 * (memory[STEPS.len() - 1] - memory[0]) / (STEPS[STEPS.len() - 1] - STEPS[0]) as f64;
        let mut row = vec![target.name.clone(), number(target.idle_memory, 1)];
        row.extend(memory.iter().map(|memory| number(Some(*memory), 1)));
        row.push(number(Some(slope), 1));
        rows.push(row);
    }
    let head = ["MB at open streams", "0", "1,000", "3,000", "5,000", "9,000", "KB a stream"];
    Ok(format!("## Open streams\n\n{}", table(&head, &rows)))
}

/// Resident memory at each step. Each stream has brought its first event.
fn hold(target: &Target) -> Result<Vec<f64>> {
    let request = post(&target.base, "/chat/completions", &chat("held", 1000, true)?);
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut streams = Vec::new();
        let mut memory = Vec::new();
        for step in STEPS {
            while streams.len() < step {
                let mut connection = Connection::open(target.base.address, request.clone(), 1).await?;
                connection.exchange_first().await.with_context(|| format!("stream {}", streams.len()))?;
                connection.shrink();
                streams.push(connection);
            }
            thread::sleep(SETTLE);
            memory.extend(target.memory("VmRSS")?);
            progress(&format!("{:>16} {step:6} streams {:8.1} MB", target.name, memory.last().copied().unwrap_or_default()));
        }
        Ok(memory)
    })
}
