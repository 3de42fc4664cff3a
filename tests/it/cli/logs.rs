//! The log of a server as files: rotation, reloads, disks that are full, and a file for each request.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::process::{Home, PATIENCE};
use super::serve::Gateway;
use super::upstream::Upstream;

const CHAT: &str = "/v1/chat/completions";

fn mock(logging: &str) -> String {
    format!("providers: [{{ name: a, type: mock, models: [m] }}]\nlogging: {logging}\n")
}

/// 你好, asked of `m`.
fn question(stream: bool) -> String {
    json!({ "model": "m", "stream": stream, "messages": [{ "role": "user", "content": "你好" }] }).to_string()
}

#[track_caller]
fn ask(gateway: &Gateway, number: usize) {
    for _ in 0..number {
        assert_eq!(gateway.ask("POST", CHAT, &question(false)).0, 200);
    }
}

/// Ends the gateway; what it wrote to stderr.
#[track_caller]
fn end(gateway: Gateway) -> String {
    gateway.running.signal(Signal::TERM);
    gateway.running.ends(0).err
}

fn read(home: &Home, name: &str) -> String {
    fs::read_to_string(home.path(name)).unwrap_or_default()
}

/// Waits until `name` holds `needle`.
#[track_caller]
fn wait_for(home: &Home, name: &str, needle: &str) {
    let begun = Instant::now();
    while !read(home, name).contains(needle) {
        assert!(begun.elapsed() < PATIENCE, "{name} never held `{needle}`, but: {}", read(home, name));
        thread::yield_now();
    }
}

/// Every file below, and what it holds, by name.
fn files(directory: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
        }
    }
    files.sort();
    files
}

#[test]
fn the_file_has_what_stderr_has_in_either_format() {
    for format in ["text", "json"] {
        let home = Home::with(&mock(&format!("{{ format: {format}, file: logs/llmgw.log, rotate: {{ every: never }} }}")));
        let gateway = Gateway::serving(&home);
        ask(&gateway, 3);
        let said = end(gateway);
        assert_eq!(read(&home, "logs/llmgw.log"), said);
        assert!(said.matches("finished").count() == 3 && said.contains("shutting down"), "{said}");
        let is_json = said.lines().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()));
        assert_eq!(is_json, format == "json", "{said}");
    }
}

#[test]
fn a_file_is_replaced_by_size_and_no_line_is_lost() {
    let home = Home::with(&mock("{ file: logs/llmgw.log, rotate: { max_size: 2KB, keep: 1000 } }"));
    let gateway = Gateway::serving(&home);
    ask(&gateway, 30);
    let said = end(gateway);
    let mut logs = files(&home.path("logs"));
    assert!(logs.len() > 3 && logs.iter().all(|(_, text)| text.len() <= 2000 && text.ends_with('\n')), "{logs:#?}");
    // The first of a day has no number, and the newest no day.
    let number = |name: &str| {
        let suffix = name.rsplit_once("llmgw.log").expect("a log").1;
        if suffix.is_empty() { usize::MAX } else { suffix.split('.').nth(2).map_or(0, |number| number.parse().expect("a number")) }
    };
    logs.sort_by_key(|(name, _)| number(name));
    assert_eq!(logs.into_iter().map(|(_, text)| text).collect::<String>(), said);

    home.write("llmgw.yaml", mock("{ file: logs/llmgw.log, rotate: { max_size: 2KB, keep: 2 } }"));
    let gateway = Gateway::serving(&home);
    ask(&gateway, 20);
    end(gateway);
    assert_eq!(files(&home.path("logs")).len(), 3);
}

