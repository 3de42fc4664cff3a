//! Every dialect through the hub into every other. The inputs in `tests/dialects` are data; what they come to stands
//! beside each in one `.snap`, target by target. `make bless` rewrites those; read the diff before committing it.

mod answers;
mod requests;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use llmgw::config::env::Env;
use llmgw::dialects::Occasion;
use llmgw::hub::{Kind, Request};
use serde_json::Value;

/// Dialects of clients, each with a reader of its requests.
const CLIENTS: [Kind; 3] = [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic];

/// The same with the legacy form, which is read and never written for an upstream.
const READERS: [Kind; 4] = [Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::OpenAiText];

/// Dialects of upstreams, each with a model that shows what it can.
const UPSTREAMS: [(Kind, &str); 5] = [
    (Kind::OpenAiChat, "some-model"),
    (Kind::OpenAiResponses, "gpt-6.1-terra"),
    (Kind::Anthropic, "claude-sonnet-5"),
    (Kind::Gemini, "gemini-3.8-flash"),
    (Kind::Bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
];

/// One input.
struct Case {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Case {
    fn name(&self) -> &str {
        self.path.file_stem().and_then(|name| name.to_str()).expect("a name")
    }

    /// Compares `text` with what stands beside the input, or puts it there; `Err` names the file.
    fn matches_snapshot(&self, text: &str) -> Result<(), String> {
        let path = self.path.with_extension("snap");
        if Env::capture().get_filled("LLMGW_BLESS").is_some() {
            std::fs::write(&path, text).expect("written");
        }
        match std::fs::read_to_string(&path).is_ok_and(|written| written == text) {
            true => Ok(()),
            false => Err(path.display().to_string()),
        }
    }
}

/// The inputs in `tests/dialects/{what}/{dialect}`, by name.
fn cases(what: &str, dialect: Kind) -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(what).join(dialect.word());
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|extension| extension != "snap")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", directory.display());
    paths.into_iter().map(|path| Case { bytes: std::fs::read(&path).expect("a file"), path }).collect()
}

/// JSON as people read it, order and digits as they were.
fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(json)));
    serde_json::to_string_pretty(&value).expect("JSON")
}

/// The same moment and the same dice for every answer.
fn occasion(request: Request) -> Occasion {
    Occasion { request: Arc::new(request), now: 1_795_000_000, seed: 0x1234 }
}

/// Fails with the names of stale files.
fn check(stale: Vec<String>) {
    assert!(stale.is_empty(), "stale; look, then run `make bless`:\n{}", stale.join("\n"));
}
