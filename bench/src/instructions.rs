//! `instructions`: how many instructions a request of each kind takes, counted by callgrind.
//!
//! A count barely moves between two runs, where a time does; it says nothing of the kernel's work or of cache misses.

mod callgrind;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use tokio::runtime;

use crate::load::Connection;
use crate::process;
use crate::report::{Report, number, progress, table};
use crate::run::TemporaryFolder;
use crate::scenario::{SCENARIOS, chat, head, post};
use crate::target::{Base, Config, Upstream, Variant, launch};

use callgrind::Callgrind;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// Writes the counts, as JSON, for a later --compare
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Shows the difference to counts that were saved
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Shows in which functions this kind's instructions are; the binary needs its symbols
    #[arg(long, value_name = "KIND", value_parser = NAMES)]
    profile: Option<String>,
}

const NAMES: [&str; 8] =
    ["chat-1k", "chat-100k", "stream-burst", "stream-rush", "embeddings", "refused-key", "unknown-model", "list-models"];

/// Enough for connections, caches and the allocator to have come to rest.
const WARM_UP: usize = 300;

struct Kind {
    name: &'static str,
    request: Bytes,
    status: u16,
    events: u64,
    count: usize,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.llmgw.exists(), "there is no {}: build it, or give --llmgw", args.llmgw.display());
    let _priority = process::stay_on_load_core()?;
    let folder = TemporaryFolder::new()?;
    let upstream = Upstream::start(&folder.0, 0)?;
    let out = folder.0.join("callgrind.out");
    let option = format!("--callgrind-out-file={}", out.display());
    let under = ["valgrind", "--tool=callgrind", "--quiet", &option];
    let (server, address) = launch(&folder.0, &Config::small(upstream.address), &Variant::full("llmgw", &args.llmgw), &under)?;
    let callgrind = Callgrind::new(server.pid(), out);
    let chosen = |kind: &Kind| args.profile.as_ref().is_none_or(|name| name == kind.name);
    let kinds: Vec<Kind> = kinds(&Base::new(address))?.into_iter().filter(chosen).collect();
    let counts = runtime::Builder::new_current_thread().enable_all().build()?.block_on(count(&kinds, address, &callgrind))?;
    if args.profile.is_some() {
        let mut report = Report::default();
        report.add(&callgrind.annotate()?);
        return Ok(());
    }
    let before = args.compare.as_deref().map(read).transpose()?;
    Report::default().add(&render(&kinds, &counts, before.as_ref()));
    match &args.save {
        Some(path) => fs::write(path, serde_json::to_string_pretty(&counts)?).with_context(|| path.display().to_string()),
        None => Ok(()),
    }
}

type Counts = BTreeMap<String, f64>;

fn read(path: &Path) -> Result<Counts> {
    serde_json::from_str(&fs::read_to_string(path).with_context(|| path.display().to_string())?).context("saved counts")
}

fn kinds(base: &Base) -> Result<Vec<Kind>> {
    let mut kinds = Vec::new();
    for name in NAMES {
        let mut kind = Kind { name, request: Bytes::new(), status: 200, events: 0, count: 200 };
        if let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) {
            kind.request = scenario.request(base)?;
            kind.events = scenario.events;
            kind.count = if scenario.events > 100 || scenario.size > 10_000 { 50 } else { 200 };
        } else {
            (kind.status, kind.request) = match name {
                "refused-key" => (401, head(base, "POST", "/chat/completions", "sk-wrong", Some(&chat("whole", 1000, false)?))),
                "unknown-model" => (404, post(base, "/chat/completions", &chat("unknown", 1000, false)?)),
                "list-models" => (200, head(base, "GET", "/models", base.key, None)),
                _ => bail!("`{name}` is no kind"),
            };
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

/// Instructions of one request, by kind.
async fn count(kinds: &[Kind], address: SocketAddr, callgrind: &Callgrind) -> Result<Counts> {
    let mut counts = Counts::new();
    for kind in kinds {
        let open = Connection::open(address, kind.request.clone(), kind.events).await?;
        let mut connection = open.expect_status(kind.status);
        for _ in 0..WARM_UP.min(2 * kind.count) {
            connection.exchange().await.context(kind.name)?;
        }
        callgrind.zero()?;
        for _ in 0..kind.count {
            connection.exchange().await.context(kind.name)?;
        }
        let each = callgrind.dump()? as f64 / kind.count as f64;
        progress(&format!("{:>16} {each:12.0}", kind.name));
        counts.insert(kind.name.to_owned(), each);
    }
    Ok(counts)
}

fn render(kinds: &[Kind], counts: &Counts, before: Option<&Counts>) -> String {
    let mut rows = Vec::new();
    for kind in kinds {
        let count = counts.get(kind.name).copied();
        let mut row = vec![kind.name.to_owned(), kind.count.to_string(), number(count, 0)];
        if let Some(before) = before {
            let before = before.get(kind.name).copied();
            row.push(number(before, 0));
            row.push(number(count.zip(before).map(|(now, before)| 100.0 * (now / before - 1.0)), 2));
        }
        rows.push(row);
    }
    let head = ["kind", "requests", "instructions each", "before", "difference %"];
    table(if before.is_some() { &head } else { &head[..3] }, &rows)
}
