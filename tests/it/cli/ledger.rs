//! `llmgw usage`, `logs`, `why`: what is known afterwards.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::process::Home;
use super::serve::Gateway;

const CONFIG: &str = r#"
providers:
  - { name: 坏的, type: mock, fail: { rate: 1.0, status: 503 } }
  - { name: good, type: mock }
models:
  gpt-4:
    routes:
      - { provider: 坏的, model: echo, priority: 1 }
      - { provider: good, model: echo, priority: 2 }
prices: { echo: { input: 1, output: 2 } }
"#;

/// Where the ledger of a home is.
const FILE: &str = ".local/share/llmgw/llmgw.db";

fn question(model: &str) -> String {
    json!({ "model": model, "messages": [{ "role": "user", "content": "你好" }] }).to_string()
}

/// Asks, and hands back the request's id.
fn ask(gateway: &Gateway, model: &str) -> String {
    let answer = gateway.begin("POST", "/v1/chat/completions", &question(model)).to_end();
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
    id.to_owned()
}

/// Ends a gateway, which writes what it has.
fn stop(gateway: Gateway) {
    gateway.running.signal(Signal::TERM);
    gateway.running.ends(0);
}

#[test]
fn why_tells_which_provider_failed_why_and_what_it_cost() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let id = ask(&gateway, "gpt-4");
    stop(gateway);
    let told = home.run(&["why", &id], 0).out;
    for part in
        ["200 ok", "an entry of `models`", "坏的/echo, then good/echo", "503 upstream_error", "told to fail with 503", "cost      $"]
    {
        assert!(told.contains(part), "no `{part}` in:\n{told}");
    }
    let entry: Value = serde_json::from_str(&home.run(&["why", &id[..12], "--format", "json"], 0).out).expect("JSON");
    assert_eq!(
        (&entry["id"], &entry["attempts"][0]["provider"], &entry["attempts"][1]["outcome"]),
        (&json!(id), &json!("坏的"), &json!("ok"))
    );
    home.run(&["why", "no-such-id"], 1).says(&["no request `no-such-id` is recorded", "llmgw logs"]);
}

#[test]
fn logs_and_usage_tell_of_chats_and_of_requests() {
    let home = Home::with(CONFIG);
    home.run(&["chat", "-m", "good/echo", "你好"], 0);
    let gateway = Gateway::serving(&home);
    ask(&gateway, "gpt-4");
    ask(&gateway, "gtp-4\u{1b}[2J");
    stop(gateway);
    let lines = home.run(&["logs"], 0).out;
    let heads: Vec<&str> = lines.lines().filter(|line| line.starts_with("20")).collect();
    assert!(heads.len() == 3 && heads[0].contains("good/echo → good/echo") && heads[1].contains("(2 tries)"), "{lines}");
    assert!(!lines.contains('\x1b'), "{lines:?}");
    let objects = home.run(&["logs", "--failed", "--format", "json"], 0).out;
    let objects: Vec<Value> = objects.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(objects.iter().map(|object| &object["status"]).collect::<Vec<_>>(), [&json!(404)]);
    assert_eq!(home.run(&["logs", "--provider", "nobody"], 0).out, "");
    home.run(&["logs", "--outcome", "odd"], 2).says(&["possible values", "upstream_timeout"]);
    let usage =
        |by: &str| -> Vec<Value> { serde_json::from_str(&home.run(&["usage", "--by", by, "--format", "json"], 0).out).expect("JSON") };
    let names: Vec<Value> = usage("provider").iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["good", "(nobody asked)", "坏的"]);
    let day = &usage("day")[0];
    assert_eq!((&day["requests"], &day["failed"], &day["attempts"]), (&json!(3), &json!(1), &json!(3)));
    assert!(day["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{day}");
    let csv = home.run(&["usage", "--format", "csv"], 0).out;
    assert!(csv.starts_with("name,requests,failed,") && csv.lines().count() == 4, "{csv}");
    home.run(&["usage", "--since", "last week"], 2).says(&["--since", "7d"]);
    assert_eq!(home.run(&["usage", "--until", "2020-01-01", "--format", "names"], 0).out, "");
}

