//! The command line: what it prints of a configuration full of secrets, and of upstreams that repeat them.

use super::echo::WAYS;
use super::places::{self, ADMIN_KEY, CLIENT_WORDS, IN_VARIABLE, LOGIN_USERNAME};
use super::{Findings, Stage};

/// Beside `chat`; asks upstreams as far as it must.
const LINES: [(&[&str], i32); 23] = [
    (&["config", "check"], 0),
    (&["config", "show"], 0),
    (&["config", "show", "--format", "json"], 0),
    (&["config", "path"], 0),
    (&["config", "schema"], 0),
    (&["list"], 0),
    (&["list", "--format", "json"], 0),
    (&["list", "--discover", "--format", "yaml"], 1),
    (&["explain", "key/json-400"], 0),
    (&["explain", "nobody-has-it"], 2),
    (&["test", "key/json-400", "keys/long-500", "login/headers-429", "refused/x", "proxied/escaped-400"], 1),
    (&["test", "login/first-event", "header/later-event", "param/json-401", "--stream", "--format", "json"], 1),
    (&["test", "token/gzip-500", "file/inside-200", "variable/percent-400", "--format", "junit"], 1),
    (&["chat", "-m", "nobody-has-it", "hi"], 2),
    (&["reload", "--url", "http://user:KEY@127.0.0.1:1", "--key", "KEY"], 1),
    (&["reload", "--url", "http://127.0.0.1:1/?key=KEY", "--key", "KEY", "--check"], 0),
    (&["explain", "key/x", "--url", "http://user:KEY@127.0.0.1:1/?key=KEY", "--key", "KEY"], 1),
    (&["doctor"], 1),
    (&["doctor", "--offline", "--format", "json"], 0),
    (&["health", "--url", "http://user:KEY@127.0.0.1:1/?key=KEY"], 1),
    (&["init", "--yes", "-o", "-"], 0),
    (&["run", "--url", "http://user:KEY@127.0.0.1:1/?key=KEY", "--key", "KEY", "--", "/bin/true"], 1),
    (&["serve", "--host", "0.0.0.0:KEY"], 2),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_prints_a_secret() {
    let stage = Stage::set("text").await;
    let mut findings = Findings::default();
    for (line, code) in LINES {
        let arguments: Vec<String> = line.iter().map(|word| word.replace("KEY", ADMIN_KEY.value)).collect();
        // A bad host is the user's own word, and told as such.
        let is_quoted = line[0] == "serve";
        let ended = run(&stage, &arguments).ends(code);
        let is_shown = |name: &str| (line[0] == "config" && name == LOGIN_USERNAME.name) || (is_quoted && name == ADMIN_KEY.name);
        let canaries = places::all().filter(|canary| !is_shown(canary.name));
        findings.check(&format!("`{}`", line.join(" ")), &format!("{}\n{}", ended.out, ended.err), canaries);
    }
    findings.are_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_chat_prints_a_secret_that_an_upstream_repeats() {
    let stage = Stage::set("json").await;
    let mut findings = Findings::default();
    let formats: [&[&str]; 4] = [&[], &["--format", "json"], &["--format", "jsonl"], &["--no-stream"]];
    let mut masked = 0;
    for (number, (way, _)) in WAYS.iter().enumerate() {
        for (offset, provider) in ["key", "login"].into_iter().enumerate() {
            let model = format!("{provider}/{way}");
            let line = [&["chat", "-m", &model, CLIENT_WORDS.value], formats[(number + offset) % formats.len()]].concat();
            let ended = run(&stage, &line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).ends_somehow();
            let shown = format!("{}\n{}", ended.out, ended.err);
            masked += usize::from(shown.contains("****"));
            assert!(ended.code == Some(0) || shown.contains("error"), "{line:?}: {shown}");
            findings.check(&format!("{line:?}"), &shown, places::all());
        }
    }
    assert!(masked > WAYS.len(), "only {masked} answers had anything to mask");
    findings.are_none();
    assert!(stage.was_sent(&places::PLACES[0]) && stage.was_sent(&places::PLACES[7]));
}

fn run(stage: &Stage, arguments: &[String]) -> crate::cli::process::Running {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--log-level", "trace"]).collect();
    let mut running = stage.home.llmgw(&arguments).env("CNRY_API_KEY", IN_VARIABLE.value).starts();
    running.hangs_up();
    running
}
