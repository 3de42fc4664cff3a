//! Talking with a model on a real terminal.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::process::Home;
use super::terminal::Session;
use super::upstream::Upstream;

/// Written whenever a line begins to be read.
const READING: &str = "\x1b[?2004h";

fn talk(home: &Home, arguments: &[&str]) -> Session {
    let session = Session::start(home.llmgw(&[&["chat", "-m", "m"], arguments].concat()));
    session.reads(1);
    session
}

impl Session {
    /// Waits until so many lines have begun to be read.
    #[track_caller]
    fn reads(&self, number: usize) {
        self.screen.until("a prompt", |text| text.matches(READING).count() >= number);
    }

    /// Types each line when the one before has been dealt with.
    #[track_caller]
    fn says(&self, lines: &[&str]) {
        for line in lines {
            let before = self.screen.until("", |_| true).matches(READING).count();
            self.types(line);
            self.types("\r");
            self.reads(before + 1);
        }
    }

    #[track_caller]
    fn leaves(self) -> (String, String) {
        self.types("\x04");
        self.ends(0)
    }
}

fn config(upstream: &Upstream) -> String {
    upstream.config() + "routing: { max_attempts: 1 }\nprices: { m: { input: 1000000, output: 0 } }\n"
}

#[test]
fn the_model_is_told_what_was_said_before() {
    let upstream = Upstream::saying("好的。");
    let session = talk(&Home::with(&config(&upstream)), &["-s", "简短"]);
    session.says(&["我叫小明", "/system 详细", "第一行\\\r我是谁？", "/clear", "新的"]);
    let (screen, _) = session.leaves();
    let messages: Vec<_> = upstream.requests().iter().map(|asked| asked.body["messages"].clone()).collect();
    let said = |role: &str, content: &str| json!({ "role": role, "content": content });
    assert_eq!(messages[0], json!([said("system", "简短"), said("user", "我叫小明")]));
    let before = [said("system", "详细"), said("user", "我叫小明"), said("assistant", "好的。")];
    assert_eq!(messages[1], json!([&before[..], &[said("user", "第一行\n我是谁？")]].concat()));
    assert_eq!(messages[2], json!([said("system", "详细"), said("user", "新的")]));
    assert!(screen.contains("m> 我叫小明") && screen.contains("好的。"), "{screen}");
}

#[test]
fn ctrl_c_stops_an_answer_and_not_the_chat() {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::start(move |request, line| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => {
            line.begins();
            line.says("开始了 一段");
            line.waits_for_the_client_to_leave();
        }
        _ => line.answers(request, "完"),
    });
    let session = talk(&Home::with(&config(&upstream)), &[]);
    session.types("讲故事\r");
    session.screen.holds("开始了");
    session.types("\x03");
    upstream.sees_a_client_leave();
    session.screen.holds("what came is kept");
    session.reads(2);
    session.says(&["接着"]);
    let (screen, _) = session.leaves();
    // The terminal writes `^C` where the cursor stands.
    assert!(screen.replace("^C", "").contains("开始了 一段\n"), "{screen}");
    let kept = json!({ "role": "assistant", "content": "开始了 一段" });
    assert_eq!(upstream.requests()[1].body["messages"][1], kept);
}

#[test]
fn a_failed_turn_is_told_and_can_be_asked_again() {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::start(move |request, line| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => line.json(500, &json!({ "error": { "message": "坏了\u{1b}[31m" } })),
        _ => line.answers(request, "修好了"),
    });
    let session = talk(&Home::with(&config(&upstream)), &[]);
    session.says(&["问题", "/retry", "/retry"]);
    let (screen, written) = session.leaves();
    assert!(screen.contains("every upstream failed") && screen.contains("坏了") && screen.contains("/retry asks it again"), "{screen}");
    assert!(!written.contains("\x1b[31m坏") && !written.contains("坏了\x1b[31m"), "{written:?}");
    let question = json!([{ "role": "user", "content": "问题" }]);
    assert!(upstream.requests().iter().all(|asked| asked.body["messages"] == question), "{:?}", upstream.requests());
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn the_commands_do_what_the_help_says() {
    let upstream = Upstream::saying("答案");
    let home = Home::with(&config(&upstream));
    home.write("说明.md", "文件的内容");
    let session = talk(&home, &[]);
    session.says(&["/help", "/modle x", "/model nothing", "/model", "/file 没有.md", "/file 说明.md", "看", "/usage", "/copy"]);
    session.says(&["/save 对话.md", "/save 对话.md"]);
    let (screen, written) = session.leaves();
    for needle in ["did you mean `/model`?", "there is no file `没有.md`", "说明.md` goes with the next question", "is there already"] {
        assert!(written.contains(needle), "no {needle}: {screen}");
    }
    assert!(written.contains("Alt-Enter") && written.contains("nothing") && written.contains("up/m"), "{screen}");
    assert!(written.contains("\x1b]52;c;562U5qGI\x07"), "{written:?}");
    assert!(upstream.body()["messages"][0]["content"].as_str().unwrap().contains("文件的内容"));
    let saved = std::fs::read_to_string(home.path("对话.md")).unwrap();
    assert!(saved.starts_with("## User\n\n") && saved.ends_with("看\n\n## m\n\n答案\n"), "{saved}");
}