#[test]
fn what_follows_is_shown_as_it_comes() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let first = ask(&gateway, "gpt-4");
    let follower = home.llmgw(&["logs", "-f"]).starts();
    follower.out.holds(&first);
    let second = ask(&gateway, "gpt-4");
    let text = follower.out.holds(&second);
    assert_eq!(text.matches(&first).count(), 1, "{text}");
    follower.signal(Signal::INT);
    follower.ends(130);
}

#[test]
fn a_gateway_that_is_killed_loses_at_most_what_came_last() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let before: Vec<String> = (0..20).map(|_| ask(&gateway, "gpt-4")).collect();
    // What has been seen in the file is there to stay.
    let follower = home.llmgw(&["logs", "-f"]).starts();
    follower.out.holds(before.last().expect("twenty"));
    follower.signal(Signal::INT);
    follower.ends(130);
    ask(&gateway, "gpt-4");
    gateway.running.signal(Signal::KILL);
    assert_eq!(gateway.running.ends_somehow().code, None);
    let logs = home.run(&["logs"], 0).out;
    assert!(before.iter().all(|id| logs.contains(id.as_str())), "{logs}");
    let sums: Vec<Value> = serde_json::from_str(&home.run(&["usage", "--format", "json"], 0).out).expect("JSON");
    assert!(sums[0]["requests"].as_u64().is_some_and(|requests| (20..=21).contains(&requests)), "{sums:?}");
    let gateway = Gateway::serving(&home);
    let after = ask(&gateway, "gpt-4");
    stop(gateway);
    assert!(home.run(&["why", &after], 0).out.contains("200 ok"));
}

#[test]
fn a_damaged_file_is_left_alone_and_set_aside_only_when_told_to() {
    let home = Home::with(CONFIG);
    let text = "this is no database".repeat(500);
    home.write(FILE, &text);
    let gateway = Gateway::serving(&home);
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", &question("gpt-4")).0, 200);
    gateway.running.signal(Signal::TERM);
    let ended = gateway.running.ends(0).says(&["storage cannot be used", "--set-aside"]);
    assert_eq!(ended.err.matches("storage").count(), ended.err.matches("storage cannot be used").count(), "once: {}", ended.err);
    assert_eq!(fs::read_to_string(home.path(FILE)).expect("the file"), text);
    home.run(&["usage"], 1).says(&["damaged, or no database", "--set-aside"]);
    home.run(&["usage", "--set-aside"], 2).says(&["nobody is here to be asked", "--set-aside-unasked"]);
    home.run(&["usage", "--set-aside-unasked"], 0);
    assert_eq!(fs::read_to_string(home.path(&format!("{FILE}.aside-1"))).expect("set aside"), text);
    home.run(&["chat", "-m", "gpt-4", "你好"], 0);
    assert!(home.run(&["logs"], 0).out.contains("good/echo"));
}

#[test]
fn nothing_recorded_yet_is_no_error_but_for_who_asks_for_something() {
    let home = Home::with(CONFIG);
    home.run(&["logs"], 0).prints("").says(&["nothing was recorded yet", "llmgw serve"]);
    home.run(&["usage", "--format", "json"], 0).prints("[]\n");
    home.run(&["why"], 1).says(&["there is no request to tell of"]);
}

/// The gateway writes five times a second: who asks at once waits for that.
#[test]
fn who_asks_why_at_once_is_told() {
    let home = Home::with("providers: [{ name: 甲, type: mock, models: [m] }]\n");
    // So that there is a file.
    home.run(&["chat", "-m", "m", "你好"], 0);
    let gateway = Gateway::serving(&home);
    let question = r#"{"model":"m","messages":[{"role":"user","content":"你好"}]}"#;
    let answer = gateway.begin("POST", "/v1/chat/completions", question).to_end();
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id");
    assert!(home.run(&["why", id], 0).out.contains("甲/m  200 ok"));
}
