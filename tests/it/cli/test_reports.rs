//! `llmgw test` in CI: files beside the table, annotations, and whether routes are still as fast as they were.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::process::Home;
use super::upstream::Upstream;

/// One upstream that answers and one that refuses.
fn mixed() -> Home {
    let (good, bad) = (Upstream::saying("你好，世界"), Upstream::refusing(401));
    Home::with(&format!(
        "providers:\n  - {{ name: good, base_url: \"{}\", api_key: a, models: [m, dall-e-3] }}\n  \
         - {{ name: bad, base_url: \"{}\", api_key: b, models: [n] }}\n",
        good.url(),
        bad.url()
    ))
}

/// A mock that takes at least 100 ms, and a file that says how long it once took.
fn compared_with(latency_ms: u64, first_token_ms: u64) -> Home {
    let home = Home::with("providers: [{ name: local, type: mock, models: [m], latency: 100ms }]\n");
    let route = json!({
        "model": "m", "provider": "local", "upstream_model": "m", "latency_ms": latency_ms, "first_token_ms": first_token_ms,
    });
    home.write("fast.json", json!({ "routes": [route] }).to_string());
    home
}

#[test]
fn a_person_gets_a_table_and_ci_its_file() {
    let home = mixed();
    let ended = home.run(&["test", "--junit", "report.xml"], 1).says(&["note: 1 ok, 1 failed, 1 skipped"]);
    assert!(ended.out.contains("| MODEL "), "{ended:#?}");
    let text = fs::read_to_string(home.path("report.xml")).expect("a report");
    let document = roxmltree::Document::parse(&text).expect("XML");
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!(["tests", "failures", "skipped"].map(|name| suite.attribute(name).unwrap_or_default()), ["3", "1", "1"]);
    let ended = home.run(&["test", "m", "--junit", "nowhere/report.xml"], 1).says(&["nowhere/report.xml cannot be written"]);
    assert!(ended.out.contains("你好，世界"), "{ended:#?}");
}

#[test]
fn github_gets_a_line_for_each_failure_and_one_for_all() {
    let expected = "::error title=llmgw test%3A n at bad::401: upstream says 401\n::notice title=llmgw test::1 ok, 1 failed, 1 skipped\n";
    assert_eq!(mixed().run(&["test", "--format", "github"], 1).prints(expected).err, "");
}

#[test]
fn one_failure_of_several_calls_is_a_failure() {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::start(move |request, line| match asked.fetch_add(1, Ordering::SeqCst) {
        1 => line.json(500, &json!({ "error": { "message": "一次故障" } })),
        _ => line.answers(request, "好"),
    });
    let home = Home::with(&upstream.config());
    let ended = home.run(&["test", "--repeat", "3"], 1).says(&["note: 0 ok, 1 failed"]);
    assert!(ended.out.contains("1 of 3 calls: 500: 一次故障"), "{ended:#?}");
    assert_eq!(upstream.requests().len(), 3);
    home.run(&["test", "--repeat", "2"], 0);
    home.run(&["test", "--repeat", "0"], 2);
}

#[test]
fn who_was_faster_once_has_failed() {
    let home = compared_with(20, 10);
    let ended = home.run(&["test", "--baseline", "fast.json"], 1).says(&["note: 0 ok, 1 slower"]);
    assert!(ended.out.contains("times the baseline's 20 ms") && ended.out.contains("| BASELINE "), "{ended:#?}");
    home.run(&["test", "--baseline", "fast.json", "--max-ratio", "1000000"], 0).says(&["note: 1 ok"]);
    let annotated = home.run(&["test", "--baseline", "fast.json", "--format", "github"], 1).out;
    assert!(annotated.starts_with("::error title=llmgw test%3A m at local::first token after "), "{annotated}");
}

#[test]
fn who_is_no_slower_is_well_and_programs_see_both_numbers() {
    let home = compared_with(10_000_000, 10_000_000);
    let results: Value = serde_json::from_str(&home.run(&["test", "--baseline", "fast.json", "--format", "json"], 0).out).expect("JSON");
    let baseline = &results[0]["baseline"];
    assert_eq!((&baseline["latency_ms"], &baseline["slower"]), (&json!(10_000_000), &Value::Null));
    assert!(results[0]["first_token_ms"].is_u64() && baseline["ratio"].as_f64().is_some_and(|ratio| ratio < 1.0), "{results:#?}");
}

#[test]
fn a_baseline_is_written_on_request_only_and_only_if_all_is_well() {
    let home = compared_with(1, 1);
    home.run(&["test", "--baseline", "new.json"], 2).says(&["new.json cannot be read", "hint: `--save-baseline new.json` writes it"]);
    assert!(!home.path("new.json").exists());
    home.run(&["test", "--save-baseline", "new.json"], 0);
    let written: Value = serde_json::from_str(&fs::read_to_string(home.path("new.json")).expect("a baseline")).expect("JSON");
    let route = &written["routes"][0];
    assert_eq!([&route["model"], &route["provider"], &route["upstream_model"]], [&json!("m"), &json!("local"), &json!("m")]);
    assert!(route["latency_ms"].as_u64().is_some_and(|latency| latency >= 100) && route["first_token_ms"].is_u64(), "{written:#?}");
    let both = ["test", "--baseline", "fast.json", "--save-baseline", "fast.json"];
    home.run(&both, 1).says(&["warning: fast.json was left as it is: something failed"]);
    assert!(fs::read_to_string(home.path("fast.json")).expect("a baseline").contains("\"latency_ms\":1,"));
}

#[test]
fn a_route_that_the_baseline_does_not_have_is_told() {
    let home = compared_with(10_000_000, 10_000_000);
    home.run(&["test", "m", "local/新的", "--baseline", "fast.json"], 2);
    home.write("llmgw.yaml", "providers: [{ name: local, type: mock, models: [m, 新的] }]\n");
    home.run(&["test", "--baseline", "fast.json"], 0).says(&["note: not in the baseline: 新的 at local", "note: 2 ok"]);
}

#[test]
fn a_comparison_asks_for_streams_three_times() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config());
    home.run(&["test", "--save-baseline", "fast.json"], 0);
    let streamed: Vec<bool> = upstream.requests().iter().map(|asked| asked.body["stream"] == true).collect();
    assert_eq!(streamed, [true; 3]);
}

#[test]
fn bad_ratios_and_files_are_bad_usage() {
    let home = compared_with(1, 1);
    home.run(&["test", "--max-ratio", "2"], 2).says(&["--baseline"]);
    home.run(&["test", "--baseline", "fast.json", "--max-ratio", "0.5"], 2).says(&["expected a number from 1"]);
    home.write("fast.json", "{}");
    home.run(&["test", "--baseline", "fast.json"], 2).says(&["fast.json is no baseline"]);
}

/// As before `| head -1`: the pipe is closed before there is anything in it.
#[test]
fn who_reads_no_further_gets_the_file_and_the_exit_code_all_the_same() {
    let home = mixed();
    let mut running = home.llmgw(&["test", "--junit", "report.xml"]).command();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = running.stdin(std::process::Stdio::null()).stdout(writer).stderr(std::process::Stdio::null()).status().expect("a process");
    assert_eq!(status.code(), Some(1));
    assert!(home.path("report.xml").exists());
}