#[test]
fn names_are_completed() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&(config(&upstream) + "models: { 深度求索: { routes: [{ provider: up, model: m }] } }\n"));
    home.write("独一无二.txt", "内容");
    let session = talk(&home, &[]);
    session.types("/he\t");
    session.screen.holds("/help");
    session.says(&["", "/model 深\t", "/file 独\t", "看"]);
    let (screen, _) = session.leaves();
    assert!(screen.contains("talking with 深度求索") && screen.contains("深度求索> "), "{screen}");
    assert!(upstream.body()["messages"][0]["content"].as_str().unwrap().contains("内容"));
}

#[test]
fn what_was_asked_is_remembered_by_its_owner_only() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&config(&upstream));
    let session = talk(&home, &[]);
    session.says(&["记住这个"]);
    session.leaves();
    let session = talk(&home, &[]);
    session.types("\x1b[A");
    session.screen.holds("记住这个");
    session.says(&[""]);
    session.leaves();
    assert_eq!(upstream.requests().len(), 2);
    use std::os::unix::fs::PermissionsExt;
    let mode = |name: &str| std::fs::metadata(home.path(".local/share/llmgw").join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("history"), mode("")), (0o600, 0o700));
}

#[test]
fn ctrl_c_empties_a_line_and_ends_at_an_empty_one() {
    let upstream = Upstream::saying("never");
    let session = talk(&Home::with(&config(&upstream)), &[]);
    session.types("写错了");
    session.screen.holds("了");
    session.types("\x03\x03");
    session.ends(0);
    assert!(upstream.requests().is_empty());
}

#[test]
fn pasted_lines_are_one_question() {
    let upstream = Upstream::saying("好");
    let session = talk(&Home::with(&config(&upstream)), &[]);
    session.says(&["\x1b[200~第一行\n第二行\x1b[201~"]);
    session.leaves();
    assert_eq!(upstream.body()["messages"][0]["content"], "第一行\n第二行");
}

const MARKDOWN: &str = "# 标题\n\n**粗**体与`代码`\n\n| 甲 | 乙 |\n|---|--:|\n| 一 | 22 |\n\n```rust\nlet a = 1; // 注\n```\n";

#[test]
fn markdown_is_rendered_on_a_terminal_only() {
    let upstream = Upstream::saying(MARKDOWN);
    let home = Home::with(&upstream.config());
    let (screen, written) = Session::start(home.llmgw(&["chat", "-m", "m", "hi"])).ends(0);
    assert_eq!(
        screen,
        "标题\n\n粗体与代码\n\n┌────┬────┐\n│ 甲 ┆ 乙 │\n╞════╪════╡\n│ 一 ┆ 22 │\n└────┴────┘\n\n╭─ rust\nlet a = 1; // 注\n╰─"
    );
    assert!(written.contains("\x1b[1m粗\x1b[0m"), "{written:?}");
    for plain in [
        Session::start(home.llmgw(&["chat", "-m", "m", "--plain", "hi"])),
        Session::start(home.llmgw(&["chat", "-m", "m", "hi"]).env("NO_COLOR", "1")),
    ] {
        let (screen, _) = plain.ends(0);
        assert_eq!(screen, MARKDOWN.trim_end());
    }
    home.run(&["chat", "-m", "m", "hi"], 0).prints(MARKDOWN);
}

#[test]
fn a_terminal_obeys_no_answer() {
    let evil = "标题\u{1b}]0;evil\u{7}与\u{1b}[2J清屏\u{9b}31m";
    let upstream = Upstream::start(move |_, line| {
        line.begins();
        line.thinks("想\u{1b}[2J");
        line.says(evil);
        line.ends();
    });
    let home = Home::with(&upstream.config());
    for arguments in [&["chat", "-m", "m", "hi"][..], &["chat", "-m", "m", "--plain", "hi"]] {
        let (_, written) = Session::start(home.llmgw(arguments)).ends(0);
        assert!(!written.contains("\x1b]0;evil") && !written.contains("\x1b[2J清") && !written.contains('\u{9b}'), "{written:?}");
        assert!(!written.contains("想\x1b[2J") && written.contains("␛]0;evil␇"), "{written:?}");
    }
    home.run(&["chat", "-m", "m", "hi"], 0).prints(&format!("{evil}\n"));
}

#[test]
fn reasoning_can_be_hidden() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.thinks("思考中");
        line.says("答案");
        line.ends();
    });
    let (screen, _) = Session::start(Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "--no-reasoning", "hi"])).ends(0);
    assert_eq!(screen, "答案");
}

#[test]
fn a_chat_needs_a_terminal() {
    let home = Home::new();
    home.run(&["chat", "-i", "hi"], 2).says(&["error: an interactive chat needs a terminal", "hint:"]);
}
