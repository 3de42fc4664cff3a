//! `llmgw bench`: who is asked when, what is counted, and what is left when somebody loses patience.

use serde_json::{Value, json};

use super::process::Home;
use super::upstream::Upstream;

/// Two models with prices; the second is slower, and fails every second time.
const MOCKS: &str = "\
providers:
  - { name: 快, type: mock, models: [m], latency: 1ms, tokens_per_second: 1000 }
  - { name: 慢, type: mock, models: [n], latency: 30ms, tokens_per_second: 500, fail: { rate: 0.5, status: 503 } }
models:
  两个: { routes: [{ provider: 快, model: m }, { provider: 慢, model: n, priority: 2 }] }
prices: { m: { input: 1, output: 2 }, n: { input: 10, output: 20 } }
";

/// `ended`'s table, cell by cell, with what depends on the clock masked.
fn cells(out: &str) -> Vec<Vec<String>> {
    let rows = out.lines().filter(|line| line.starts_with('|') && !line.starts_with("|-"));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| masked(cell.trim())).collect();
    rows.map(cells).collect()
}

/// `234 ms (210–301)` → `# ms (#–#)`; other cells as they are.
fn masked(cell: &str) -> String {
    if !cell.contains('(') {
        return cell.to_owned();
    }
    let mut text = String::new();
    for character in cell.chars().filter(|character| *character != '.') {
        match character {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            other => text.push(other),
        }
    }
    text
}

#[test]
fn routes_stand_side_by_side_with_failures_counted_and_named() {
    let ended = Home::with(MOCKS).run(&["bench", "两个", "--rounds", "4", "--warmup", "0", "--message", "你好"], 1);
    let expected = [
        vec!["MODEL", "PROVIDER", "UPSTREAM MODEL", "ANSWERS", "FIRST TOKEN", "TOKENS/S", "TOTAL", "TOKENS", "USD/ANSWER"],
        vec!["两个", "快", "m", "4/4", "# ms (#–#)", "# (#–#)", "# ms (#–#)", "30", "0.000062"],
        vec!["两个", "慢", "n", "2/4", "# ms (#–#)", "# (#–#)", "# ms (#–#)", "30", "0.000620"],
    ];
    assert_eq!(cells(&ended.out), expected, "{ended:#?}");
    ended.says(&["warning: 两个 at 慢: 2 of 4 calls failed: 503: ", "note: medians, and in brackets the least and the greatest"]);
}

#[test]
fn programs_get_every_number() {
    let home = Home::with(MOCKS);
    let line = ["bench", "快/m", "慢/n", "--rounds", "2", "--warmup", "0", "--format"];
    let results: Value = serde_json::from_str(&home.run(&[&line[..], &["json"]].concat(), 1).out).expect("JSON");
    for (result, name, failed, latency) in [(&results[0], "快/m", 0, 1.0), (&results[1], "慢/n", 1, 30.0)] {
        assert_eq!((&result["name"], &result["answers"], &result["failed"]), (&json!(name), &json!(2 - failed), &json!(failed)));
        let [least, middle, most] = ["min", "median", "max"].map(|which| result["first_token_ms"][which].as_f64().unwrap_or_default());
        assert!(latency <= least && least <= middle && middle <= most, "{results:#}");
        assert!(result["total_ms"]["median"].as_f64() > result["first_token_ms"]["median"].as_f64(), "{results:#}");
        // Its words take time, and a busy machine only makes them slower.
        assert!(result["tokens_per_second"]["max"].as_f64().is_some_and(|speed| 0.0 < speed && speed < 2000.0), "{results:#}");
    }
    assert_eq!(results[1]["errors"][0]["times"], 1);
    let csv = home.run(&[&line[..], &["csv"]].concat(), 1).out;
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [23, 23, 23], "{csv}");
    assert!(csv.starts_with("name,provider,upstream_model,answers,failed,first_token_ms.median,"), "{csv}");
}

#[test]
fn rounds_are_interleaved_begin_with_another_route_each_and_warm_up_uncounted() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config().replace("[m]", "[m, n]"));
    let line = ["bench", "m", "n", "--rounds", "2", "--message", "数到十", "--max-tokens", "7"];
    let ended = home.run(&line, 0).says(&["note: where no tokens stand, the upstream did not count them"]);
    assert_eq!(cells(&ended.out).iter().map(|row| row[3].as_str()).collect::<Vec<_>>(), ["ANSWERS", "2/2", "2/2"]);
    let requests = upstream.requests();
    let order: Vec<&str> = requests.iter().filter_map(|asked| asked.body["model"].as_str()).collect();
    assert_eq!(order, ["m", "n", "n", "m", "m", "n"]);
    for body in requests.iter().map(|asked| &asked.body) {
        assert_eq!((&body["stream"], &body["max_tokens"], &body["messages"][0]["content"]), (&json!(true), &json!(7), &json!("数到十")));
    }
}

#[test]
fn calls_at_once_all_go_to_one_route() {
    let upstream = Upstream::start(|asked, line| {
        line.waits_for_company(3);
        line.answers(asked, "好");
    });
    let home = Home::with(&upstream.config().replace("[m]", "[m, n]"));
    let ended = home.run(&["bench", "m", "n", "--rounds", "1", "--warmup", "0", "--concurrency", "3"], 0);
    assert_eq!(cells(&ended.out)[1][3], "3/3");
    assert_eq!((upstream.requests().len(), upstream.most_running()), (6, 3));
}

#[test]
fn an_interrupt_shows_what_there_is() {
    let upstream = Upstream::start(|asked, line| match asked.body["model"].as_str() {
        Some("m") => line.answers(asked, "好"),
        _ => line.waits_for_the_client_to_leave(),
    });
    let home = Home::with(&upstream.config().replace("[m]", "[m, n]"));
    let running = home.llmgw(&["bench", "m", "n", "--warmup", "0"]).starts();
    upstream.sees_requests(2);
    running.signal(rustix::process::Signal::INT);
    let ended = running.ends(130);
    assert_eq!(cells(&ended.out).iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["MODEL", "m"]);
    upstream.sees_a_client_leave();
}

#[test]
fn an_interrupt_before_the_first_answer_shows_nothing() {
    let upstream = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
    let running = Home::with(&upstream.config()).llmgw(&["bench", "m"]).starts();
    upstream.sees_requests(1);
    running.signal(rustix::process::Signal::INT);
    running.ends(130).prints("");
}

#[test]
fn what_cannot_be_measured_is_bad_usage() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config().replace("[m]", "[m, dall-e-3]"));
    home.run(&["bench"], 2).says(&["<MODEL>..."]);
    home.run(&["bench", "mm"], 2).says(&["mm"]);
    home.run(&["bench", "m", "--provider", "upp"], 2).says(&["did you mean `up`?"]);
    home.run(&["bench", "m", "--rounds", "0"], 2);
    home.run(&["bench", "m", "--concurrency", "5000"], 2).says(&["from 1 to 1000"]);
    home.run(&["bench", "dall-e-3"], 2).says(&["dall-e-3 at up: image model: not asked", "no route to measure"]);
    assert!(upstream.requests().is_empty());
}
