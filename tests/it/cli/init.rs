//! `llmgw init`: a file that can be used, without keys in it, and never over one that is there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Instant;

use rustix::termios::{LocalModes, tcgetattr};

use super::process::{Home, Line, PATIENCE};
use super::terminal::Session;
use super::upstream::Upstream;

const OPENAI: &str = "sk-of-the-environment-0001";
const TYPED: &str = "sk-ant-typed-in-by-hand-01";

/// Lists one model to whoever has one of the two keys.
fn upstream() -> Upstream {
    Upstream::start(|asked, line| {
        let knows = asked.head.contains(OPENAI) || asked.head.contains(TYPED);
        if !knows || !asked.path.contains("/models") {
            return line.json(401, &serde_json::json!({ "error": { "message": "no" } }));
        }
        line.answers_on("Sun, 06 Nov 1994 08:49:37 GMT");
    })
}

/// With a key of OpenAI in the environment, and both vendors at `upstream`.
fn line(home: &Home, upstream: &Upstream, arguments: &[&str]) -> Line {
    let root = format!("http://{}", upstream.authority());
    let line = home.llmgw(&[&["init"], arguments].concat()).env("OPENAI_API_KEY", OPENAI);
    line.env("OPENAI_BASE_URL", &format!("{root}/v1")).env("ANTHROPIC_BASE_URL", &root)
}

#[test]
fn a_script_gets_everything_that_is_found() {
    let home = Home::new();
    let keys = |line: Line| line.env("DEEPSEEK_API_KEY", "sk-deepseek-0001").env("OPENAI_API_KEY", OPENAI);
    let ended = keys(home.llmgw(&["init", "--yes"])).ends(0);
    let path = home.directory().join("llmgw.yaml");
    assert_eq!(ended.out, format!("{}\n", path.display()));
    let written = fs::read_to_string(&path).expect("a file");
    assert!(!written.contains(OPENAI) && !written.contains("sk-deepseek-0001"), "{written}");
    assert!(written.contains("${OPENAI_API_KEY}") && written.contains("${DEEPSEEK_API_KEY}"), "{written}");
    ended.says(&["in it: openai ($OPENAI_API_KEY), deepseek ($DEEPSEEK_API_KEY)", "next: `llmgw test`"]);
    let checked = keys(home.llmgw(&["config", "check"])).ends(0);
    assert!(checked.out.contains("2 providers") && checked.err.is_empty(), "{checked:#?}");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let home = Home::with("providers: [{ name: 我的, type: mock }]\n");
    home.run(&["init", "--yes"], 2).prints("").says(&["llmgw.yaml exists, and stays as it is", "--force"]);
    assert!(fs::read_to_string(home.path("llmgw.yaml")).expect("a file").contains("我的"));
    home.run(&["init", "--yes", "--force"], 0);
    assert!(!fs::read_to_string(home.path("llmgw.yaml")).expect("a file").contains("我的"));
    home.run(&["init", "--yes"], 2);
}

#[test]
fn it_is_written_where_somebody_wants_it() {
    let home = Home::new();
    home.run(&["init", "--yes", "-o", "conf/mine.yaml"], 0).says(&["llmgw -c ", "conf/mine.yaml test`"]);
    home.run(&["config", "check", "-c", "conf/mine.yaml"], 0);
    home.run(&["init", "--yes", "-c", "other.yaml"], 0);
    home.llmgw(&["init", "--yes"]).env("LLMGW_CONFIG", "third.yaml").ends(0);
    assert!(home.path("other.yaml").exists() && home.path("third.yaml").exists() && !home.path("llmgw.yaml").exists());
    let shown = home.run(&["init", "--yes", "-o", "-"], 0);
    assert!(shown.out.starts_with("# llmgw: ") && !home.path("llmgw.yaml").exists() && !home.path("-").exists(), "{shown:#?}");
    home.write("file", "");
    home.run(&["init", "--yes", "-o", "file/llmgw.yaml"], 1).prints("").says(&["cannot write", "--output"]);
}

#[test]
fn with_nothing_there_is_the_mock() {
    let home = Home::new();
    home.run(&["init", "--yes"], 0).says(&["only the built-in mock", "OPENAI_API_KEY"]);
    assert!(!home.run(&["chat", "你是谁"], 0).out.is_empty());
}

#[test]
fn a_local_ollama_is_found_with_a_model() {
    let (home, ollama) = (Home::new(), Upstream::saying("好"));
    home.llmgw(&["init", "--yes"]).env("OLLAMA_HOST", &ollama.authority()).ends(0).says(&["in it: ollama"]);
    let written = fs::read_to_string(home.path("llmgw.yaml")).expect("a file");
    assert!(written.contains("preset: ollama") && written.contains("default_model: m") && written.contains(&ollama.url()), "{written}");
    assert_eq!(home.run(&["chat", "hi"], 0).out, "好\n");
}

#[test]
fn who_cannot_answer_is_not_asked() {
    Home::new().run(&["init"], 2).prints("").says(&["no terminal", "llmgw init --yes"]);
}

