//! `llmgw chat`: what is asked, what is printed where, how it ends.

use std::io::Read;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::process::{Home, Running};
use super::upstream::Upstream;

const MOCK: &str = "内置的模拟模型（mock），模型名 gpt-4。你说的是：你是谁";

#[test]
fn a_fresh_machine_answers_and_says_who_does() {
    let home = Home::new();
    for line in [&["chat", "--model", "gpt-4", "你是谁"][..], &["chat", "-m", "gpt-4", "--no-stream", "你是谁"]] {
        let ended = home.run(line, 0).says(&["note: no configuration file", "the built-in mock answers", "llmgw.yaml"]);
        assert!(ended.out.contains(MOCK) && ended.out.ends_with('\n'), "{ended:#?}");
        assert_eq!(ended.out.lines().count(), 1, "{ended:#?}");
    }
    assert!(home.run(&["--log-level", "error", "chat", "hi"], 0).err.is_empty());
}

#[test]
fn stdout_holds_the_answer_and_nothing_else() {
    let upstream = Upstream::saying("你好！");
    let ended = Home::with(&upstream.config()).run(&["chat", "-m", "m", "hi"], 0).prints("你好！\n");
    assert_eq!(ended.err, "");
    assert_eq!(upstream.body()["stream"], true);
}

#[test]
fn an_answer_is_printed_as_it_arrives() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("first ");
        line.waits_for_the_test();
        line.says("second");
        line.ends();
    });
    let mut running = Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "hi"]).starts();
    running.hangs_up();
    running.out.holds("first ");
    upstream.go_on();
    running.ends(0).prints("first second\n");
}

#[test]
fn the_prompt_is_what_is_typed_and_what_is_piped_in() {
    let cases: [(&[&str], &str, &str); 5] = [
        (&["你是谁"], "", "你是谁"),
        (&["two", "words"], "", "two words"),
        (&[], "来自管道\n", "来自管道"),
        (&["review this"], "+ line\n- line\n", "review this\n\n+ line\n- line"),
        (&["--", "--not-a-flag"], "", "--not-a-flag"),
    ];
    for (words, piped, asked) in cases {
        let upstream = Upstream::saying("ok");
        let line = [&["chat", "-m", "m"], words].concat();
        Home::with(&upstream.config()).llmgw(&line).stdin(piped).ends(0);
        assert_eq!(upstream.body()["messages"], json!([{ "role": "user", "content": asked }]));
    }
}

#[test]
fn a_long_text_comes_through_a_pipe() {
    let upstream = Upstream::saying("ok");
    let text = "很长的文字。".repeat(50_000);
    Home::with(&upstream.config()).llmgw(&["chat", "-m", "m"]).stdin(text.clone()).ends(0);
    assert_eq!(upstream.body()["messages"][0]["content"], Value::String(text));
}

#[test]
fn without_a_usable_prompt_nothing_is_asked() {
    let cases: [(&[u8], &[&str]); 3] = [
        (b"", &["error: no prompt was given, and standard input is empty", "hint:"]),
        (b" \n\n", &["standard input is empty"]),
        (b"abc\xff\xfe", &["standard input is not UTF-8 text (byte 3)", "hint:"]),
    ];
    for (piped, needles) in cases {
        let upstream = Upstream::saying("never");
        Home::with(&upstream.config()).llmgw(&["chat", "-m", "m"]).stdin(piped).ends(2).prints("").says(needles);
        assert!(upstream.requests().is_empty());
    }
}

#[test]
fn a_silent_pipe_gets_a_notice_and_is_still_read() {
    let upstream = Upstream::saying("ok");
    let mut running = Home::with(&upstream.config()).llmgw(&["chat", "-m", "m"]).starts();
    running.err.holds("note: waiting for standard input");
    running.says("late");
    running.hangs_up();
    running.ends(0).prints("ok\n");
    assert_eq!(upstream.body()["messages"][0]["content"], "late");
}

#[test]
fn flags_reach_the_upstream() {
    let upstream = Upstream::saying("ok");
    let line = "chat -m m -s 简短 --temperature 0.2 --max-tokens 7 --param seed=1 --param user=我 --param stop=[\"a\"] --no-stream hi";
    Home::with(&upstream.config()).run(&line.split(' ').collect::<Vec<_>>(), 0).prints("ok\n");
    let expected = json!({
        "model": "m",
        "messages": [{ "role": "system", "content": "简短" }, { "role": "user", "content": "hi" }],
        "temperature": 0.2, "max_tokens": 7, "seed": 1, "user": "我", "stop": ["a"], "stream": false,
    });
    assert_eq!(upstream.body(), expected);
    assert!(upstream.requests()[0].head.contains("authorization: Bearer sk-upstreamsecret0001"));
}

#[test]
fn flags_without_a_meaning_are_refused() {
    let lines = [
        "--param model=x hi",
        "--param seed hi",
        "--param =1 hi",
        "--temperature warm hi",
        "--temperature nan hi",
        "--max-tokens -1 hi",
        "--format xml hi",
    ];
    for line in lines {
        let line = [&["chat"], line.split(' ').collect::<Vec<_>>().as_slice()].concat();
        let ended = Home::new().run(&line, 2).prints("");
        assert!(ended.err.starts_with("error: "), "{ended:#?}");
    }
}

