//! `llmgw chat --each`: a batch, its order, its file, and how it is gone on with.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::process::Home;
use super::upstream::Upstream;

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Says what it was asked, and fails where that holds `坏`.
fn echo() -> Upstream {
    Upstream::start(|asked, line| {
        let prompt = asked.body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        match prompt.contains('坏') {
            true => line.json(400, &json!({ "error": { "message": "不行" } })),
            false => line.answers(asked, &format!("答{prompt}")),
        }
    })
}

#[test]
fn lines_come_back_in_their_order_with_all_that_is_known() {
    let upstream = echo();
    let home = Home::with(&upstream.config());
    let ended =
        home.llmgw(&["chat", "-m", "m", "--each", "-", "译："]).stdin("一\n\n坏\n三\n").ends(1).says(&["note: 2 answered, 1 failed"]);
    let rows = rows(&ended.out);
    let indices: Vec<&Value> = rows.iter().map(|row| &row["index"]).collect();
    assert_eq!(indices, [&json!(0), &json!(1), &json!(2)]);
    assert_eq!((&rows[0]["prompt"], &rows[0]["answer"]), (&json!("一"), &json!("答译：\n\n一")));
    assert_eq!((&rows[0]["finish_reason"], &rows[0]["llmgw"]["provider"]), (&json!("stop"), &json!("up")));
    assert_eq!(rows[0]["llmgw"]["usage"]["output"], 2);
    assert_eq!((&rows[1]["answer"], rows[1]["error"].as_str().is_some_and(|error| error.contains("不行"))), (&Value::Null, true));
    assert!(upstream.requests().iter().all(|request| request.body["stream"] == false));
}

#[test]
fn several_are_on_their_way_at_once_and_no_more() {
    let upstream = Upstream::start(|asked, line| {
        line.waits_for_company(3);
        line.answers(asked, "好");
    });
    let home = Home::with(&upstream.config());
    home.write("问题.txt", "一\n二\n三\n四\n五\n六\n");
    let ended = home.run(&["chat", "-m", "m", "--each", "问题.txt", "--concurrency", "3"], 0).says(&["note: 6 answered"]);
    assert_eq!((rows(&ended.out).len(), upstream.most_running()), (6, 3));
}

#[test]
fn a_rerun_asks_only_for_what_is_missing() {
    let upstream = echo();
    let home = Home::with(&upstream.config());
    home.write("q.jsonl", "{\"prompt\": \"一\", \"id\": \"甲\"}\n{\"prompt\": \"坏\"}\n{\"prompt\": \"三\"}\n");
    let line = ["chat", "-m", "m", "--each", "q.jsonl", "--output", "a.jsonl"];
    home.run(&line, 1).prints("").says(&["note: 2 answered, 1 failed"]);
    let first = fs::read_to_string(home.path("a.jsonl")).expect("a file");
    assert_eq!(rows(&first).len(), 3);
    assert_eq!(rows(&first).iter().find(|row| row["index"] == 0).expect("the first")["id"], "甲");

    // Cut off within its last line, as by a power failure.
    let answered: Vec<&str> = first.lines().filter(|line| line.contains("\"answer\"")).collect();
    home.write("a.jsonl", format!("{}\n{}", answered[0], &answered[1][..20]));
    let before = upstream.requests().len();
    home.run(&line, 1).says(&["note: 1 answered, 1 failed, 1 were answered already"]);
    assert_eq!(upstream.requests().len() - before, 2);
    let rows = rows(&fs::read_to_string(home.path("a.jsonl")).expect("a file"));
    let indices: Vec<&Value> = rows.iter().map(|row| &row["index"]).collect();
    assert_eq!(indices, [&json!(0), &json!(1), &json!(2)]);
}