#[test]
fn a_person_is_asked_and_no_key_is_shown() {
    let (home, upstream) = (Home::new(), upstream());
    let session = Session::start(line(&home, &upstream, &[]));
    // OpenAI is found and ticked; Anthropic stands below it.
    session.screen.holds("OPENAI_API_KEY is set");
    session.types("j \r");
    session.screen.holds("openai: it answers, and has 1 models");
    session.screen.holds("Which model of OpenAI is its default?");
    session.types("\r");
    session.screen.holds("API key of Anthropic");
    session.hides_keys();
    session.types("sk-ant-mistyped-00001\r");
    session.screen.holds("anthropic: GET /models answered 401");
    session.screen.holds("Type it again");
    session.types("\r");
    session.screen.until("the question again", |text| text.matches("(Enter: it will be in").count() > 1);
    session.hides_keys();
    session.types(&format!("{TYPED}\r"));
    session.screen.holds("Where shall the key be kept?");
    session.types("\r");
    session.screen.holds("Which model of Anthropic is its default?");
    session.types("\r");
    session.screen.holds("Which one is asked first?");
    session.types("j\r");
    let (_, shown) = session.ends(0);
    assert!(!shown.contains(TYPED) && !shown.contains("mistyped") && !shown.contains(OPENAI), "{shown}");
    let key = home.path("keys/anthropic.key");
    assert_eq!(fs::read_to_string(&key).expect("a key"), format!("{TYPED}\n"));
    assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(home.path("llmgw.yaml")).expect("a file");
    assert!(written.contains("api_key: \"file:keys/anthropic.key\"") && !written.contains(TYPED), "{written}");
    let order: Vec<&str> = written.lines().filter_map(|line| line.strip_prefix("  - name: ")).collect();
    assert_eq!(order, ["anthropic", "openai"]);
    let checked = home.llmgw(&["config", "check"]).env("OPENAI_API_KEY", OPENAI).ends(0);
    assert!(checked.out.contains("2 providers") && checked.err.is_empty(), "{checked:#?}");
}

#[test]
fn a_key_may_stand_in_the_file_if_somebody_wants_it_there() {
    let (home, upstream) = (Home::new(), upstream());
    let session = Session::start(line(&home, &upstream, &["-o", "open.yaml"]));
    session.screen.holds("OPENAI_API_KEY is set");
    // Only Anthropic.
    session.types(" j \r");
    session.screen.holds("API key of Anthropic");
    session.hides_keys();
    session.types(&format!("{TYPED}\r"));
    session.screen.holds("Where shall the key be kept?");
    session.types("jj\r");
    session.screen.holds("Which model of Anthropic is its default?");
    session.types("\r");
    let (screen, _) = session.ends(0);
    assert!(screen.contains("its key in this file") && !screen.contains(TYPED), "{screen}");
    let path = home.path("open.yaml");
    assert!(fs::read_to_string(&path).expect("a file").contains(TYPED));
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn who_does_not_want_to_overwrite_keeps_what_is_there() {
    let (home, upstream) = (Home::with("providers: [{ name: 我的, type: mock }]\n"), upstream());
    let session = Session::start(line(&home, &upstream, &[]));
    session.screen.holds("exists. Overwrite it?");
    session.types("n");
    let (screen, _) = session.ends(1);
    assert!(screen.contains("nothing was written"), "{screen}");
    assert!(fs::read_to_string(home.path("llmgw.yaml")).expect("a file").contains("我的"));
}

#[test]
fn who_gives_up_is_left_a_terminal_that_echoes() {
    for keys in [&["\x03"][..], &["j \r", "\r", "\x03"]] {
        let (home, upstream) = (Home::new(), upstream());
        let session = Session::start(line(&home, &upstream, &[]));
        let questions = ["OPENAI_API_KEY is set", "Which model of OpenAI", "API key of Anthropic"];
        for (question, key) in questions.iter().zip(keys) {
            session.screen.holds(question);
            if question.starts_with("API key") {
                session.hides_keys();
            }
            session.types(key);
        }
        let modes = session.modes_at_the_end(130);
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON), "{modes:?}");
        assert!(!home.path("llmgw.yaml").exists());
    }
}

impl Session {
    /// Waits until keys are not shown any more, and none that were typed before are thrown away.
    #[track_caller]
    fn hides_keys(&self) {
        let (keyboard, begun) = (self.keyboard(), Instant::now());
        while tcgetattr(&*keyboard).expect("a terminal").local_modes.contains(LocalModes::ECHO) {
            assert!(begun.elapsed() < PATIENCE, "keys are shown");
            thread::yield_now();
        }
    }

    /// What the terminal does with keys once the process has ended; its screen is left clean.
    #[track_caller]
    fn modes_at_the_end(self, code: i32) -> LocalModes {
        let keyboard = self.keyboard();
        self.ends(code);
        tcgetattr(&*keyboard).expect("a terminal").local_modes
    }
}
