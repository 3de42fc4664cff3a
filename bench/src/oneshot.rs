//! `oneshot`: how long a command takes from start to exit, measured by hyperfine, beside curl and other clients.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::process::{self, GATEWAY_CORE};
use crate::report::{Report, machine, number, table};
use crate::run::TemporaryFolder;
use crate::scenario::chat;
use crate::target::Upstream;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// Left out where there is none
    #[arg(long, value_name = "PATH", default_value = "aichat")]
    aichat: String,
    /// Left out where there is none
    #[arg(long, value_name = "PATH", default_value = "llm")]
    llm: String,
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Writes the table into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// A row: its name, the command, and the row that it is compared with.
type Row = (String, Vec<String>, &'static str);

const CURL: &str = "curl, the same request";
const CURL_STREAM: &str = "curl, streamed";

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.llmgw.exists(), "there is no {}: build it, or give --llmgw", args.llmgw.display());
    let _priority = process::stay_on_load_core()?;
    let folder = TemporaryFolder::new()?;
    let upstream = Upstream::start(&folder.0, 0)?;
    let rows = commands(args, &folder.0, upstream.address)?;
    let times = measure(&rows, &folder.0, args.runs)?;
    let mut report = Report::default();
    report.add(&machine(&args.llmgw));
    report.add(&render(&rows, &times));
    report.save(args.markdown.as_deref())
}

fn commands(args: &Args, folder: &Path, upstream: SocketAddr) -> Result<Vec<Row>> {
    let llmgw = args.llmgw.to_str().context("the path of llmgw is no UTF-8")?;
    let url = format!("http://{upstream}/v1");
    let config = folder.join("oneshot.yaml").display().to_string();
    let provider = json!({ "name": "local", "base_url": url, "api_key": "sk-x", "models": ["whole", "burst20"] });
    fs::write(&config, json!({ "providers": [provider] }).to_string())?;
    let mut rows = Vec::new();
    let mut add = |name: &str, beside, command: &[&str]| {
        rows.push((name.to_owned(), command.iter().map(|&word| word.to_owned()).collect(), beside));
    };
    for (name, model, stream) in [(CURL, "whole", false), (CURL_STREAM, "burst20", true)] {
        let body = folder.join(format!("{model}.json"));
        fs::write(&body, chat(model, 300, stream)?)?;
        let (data, target) = (format!("@{}", body.display()), format!("{url}/chat/completions"));
        let json = "content-type: application/json";
        add(name, name, &["curl", "-sSfN", "-H", json, "-H", "authorization: Bearer sk-x", "--data-binary", &data, &target]);
    }
    add("llmgw --version", "", &[llmgw, "--version"]);
    add("llmgw list", "", &[llmgw, "--config", &config, "list"]);
    add("llmgw chat", CURL, &[llmgw, "--config", &config, "chat", "--no-stream", "-m", "local/whole", "你是谁"]);
    add("llmgw chat, streamed", CURL_STREAM, &[llmgw, "--config", &config, "chat", "-m", "local/burst20", "你是谁"]);
    if is_there(&args.aichat) {
        configure_aichat(folder, &url)?;
        add("aichat", CURL, &[&args.aichat, "-S", "-m", "local:whole", "你是谁"]);
        add("aichat, streamed", CURL_STREAM, &[&args.aichat, "-m", "local:burst20", "你是谁"]);
    }
    if is_there(&args.llm) {
        configure_llm(folder, &url)?;
        add("llm", CURL, &[&args.llm, "--no-log", "--no-stream", "--key", "sk-x", "-m", "whole", "你是谁"]);
        add("llm, streamed", CURL_STREAM, &[&args.llm, "--no-log", "--key", "sk-x", "-m", "burst20", "你是谁"]);
    }
    Ok(rows)
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Both read JSON where YAML is asked for.
fn configure_aichat(folder: &Path, url: &str) -> Result<()> {
    let models = json!([{ "name": "whole" }, { "name": "burst20" }]);
    let client = json!({ "type": "openai-compatible", "name": "local", "api_base": url, "api_key": "sk-x", "models": models });
    fs::create_dir_all(folder.join("aichat"))?;
    Ok(fs::write(folder.join("aichat/config.yaml"), json!({ "model": "local:whole", "clients": [client], "save": false }).to_string())?)
}

fn configure_llm(folder: &Path, url: &str) -> Result<()> {
    let model = |name: &str| json!({ "model_id": name, "model_name": name, "api_base": url });
    fs::create_dir_all(folder.join("llm"))?;
    Ok(fs::write(folder.join("llm/extra-openai-models.yaml"), json!([model("whole"), model("burst20")]).to_string())?)
}

/// In seconds.
#[derive(Deserialize)]
struct Times {
    mean: f64,
    median: f64,
    min: f64,
}

#[derive(Deserialize)]
struct Export {
    results: Vec<Times>,
}

fn measure(rows: &[Row], folder: &Path, runs: usize) -> Result<Vec<Times>> {
    let export = folder.join("hyperfine.json");
    let mut command = Command::new("taskset");
    command.args(["-c", &GATEWAY_CORE.to_string(), "hyperfine", "-N", "--style", "none", "--warmup", "5", "--min-runs", &runs.to_string()]);
    command.arg("--export-json").arg(&export);
    for (name, words, _) in rows {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        command.arg("--command-name").arg(name).arg(quoted.join(" "));
    }
    command.env("AICHAT_CONFIG_DIR", folder.join("aichat")).env("LLM_USER_PATH", folder.join("llm"));
    let output = command.stdin(Stdio::null()).output().context("hyperfine")?;
    ensure!(output.status.success(), "hyperfine: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_str::<Export>(&fs::read_to_string(export)?)?.results)
}

fn render(rows: &[Row], times: &[Times]) -> String {
    let milliseconds = |seconds: f64| number(Some(1000.0 * seconds), 1);
    let median_of = |name: &str| rows.iter().zip(times).find(|((other, _, _), _)| other == name).map(|(_, times)| times.median);
    let mut lines = Vec::new();
    for ((name, _, beside), times) in rows.iter().zip(times) {
        let over = median_of(beside).map(|curl| 1000.0 * (times.median - curl));
        lines.push(vec![name.clone(), milliseconds(times.mean), milliseconds(times.median), milliseconds(times.min), number(over, 1)]);
    }
    format!("## One-shot commands\n\n{}", table(&["command", "mean ms", "median ms", "min ms", "median − curl's"], &lines))
}