#[test]
fn an_interrupt_keeps_what_was_answered() {
    let upstream = Upstream::start(|asked, line| match asked.body["messages"][0]["content"].as_str() {
        Some("慢") => line.waits_for_the_client_to_leave(),
        _ => line.answers(asked, "好"),
    });
    let home = Home::with(&upstream.config());
    home.write("q.txt", "慢\n二\n三\n");
    let line = ["chat", "-m", "m", "--each", "q.txt", "--output", "a.jsonl", "--concurrency", "2"];
    let running = home.llmgw(&line).starts();
    upstream.sees_requests(3);
    // The third is asked when the second is in the file.
    running.signal(Signal::INT);
    running.ends(130).prints("");
    upstream.sees_a_client_leave();
    let kept = rows(&fs::read_to_string(home.path("a.jsonl")).expect("a file"));
    let prompts: Vec<&str> = kept.iter().filter_map(|row| row["prompt"].as_str()).collect();
    assert!(prompts.contains(&"二") && !prompts.contains(&"慢"), "{prompts:?}");
}

#[test]
fn what_cannot_be_a_batch_is_refused_before_anything_is_sent() {
    let upstream = Upstream::saying("never");
    let home = Home::with(&upstream.config());
    home.write("q.txt", "一\n");
    home.write("mixed.jsonl", "{\"prompt\": \"一\"}\n二\n");
    home.write("notes.txt", "important\n");
    home.write("empty.txt", "\n");
    for (line, needle) in [
        ("--each none.txt", "error: cannot read `none.txt`"),
        ("--each empty.txt", "error: `empty.txt` holds no question"),
        ("--each mixed.jsonl", "error: line 2 of `mixed.jsonl`"),
        ("--each q.txt --output notes.txt", "error: `notes.txt` holds something else than answers (line 1)"),
        ("--each q.txt --concurrency 0", "--concurrency"),
        ("--each q.txt --format json", "--format"),
        ("--each - -f -", "error: standard input is both"),
        ("--output a.jsonl hi", "--each"),
    ] {
        let line: Vec<&str> = ["chat", "-m", "m"].into_iter().chain(line.split(' ')).collect();
        home.run(&line, 2).prints("").says(&[needle]);
    }
    home.run(&["chat", "-m", "没有", "--each", "q.txt"], 2).prints("").says(&["没有"]);
    for line in [["chat", "--each", "q.txt"], ["chat", "--dry-run", "hi"]] {
        home.run(&line, 2).prints("").says(&["error: no model was named, and there is no default", "hint: "]);
    }
    assert_eq!(fs::read_to_string(home.path("notes.txt")).expect("a file"), "important\n");
    assert!(upstream.requests().is_empty());
}

#[test]
fn answers_of_a_batch_are_checked_too() {
    let upstream = Upstream::saying("七");
    let home = Home::with(&upstream.config());
    home.write("number.json", "{\"type\": \"integer\"}");
    home.write("q.txt", "几\n");
    let ended = home.run(&["chat", "-m", "m", "--each", "q.txt", "--schema", "number.json"], 1);
    let rows = rows(&ended.out);
    assert_eq!((&rows[0]["answer"], &rows[0]["rejected"]), (&Value::Null, &json!("七")));
    assert!(rows[0]["error"].as_str().is_some_and(|error| error.starts_with("the answer is not JSON")), "{ended:#?}");
}

#[test]
fn neither_the_questions_nor_what_is_no_file_are_written_to() {
    let upstream = echo();
    let home = Home::with(&upstream.config());
    // Failed rows, as an earlier run leaves them.
    let questions = "{\"index\":0,\"prompt\":\"一\",\"error\":\"x\"}\n";
    home.write("same.jsonl", questions);
    home.run(&["chat", "-m", "m", "--each", "same.jsonl", "--output", "./same.jsonl"], 2).says(&["both `--each` and `--output`"]);
    assert_eq!(fs::read_to_string(home.path("same.jsonl")).expect("a file"), questions);
    home.run(&["chat", "-m", "m", "--each", "same.jsonl", "--output", "/dev/null"], 2).says(&["it is no ordinary file"]);
    home.run(&["chat", "-m", "nobody/has", "--each", "same.jsonl", "--output", "new.jsonl"], 2);
    assert!(!home.path("new.jsonl").exists() && upstream.requests().is_empty());
}