#[test]
fn level_and_file_follow_a_reload() {
    let home = Home::with(&mock("{ file: one.log }"));
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", "0", "--no-watch"]));
    ask(&gateway, 1);
    home.write("llmgw.yaml", mock("{ level: debug, file: two.log, rotate: { every: hour } }"));
    let (status, checked) = gateway.ask("POST", "/reload?check=true", "");
    assert_eq!((status, checked["restart_required"].as_array().map(Vec::len)), (200, Some(0)), "{checked}");
    assert!(!home.path("two.log").exists(), "a check changes nothing");
    gateway.running.signal(Signal::HUP);
    gateway.running.err.holds("configuration reloaded");
    wait_for(&home, "two.log", "logging.rotate.every");
    ask(&gateway, 1);
    home.write("llmgw.yaml", mock("{ level: error }"));
    assert_eq!(gateway.ask("POST", "/reload", "").0, 200);
    ask(&gateway, 1);
    let said = end(gateway);
    let (one, two) = (read(&home, "one.log"), read(&home, "two.log"));
    assert!(one.contains("finished") && !one.contains("accepted"), "{one}");
    assert!(two.contains("accepted") && two.matches("finished").count() == 1, "{two}");
    assert_eq!(said.matches("finished").count(), 2, "{said}");
}