#[test]
fn programs_get_the_objects_of_the_api() {
    let upstream = Upstream::saying("你好");
    let home = Home::with(&upstream.config());
    let whole: Value = serde_json::from_str(&home.run(&["chat", "-m", "m", "--format", "json", "hi"], 0).out).expect("JSON");
    assert_eq!((&whole["object"], &whole["choices"][0]["message"]["content"]), (&json!("chat.completion"), &json!("你好")));
    let chunks = home.run(&["chat", "-m", "m", "--format", "jsonl", "hi"], 0).out;
    let chunks: Vec<Value> = chunks.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, "你好");
    assert_eq!(chunks[0]["object"], "chat.completion.chunk");
    let whole = home.run(&["chat", "-m", "m", "--format", "jsonl", "--no-stream", "hi"], 0).out;
    assert_eq!(whole.lines().count(), 1);
}

#[test]
fn an_unknown_model_is_bad_usage_and_the_nearest_is_named() {
    let upstream = Upstream::saying("never");
    let config = upstream.config() + "models:\n  deepseek-chat: { routes: [{ provider: up, model: m }] }\n";
    Home::with(&config).run(&["chat", "-m", "deepseak-chat", "hi"], 2).prints("").says(&["deepseak-chat", "deepseek-chat", "hint:"]);
    assert!(upstream.requests().is_empty());
}

#[test]
fn every_attempt_is_named_when_all_have_failed() {
    let (one, other) = (Upstream::refusing(500), Upstream::refusing(503));
    let config = format!(
        "providers:\n  - {{ name: one, base_url: \"{}\", api_key: a, models: [m] }}\n  - {{ name: other, base_url: \"{}\", api_key: b, models: [m] }}\n\
         routing: {{ max_attempts: 2 }}\n",
        one.url(),
        other.url()
    );
    let ended = Home::with(&config).run(&["chat", "-m", "m", "hi"], 1).prints("");
    let ended = ended.says(&["error: every upstream failed", "one/m: 500: ", "other/m: 503: ", "upstream says 503"]);
    assert_eq!(ended.err.lines().count(), 3, "{ended:#?}");
}

#[test]
fn an_answer_that_breaks_off_keeps_its_text() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("half an ");
        line.says("answer");
    });
    let ended = Home::with(&upstream.config()).run(&["chat", "-m", "m", "hi"], 1).prints("half an answer\n");
    ended.says(&["error: the answer broke off: "]);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn an_interrupt_ends_the_answer_and_the_upstreams_work() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("endless");
        line.waits_for_the_client_to_leave();
    });
    let mut running = Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "hi"]).starts();
    running.hangs_up();
    running.out.holds("endless");
    running.signal(Signal::INT);
    let ended = running.ends(130).prints("endless\n");
    assert_eq!(ended.err, "");
    upstream.sees_a_client_leave();
}

#[test]
fn an_interrupt_while_stdin_is_read_ends_at_once() {
    let running = Home::new().llmgw(&["chat"]).starts();
    running.err.holds("waiting for standard input");
    running.signal(Signal::INT);
    running.ends(130).prints("");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("x");
        line.waits_for_the_test();
        line.says("nobody reads this");
        line.waits_for_the_client_to_leave();
    });
    let home = Home::with(&upstream.config());
    let mut command = home.llmgw(&["chat", "-m", "m", "hi"]).command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut [0]).expect("a byte");
    drop(pipe);
    upstream.go_on();
    let ended = Running::of(child).ends(0);
    assert_eq!(ended.err, "");
    upstream.sees_a_client_leave();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let upstream = Upstream::saying("text");
    let home = Home::with(&upstream.config());
    for line in [&["chat", "-m", "m", "hi"][..], &["list"], &["--help"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let child = home.llmgw(line).command().stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().expect("the binary");
        Running::of(child).ends(1).says(&["error: cannot write to standard output"]);
    }
}

#[test]
fn colours_are_a_choice() {
    let home = Home::new();
    let unknown = ["list", "--provider", "x"];
    let coloured = |line: super::process::Line| line.ends(2).err.contains('\x1b');
    assert!(!coloured(home.llmgw(&unknown)), "a pipe");
    assert!(coloured(home.llmgw(&[&unknown[..], &["--color", "always"]].concat())));
    assert!(coloured(home.llmgw(&[&["--color=always"], &unknown[..]].concat()).env("NO_COLOR", "1")), "a flag is newer than a variable");
    assert!(!coloured(home.llmgw(&[&unknown[..], &["--color", "never"]].concat())));
    assert!(coloured(home.llmgw(&["--color", "always", "nonsense"])), "usage errors too");
}

#[test]
fn a_key_of_the_environment_is_enough() {
    let upstream = Upstream::saying("ok");
    let home = Home::new();
    let line =
        home.llmgw(&["chat", "-m", "openai/m", "hi"]).env("OPENAI_API_KEY", "sk-environment0001").env("OPENAI_BASE_URL", &upstream.url());
    line.ends(0).prints("ok\n").says(&["note: no configuration file; using OPENAI_API_KEY"]);
    assert!(upstream.requests()[0].head.contains("authorization: Bearer sk-environment0001"));
}

#[test]
fn a_local_ollama_is_found_where_its_variable_says() {
    let upstream = Upstream::saying("llama");
    let home = Home::new();
    for host in [upstream.authority(), format!("http://{}/", upstream.authority())] {
        let ended = home.llmgw(&["chat", "-m", "ollama/m", "hi"]).env("OLLAMA_HOST", &host).ends(0);
        ended.prints("llama\n").says(&["note: no configuration file; using a local Ollama"]);
    }
    let broken = Upstream::refusing(500);
    home.llmgw(&["chat", "hi"]).env("OLLAMA_HOST", &broken.authority()).ends(0).says(&["the built-in mock answers"]);
}
