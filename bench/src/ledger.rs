//! `ledger`: how fast a full ledger is read, and what one request more costs it.
//!
//! The rows are made by SQLite itself, in the tables that llmgw made: a month of requests of twenty callers, fifty models
//! and eight providers, one of a hundred of which failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;

use crate::report::{Report, number, progress, table};
use crate::run::TemporaryFolder;
use crate::statistics::median;

/// Each command so often.
const ROUNDS: usize = 7;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// How many requests are in it
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    rows: u64,
    /// Writes the table into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let folder = TemporaryFolder::new()?;
    let database = folder.0.join("llmgw.db");
    let config = folder.0.join("llmgw.yaml");
    let text = format!("providers: [{{ name: local, type: mock }}]\nstorage: {{ path: \"{}\", max: 100GB }}\n", database.display());
    fs::write(&config, text)?;
    // Its tables, and a request to look for.
    llmgw(args, &config, &["chat", "-m", "local/echo", "你好"])?;
    progress(&format!("filling in {} requests", args.rows));
    fill(&database, args.rows)?;
    let size = fs::metadata(&database)?.len();
    let mut rows = Vec::new();
    for line in [
        &["logs"][..],
        &["logs", "--failed"],
        &["logs", "--model", "model-7"],
        &["logs", "--model", "model-7", "--provider", "provider-3", "--key", "caller-11"],
        &["logs", "--since", "2h", "--until", "1h"],
        &["why", "req-00000000000000500000"],
        &["why", "--failed"],
        &["usage", "--since", "1h"],
        &["usage", "--by", "key", "--since", "7d"],
        &["usage", "--by", "day", "--since", "30d"],
        &["chat", "-m", "local/echo", "你好"],
    ] {
        let times = (0..ROUNDS).map(|_| llmgw(args, &config, line)).collect::<Result<Vec<_>>>()?;
        rows.push(vec![format!("llmgw {}", line.join(" ")), number(median(times.into_iter()), 1)]);
    }
    let mut report = Report::default();
    let head = format!("## A ledger of {} requests, {:.1} GB\n", args.rows, size as f64 / 1e9);
    report.add(&format!("{head}\n{}", table(&["from start to exit", "ms"], &rows)));
    report.save(args.markdown.as_deref())
}

/// Runs a command to its end; how many milliseconds that took.
fn llmgw(args: &Args, config: &Path, line: &[&str]) -> Result<f64> {
    let begun = Instant::now();
    let ended = Command::new(&args.llmgw).arg("--config").arg(config).args(line).output().context("llmgw")?;
    let took = begun.elapsed();
    ensure!(ended.status.success(), "{line:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Ok(took.as_secs_f64() * 1e3)
}

fn fill(database: &Path, rows: u64) -> Result<()> {
    let connection = Connection::open(database)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;")?;
    let names = [("caller", 20), ("model", 50), ("provider", 8)];
    for (what, count) in names {
        for number in 0..count {
            connection.execute("INSERT INTO names (name) VALUES (?)", [format!("{what}-{number}")])?;
        }
    }
    let first = |what: &str| connection.query_row("SELECT id FROM names WHERE name = ?", [format!("{what}-0")], |row| row.get::<_, i64>(0));
    let (caller, model, provider) = (first("caller")?, first("model")?, first("provider")?);
    let now: i64 = connection.query_row("SELECT CAST(unixepoch() AS INTEGER) * 1000000 - 10000000", [], |row| row.get(0))?;
    // A month, evenly; a fixed mixture by the number.
    let step = 30 * 86_400 * 1_000_000 / rows.max(1) as i64;
    let numbers = format!("WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})");
    let at = format!("{now} - ({rows} - n) * {step}");
    let (who, what, whom) = (format!("{caller} + n * 7 % 20"), format!("{model} + n * 13 % 50"), format!("{provider} + n * 3 % 8"));
    let ended = "SELECT id FROM names WHERE name = iif(n % 100 = 0, 'upstream_error', 'ok')";
    let chat = "SELECT id FROM names WHERE name";
    connection.execute_batch(&format!(
        "INSERT OR IGNORE INTO names (name) VALUES ('upstream_error'), ('ok'), ('/chat/completions'), ('openai_chat'), ('reported'), ('config');
         BEGIN;
         {numbers} INSERT INTO requests SELECT {at}, printf('req-%020d', n), '10.0.0.1', {who}, ({chat} = '/chat/completions'),
            ({chat} = 'openai_chat'), {what}, {whom}, {what}, NULL, 1, iif(n % 100 = 0, 502, 200), ({ended}), 500, 100, 0, 200, 20,
            ({chat} = 'reported'), 0.001, ({chat} = 'config'), 300000, 250000, 400, 2000000, 2000, 8000, 100, 0, n % 100 = 0,
            iif(n % 100 = 0, 'every upstream failed', NULL), NULL,
            '{{\"resolved_by\":\"an entry of `models`\",\"plan\":[[\"gpt-4\",\"provider-1\",\"model-1\"]],\"skipped\":[]}}' FROM numbers;
         {numbers} INSERT INTO attempts SELECT {at}, 0, {what}, {whom}, {what}, {whom}, {whom}, 443, ({chat} = 'openai_chat'), 400, 3000,
            9000, 250000, 300000, 2000000, 200, ({ended}), NULL, 500, 100, 0, 200, 20, ({chat} = 'reported'), 0.001, ({chat} = 'config'), 0
            FROM numbers;
         INSERT INTO sums SELECT at / 1000 / 900000 * 900000, caller, model, provider, upstream_model, outcome, COUNT(*), COUNT(*), 0,
            SUM(input), SUM(cached), 0, SUM(output), SUM(reasoning), 0, SUM(cost), 0, SUM(bytes), SUM(total), SUM(first_token), COUNT(*)
            FROM requests WHERE model >= {model} GROUP BY 1, 2, 3, 4, 5, 6;
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    Ok(())
}
