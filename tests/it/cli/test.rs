//! `llmgw test`: exit codes for CI, reports for people and programs.

use serde_json::{Value, json};

use super::process::Home;
use super::upstream::Upstream;

/// One upstream that answers and one that refuses, and models that are not asked by chat.
fn mixed() -> (Home, Upstream) {
    let (good, bad) = (Upstream::saying("你好，世界"), Upstream::refusing(401));
    let config = format!(
        "providers:\n  - {{ name: good, base_url: \"{}\", api_key: a, models: [m, text-embedding-3-small, dall-e-3, whisper-1] }}\n  \
         - {{ name: bad, base_url: \"{}\", api_key: b, models: [n] }}\n",
        good.url(),
        bad.url()
    );
    (Home::with(&config), good)
}

#[test]
fn a_failed_route_is_exit_one_and_nothing_is_left_out_silently() {
    let (home, good) = mixed();
    let ended = home.run(&["test"], 1).says(&["note: 2 ok, 1 failed, 2 skipped"]);
    let row = |model: &str| ended.out.lines().find(|line| line.contains(&format!("| {model} "))).unwrap_or_default().to_owned();
    assert!(row("m").contains(" ok ") && row("m").contains("你好，世界"), "{ended:#?}");
    assert!(row("n").contains(" failed ") && row("n").contains("401") && row("n").contains("upstream says 401"), "{ended:#?}");
    assert!(row("text-embedding-3-small").contains("3 numbers"), "{ended:#?}");
    assert!(row("dall-e-3").contains("skipped") && row("dall-e-3").contains("image model"), "{ended:#?}");
    assert!(row("whisper-1").contains("skipped") && row("whisper-1").contains("audio model"), "{ended:#?}");
    let mut paths: Vec<String> = good.requests().into_iter().map(|asked| asked.path).collect();
    paths.sort();
    assert_eq!(paths, ["/v1/chat/completions", "/v1/embeddings"]);
    assert!(!ended.out.contains('\x1b') && !ended.err.contains('\x1b'), "{ended:#?}");
}

#[test]
fn json_is_an_array_of_results() {
    let (home, _) = mixed();
    let results: Vec<Value> = serde_json::from_str(&home.run(&["test", "--format", "json"], 1).out).expect("JSON");
    let found: Vec<Value> = results.iter().map(|result| json!([result["model"], result["ok"], result["skipped"].is_null()])).collect();
    let expected = json!([
        ["m", true, true],
        ["text-embedding-3-small", true, true],
        ["dall-e-3", true, false],
        ["whisper-1", true, false],
        ["n", false, true],
    ]);
    assert_eq!(Value::Array(found), expected);
    assert!(results[0]["latency_ms"].is_number() && results[0]["reply"] == "你好，世界", "{results:#?}");
}

#[test]
fn junit_is_xml() {
    let (home, _) = mixed();
    let text = home.run(&["test", "--format", "junit"], 1).out;
    let document = roxmltree::Document::parse(&text).expect("XML");
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    let counts = ["tests", "failures", "skipped"].map(|name| suite.attribute(name).unwrap_or_default());
    assert_eq!(counts, ["5", "1", "2"]);
    let number = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
    assert_eq!((number("testcase"), number("failure"), number("skipped")), (5, 1, 2));
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).expect("a failure");
    assert!(failure.attribute("message").is_some_and(|message| message.contains("401")), "{text}");
}

#[test]
fn all_well_is_exit_zero() {
    let (home, good) = mixed();
    home.run(&["test", "m", "--message", "在吗"], 0).says(&["note: 1 ok"]);
    assert_eq!(good.body()["messages"][0]["content"], "在吗");
    home.run(&["test", "--provider", "good", "--stream"], 0);
    let table = home.run(&["test", "m", "--stream"], 0).out;
    assert!(table.contains("FIRST TOKEN") && table.contains("你好，世界"), "{table}");
}

#[test]
fn what_cannot_be_tested_is_bad_usage() {
    let (home, good) = mixed();
    home.run(&["test", "nn"], 2).says(&["nn"]);
    home.run(&["test", "--provider", "goood"], 2).says(&["did you mean `good`?"]);
    home.run(&["test", "m", "--provider", "bad"], 2).says(&["no route to test"]);
    home.run(&["test", "--timeout", "30"], 2).says(&["`30s`"]);
    home.run(&["test", "--concurrency", "0"], 2);
    assert!(good.requests().is_empty());
    let fresh = Home::new();
    fresh.run(&["test"], 2).says(&["there is nothing to test", "--provider mock"]);
    fresh.run(&["test", "--provider", "mock"], 0).says(&["note: 1 ok"]);
}

#[test]
fn who_does_not_answer_in_time_has_failed() {
    for streamed in [&["test", "--timeout", "200ms"][..], &["test", "--timeout", "200ms", "--stream"]] {
        let silent = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
        let ended = Home::with(&silent.config()).run(streamed, 1).says(&["note: 0 ok, 1 failed"]);
        assert!(ended.out.contains("no complete answer within 200ms "), "{ended:#?}");
        silent.sees_a_client_leave();
    }
}

#[test]
fn a_stream_that_breaks_off_has_failed() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("half");
    });
    let ended = Home::with(&upstream.config()).run(&["test", "--stream"], 1);
    assert!(ended.out.contains(" failed "), "{ended:#?}");
}

#[test]
fn routes_are_asked_at_once_but_no_more_than_allowed() {
    let config = |upstream: &Upstream| {
        let models: Vec<String> = (1..=8).map(|number| format!("m{number}")).collect();
        format!("providers: [{{ name: up, base_url: \"{}\", api_key: k, models: [{}] }}]", upstream.url(), models.join(", "))
    };
    let together = Upstream::start(|asked, line| {
        line.waits_for_company(8);
        line.answers(asked, "ok");
    });
    Home::with(&config(&together)).run(&["test"], 0).says(&["note: 8 ok"]);
    let pairs = Upstream::start(|asked, line| {
        line.waits_for_company(2);
        line.answers(asked, "ok");
    });
    Home::with(&config(&pairs)).run(&["test", "--concurrency", "2"], 0).says(&["note: 8 ok"]);
    assert_eq!((together.most_running(), pairs.most_running()), (8, 2));
}

#[test]
fn an_interrupt_ends_a_test() {
    let silent = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
    let running = Home::with(&silent.config()).llmgw(&["test"]).starts();
    silent.sees_requests(1);
    running.signal(rustix::process::Signal::INT);
    running.ends(130).prints("");
    silent.sees_a_client_leave();
}