#[test]
fn a_file_that_is_moved_away_is_begun_anew() {
    let home = Home::with(&mock("{ file: llmgw.log }"));
    let gateway = Gateway::serving(&home);
    ask(&gateway, 1);
    wait_for(&home, "llmgw.log", "finished");
    fs::rename(home.path("llmgw.log"), home.path("llmgw.log.1")).expect("a rename");
    ask(&gateway, 1);
    let said = end(gateway);
    let (old, new) = (read(&home, "llmgw.log.1"), read(&home, "llmgw.log"));
    assert_eq!(old.clone() + &new, said);
    assert!(old.matches("finished").count() == 1 && new.matches("finished").count() == 1, "{old}\n{new}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_lines_and_is_told_once() {
    let home = Home::with(&mock("{ file: /dev/full }"));
    let gateway = Gateway::serving(&home);
    gateway.running.err.holds("the log file cannot be written");
    ask(&gateway, 5);
    let said = end(gateway);
    assert_eq!((said.matches("the log file cannot be written").count(), said.matches("finished").count()), (1, 5), "{said}");
}

#[test]
fn what_cannot_be_written_is_refused_with_the_key_that_names_it() {
    let wrong = [
        ("{ file: llmgw.yaml/x.log }", "`logging.file`: cannot write `"),
        ("{ requests: { dir: llmgw.yaml/x } }", "`logging.requests.dir`: cannot write `"),
        ("{ requests: { errors_dir: llmgw.yaml/x } }", "`logging.requests.errors_dir`: cannot write `"),
    ];
    for (logging, expected) in wrong {
        let home = Home::with(&mock(logging));
        home.run(&["serve", "--port", "0"], 2).prints("").says(&[expected, "llmgw.yaml/x"]);
        // Who only asks does not write there.
        home.run(&["chat", "-m", "m", "你好"], 0);
    }
    let home = Home::with(&mock("{ file: one.log }"));
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", "0", "--no-watch"]));
    for (logging, expected) in wrong {
        home.write("llmgw.yaml", mock(logging));
        let (status, refused) = gateway.ask("POST", "/reload", "");
        assert!(status == 400 && refused.to_string().contains(expected), "{status}: {refused}");
    }
    ask(&gateway, 1);
    let said = end(gateway);
    assert_eq!(read(&home, "one.log"), said, "the old one stays");
}

#[test]
fn a_chat_has_a_file_of_its_request_but_no_log() {
    let home = Home::with(&mock("{ file: logs/llmgw.log, requests: { dir: requests } }"));
    home.run(&["chat", "-m", "m", "--log-level", "debug", "你好"], 0).says(&["finished"]);
    assert!(!home.path("logs").exists());
    assert_eq!(only(&home, "requests")["model"], "m");
}

/// The only file of a directory.
#[track_caller]
fn only(home: &Home, name: &str) -> Value {
    let files = files(&home.path(name));
    assert_eq!(files.len(), 1, "{files:#?}");
    serde_json::from_str(&files[0].1).expect("JSON")
}

#[test]
fn each_request_has_a_file_with_what_was_said() {
    let upstream = Upstream::saying("您好，世界");
    let home = Home::with(&(upstream.config() + "logging: { requests: { dir: requests, errors_dir: failed, bodies: true } }\n"));
    let gateway = Gateway::serving(&home);
    assert_eq!(gateway.ask("POST", CHAT, &question(false)).0, 200);
    end(gateway);
    let page = only(&home, "requests");
    assert_eq!((&page["outcome"], &page["model"], &page["attempts"][0]["provider"]), (&json!("ok"), &json!("m"), &json!("up")));
    assert_eq!(page["request"]["messages"][0]["content"], "你好");
    assert_eq!(page["response"]["choices"][0]["message"]["content"], "您好，世界");
    assert!(files(&home.path("failed")).is_empty());

    fs::remove_dir_all(home.path("requests")).expect("a directory");
    let gateway = Gateway::serving(&home);
    let sent = gateway.begin("POST", CHAT, &question(true)).to_end();
    end(gateway);
    let page = only(&home, "requests");
    let response = page["response"].as_str().expect("the text of a stream");
    assert!(response.contains("您") && response.ends_with("data: [DONE]\n\n") && sent.contains("[DONE]"), "{response}");
    assert_eq!((&page["stream"], &page["request"]["stream"]), (&json!(true), &json!(true)));
}

#[test]
fn failed_requests_have_files_of_their_own_when_these_alone_are_asked_for() {
    let upstream = Upstream::start(|asked, line| match asked.body["stream"] == true {
        true => line.answers(asked, "好"),
        false => line.json(500, &json!({ "error": { "message": "坏了: sk-upstreamsecret0001" } })),
    });
    let home = Home::with(&(upstream.config() + "routing: { max_attempts: 1 }\nlogging: { requests: { errors_dir: failed } }\n"));
    let gateway = Gateway::serving(&home);
    assert_eq!(gateway.ask("POST", CHAT, &question(false)).0, 502);
    gateway.begin("POST", CHAT, &question(true)).holds("[DONE]");
    end(gateway);
    let page = only(&home, "failed");
    let facts = (&page["outcome"], &page["status"], &page["attempts"][0]["status"]);
    assert_eq!(facts, (&json!("upstream_error"), &json!(502), &json!(500)));
    assert!(page["error"].as_str().is_some_and(|error| error.contains("坏了") && !error.contains("secret")), "{page}");
    assert_eq!((page.get("request"), page.get("response")), (None, None), "bodies were not asked for");
}

#[test]
fn files_of_requests_follow_a_reload() {
    let home = Home::with(&mock("{}"));
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", "0", "--no-watch"]));
    let reload = |logging: &str| {
        home.write("llmgw.yaml", mock(logging));
        let (status, reloaded) = gateway.ask("POST", "/reload", "");
        assert_eq!((status, &reloaded["restart_required"]), (200, &json!([])), "{reloaded}");
    };
    ask(&gateway, 1);
    reload("{ requests: { dir: one, bodies: true } }");
    ask(&gateway, 2);
    reload("{ requests: { dir: two } }");
    ask(&gateway, 3);
    reload("{}");
    ask(&gateway, 4);
    end(gateway);
    let (one, two) = (files(&home.path("one")), files(&home.path("two")));
    assert_eq!((one.len(), two.len()), (2, 3));
    assert!(one.iter().all(|(_, text)| text.contains("你好")) && !two.iter().any(|(_, text)| text.contains("你好")));
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_requests_that_find_no_room_cost_no_request() {
    let home = Home::with(&mock("{ requests: { dir: requests, bodies: true } }"));
    // As a full disk does, a limit lets nothing be written into a file, whoever runs this.
    let line = home.llmgw(&["serve", "--port", "0"]);
    let home = line.home();
    let shell = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let inner = line.command();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(home.directory()).env_clear().env("HOME", home.directory());
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let running = super::process::Running::of(command.spawn().expect("a shell"));
    let said = running.out.until("where it listens", |text| text.ends_with('\n'));
    let authority = said.trim_end().strip_prefix("listening on http://").expect("an address").to_owned();
    let gateway = Gateway { running, authority };
    ask(&gateway, 5);
    let said = end(gateway);
    assert_eq!((said.matches("files of requests cannot be written").count(), said.matches("finished").count()), (1, 5), "{said}");
    assert!(files(&home.path("requests")).is_empty(), "no half file is left");
}
