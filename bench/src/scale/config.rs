//! Large configurations beside the small one: start, reload, requests, memory.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime;

use crate::load::Connection;
use crate::measure;
use crate::report::{number, table};
use crate::run::interleave;
use crate::scenario::{CHAT, SCENARIOS, head};
use crate::statistics::{median, median_of_pairs, ratio};
use crate::target::{ADMIN_KEY, Base, Config, Target, Variant};

const ROUNDS: usize = 5;
const WINDOW: Duration = Duration::from_millis(700);
const RELOADS: usize = 5;

pub fn measure(llmgw: &Path, folder: &Path, upstream: SocketAddr) -> Result<String> {
    let small = Config::small(upstream);
    let configs = [
        ("10 keys, 6 models", small.clone()),
        ("10,000 keys and models", Config { keys: 10_000, models: 10_000, ..small.clone() }),
        ("1,000 providers", Config { providers: 1000, ..small }),
    ];
    let mut targets = Vec::new();
    let mut firsts = Vec::new();
    for (name, config) in &configs {
        let target = Target::llmgw_with(folder, config, &Variant::full(name, llmgw))?;
        let file = folder.join(format!("{}.yaml", name.replace(|symbol: char| !symbol.is_ascii_alphanumeric(), "-")));
        let size = fs::metadata(&file)?.len() as f64 / 1000.0;
        firsts.push((size, reload(&target, config, &file)?));
        targets.push(target);
    }
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == CHAT).context("no chat")?;
    let single = interleave(&targets, ROUNDS, |target| measure::closed(target, scenario, 1, WINDOW))?;
    let many = interleave(&targets, ROUNDS, |target| measure::closed(target, scenario, 64, WINDOW))?;
    let mut rows = Vec::new();
    for (number_of, (target, (size, reload))) in targets.iter().zip(&firsts).enumerate() {
        let (own, small) = (&single[number_of], &single[0]);
        rows.push(vec![
            target.name.clone(),
            number(Some(*size), 0),
            number(Some(1000.0 * target.start.as_secs_f64()), 1),
            number(*reload, 1),
            number(target.idle_memory, 1),
            number(target.memory("VmRSS")?, 1),
            number(median(own.iter().map(|sample| sample.latency.p50)), 3),
            number(median_of_pairs(own, small, |own, small| ratio(Some(own.latency.p50), Some(small.latency.p50))), 3),
            number(median_of_pairs(&many[number_of], &many[0], |own, small| ratio(Some(own.rate), Some(small.rate))), 3),
        ]);
    }
    let head = [
        "llmgw with",
        "file KB",
        "start ms",
        "reload ms",
        "idle MB",
        "loaded MB",
        "p50 ms, one caller",
        "p50 × small",
        "requests/s × small, 64",
    ];
    Ok(format!("## Large configurations (chat, 1 KB)\n\n{}", table(&head, &rows)))
}

/// The median time of a reload whose file has one more key than before.
fn reload(target: &Target, config: &Config, file: &Path) -> Result<Option<f64>> {
    let base = Base { path: String::new(), ..target.base.clone() };
    let request = head(&base, "POST", "/reload", ADMIN_KEY, Some("{}"));
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut times = Vec::new();
        for more in 1..=RELOADS {
            Config { keys: config.keys + more, ..config.clone() }.write(file, true)?;
            let mut connection = Connection::open(base.address, request.clone(), 0).await?;
            let began = Instant::now();
            connection.exchange().await.context("reload")?;
            times.push(1000.0 * began.elapsed().as_secs_f64());
        }
        Ok(median(times))
    })
}
