//! `llmgw top`: a running gateway on a real terminal, and as text where there is none.

use rustix::process::Signal;
use serde_json::Value;

use super::process::{Home, free_port};
use super::serve::Gateway;
use super::terminal::Session;

const CONFIG: &str = "
providers:
  - { name: one, type: mock, models: [通义千问] }
  - { name: 深度求索, type: mock, models: [m] }
models:
  gpt-4: { routes: [{ provider: one, model: 通义千问 }, { provider: 深度求索, model: m, priority: 2 }] }
prices: { 通义千问: { input: 1000, output: 1000 } }
";

const CHAT: &str = r#"{"model":"gpt-4","messages":[{"role":"user","content":"你好"}]}"#;

const LEAVES_THE_SCREEN: &str = "\x1b[?1049l";
const TAKES_THE_SCREEN: &str = "\x1b[?1049h";

fn disabled(gateway: &Gateway) -> Vec<bool> {
    let (_, status) = gateway.ask("GET", "/status", "");
    let providers = status["providers"].as_array().expect("a list").iter();
    providers.map(|provider| provider["disabled_by_operator"] == true).collect()
}

#[test]
fn a_provider_is_drained_on_the_screen_and_at_the_gateway() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let session = Session::start(home.llmgw(&["top", "--url", &gateway.url()]));
    session.shows(&["llmgw 0.", "healthy", "one", "深度求索", "no request has ended yet"]);
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", CHAT).0, 200);
    session.shows(&["gpt-4 → one/通义千问", "ok", "200"]);
    session.types("d");
    session.shows(&["Drain one?", "New requests go elsewhere"]);
    assert_eq!(disabled(&gateway), [false, false]);
    session.types("y");
    session.shows(&["one is drained", "drained  "]);
    assert_eq!(disabled(&gateway), [true, false]);
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", CHAT).0, 200);
    session.shows(&["gpt-4 → 深度求索/m"]);
    session.types("r");
    session.shows(&["one takes requests again"]);
    assert_eq!(disabled(&gateway), [false, false]);
    session.types("t");
    session.shows(&["Test of one", "✓  gpt-4 → 通义千问"]);
    session.types("  jc");
    session.shows(&["深度求索 has no cooldown any more"]);
    session.types("q");
    let (screen, written) = session.ends(0);
    assert_eq!(screen, "");
    assert!(written.contains(LEAVES_THE_SCREEN));
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    type End = fn(&Session);
    let ends: [End; 3] = [|session| session.types("\x03"), |session| session.signal(Signal::TERM), |session| session.signal(Signal::INT)];
    for end in ends {
        let session = Session::start(home.llmgw(&["top", "--url", &gateway.url()]));
        session.shows(&["healthy"]);
        end(&session);
        let (screen, written) = session.ends(130);
        assert_eq!(screen, "");
        assert!(written.contains(LEAVES_THE_SCREEN));
    }
}

#[test]
fn a_gateway_that_comes_back_is_found_again() {
    let home = Home::with(CONFIG);
    let port = free_port().to_string();
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", &port]));
    let session = Session::start(home.llmgw(&["top", "--url", &gateway.url()]));
    session.shows(&["healthy"]);
    drop(gateway);
    session.shows(&["LOST, trying again: connection refused", "深度求索"]);
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", &port]));
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", CHAT).0, 200);
    session.shows(&["healthy", "gpt-4 → one/通义千问"]);
    session.types("q");
    session.ends(0);
}

#[test]
fn who_cannot_watch_is_told_in_the_shell() {
    let home = Home::with(&format!("{CONFIG}admin: {{ key: sk-admin-of-the-test }}\n"));
    let gateway = Gateway::serving(&home);
    let refused = |arguments: &[&str]| {
        let (screen, written) = Session::start(home.llmgw(arguments)).ends(1);
        assert!(!written.contains(TAKES_THE_SCREEN) && !written.contains("sk-admin-of-the-test"), "{written:?}");
        screen
    };
    let url = gateway.url();
    assert!(refused(&["top", "--url", &url, "--key", "wrong"]).contains("hint: give its admin key with `--key`"));
    assert!(refused(&["top", "--url", "http://127.0.0.1:1"]).contains("no gateway answers at http://127.0.0.1:1/"));
    let session = Session::start(home.llmgw(&["top", "--url", &url]));
    session.shows(&["healthy"]);
    session.types("q");
    session.ends(0);
    let keyed = Home::with(&format!("{CONFIG}auth: {{ keys: [sk-client-of-the-test] }}\n"));
    let gateway = Gateway::serving(&keyed);
    let (screen, _) = Session::start(keyed.llmgw(&["top", "--url", &gateway.url()])).ends(1);
    assert!(screen.contains("hint: set `admin.key`"), "{screen}");
}

#[test]
fn without_a_terminal_it_is_told_once() {
    let home = Home::with(CONFIG);
    home.run(&["top"], 2).prints("").says(&["no terminal to draw on", "hint: `llmgw top --once`"]);
    home.run(&["top", "--format", "json"], 2).prints("").says(&["--once"]);
    home.run(&["top", "--once", "--url", "http://127.0.0.1:1"], 1).prints("").says(&["no gateway answers", "hint:"]);
    let gateway = Gateway::serving(&home);
    assert_eq!(gateway.ask("POST", "/v1/chat/completions", CHAT).0, 200);
    let ended = home.run(&["top", "--once", "--url", &gateway.url()], 0);
    for needle in ["llmgw 0.", "Providers", "深度求索", "Spend", "gpt-4", "Requests", "gpt-4 → one/通义千问"] {
        assert!(ended.out.contains(needle), "no {needle} in {ended:#?}");
    }
    assert!(!ended.out.contains('\x1b') && ended.err.is_empty(), "{ended:#?}");
    let ended = home.run(&["top", "--once", "--format", "json", "--url", &gateway.url()], 0);
    let told: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&told["status"]["providers"][0]["name"], &told["trouble"]), (&"one".into(), &Value::Null));
    let today = &told["recent"]["today"];
    assert_eq!((&today["requests"], &today["models"][0]["name"]), (&1.into(), &"gpt-4".into()));
    assert!(today["cost"].as_f64().is_some_and(|cost| cost > 0.0), "{told}");
    assert_eq!(told["requests"][0]["upstream_model"], "通义千问");
}

#[test]
fn a_dumb_terminal_and_colours_are_what_they_are_asked_to_be() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let url = gateway.url();
    let session = Session::start(home.llmgw(&["top", "--url", &url]).env("NO_COLOR", "1"));
    session.shows(&["healthy"]);
    session.types("q");
    let (_, written) = session.ends(0);
    assert!(!written.contains("[38;"), "{written:?}");
    let coloured = Session::start(home.llmgw(&["top", "--url", &url]));
    coloured.shows(&["healthy"]);
    coloured.types("q");
    let (_, written) = coloured.ends(0);
    assert!(written.contains("\x1b[38;5;2;"), "{written:?}");
    let (screen, written) = Session::start_with(home.llmgw(&["top", "--url", &url]).env("TERM", "dumb"), |command| command).ends(2);
    assert!(screen.contains("llmgw top --once") && !written.contains('\x1b'), "{written:?}");
}
