//! Screens as people see them, and what keys do to them.

use std::time::{Duration, SystemTime};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::draw::draw;
use super::draw::theme::Theme;
use super::figures::{Acted, Ended};
use super::state::{Action, Deed, News, Over, Pane, State};
use crate::cli::failure::Exit;

const PLAIN: Theme = Theme { coloured: false };

/// 2026-11-28T09:00:00Z
fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-11-28T09:00:00Z").unwrap()
}

fn ended(number: u64, change: Value) -> Ended {
    let received = humantime::format_rfc3339_millis(now() - Duration::from_secs(5 + 40 * number)).to_string();
    let mut ended = json!({
        "id": format!("req-61526a1c23b9{number:04}"), "received": received, "caller": "team-a", "endpoint": "/chat/completions",
        "model": "gpt-4", "provider": "openai", "upstream_model": "gpt-4o", "status": 200, "outcome": "ok", "total_ms": 1420.0,
        "first_token_ms": 310.0, "usage": { "input": 1204, "output": 88 }, "cost": { "usd": 0.0123 },
        "attempts": [{ "provider": "openai", "upstream_model": "gpt-4o", "outcome": "ok", "took_ms": 1400.0, "reason": null }],
    });
    ended.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(ended).unwrap()
}

fn sum(name: &str, requests: u64, failed: u64, cost: f64, unpriced: u64) -> Value {
    json!({
        "name": name, "requests": requests, "failed": failed, "attempts": requests, "hedges": 0, "input": requests * 1_000, "cached": 0,
        "cache_write": 0, "output": requests * 150, "reasoning": 0, "uncertain": 0, "cost": cost, "unpriced": unpriced, "bytes": 0,
        "mean_ms": 800.0, "mean_first_token_ms": 200.0,
    })
}

fn span(times: u64) -> Value {
    let cost = times as f64 / 10.0;
    json!({
        "begins": 1_795_824_000, "seconds": 60.0, "requests": 190 * times, "failed": 3 * times, "success_rate": 0.984,
        "requests_per_second": 3.2, "input": 190_000 * times, "output": 28_500 * times, "output_per_second": 475.0, "cost": cost * 1.5,
        "unpriced": 0,
        "latency": { "requests": 187, "p50": 812.0, "p95": 2400.0, "p99": 4100.0, "first_token_p50": 240.0, "first_token_p95": 600.0 },
        "models": [sum("gpt-4", 120 * times, 2 * times, cost, 0), sum("通义千问-最新版", 70 * times, times, cost / 2.0, 0)],
        "keys": [sum("team-a", 150 * times, 3 * times, cost, 0), sum("数据团队", 40 * times, 0, cost / 2.0, 3)],
    })
}

fn provider(name: &str, change: Value) -> Value {
    let mut provider = json!({
        "name": name, "kind": "openai", "disabled_by_operator": false, "state": "closed", "failures": 0, "cooldown_left_seconds": 0.0,
        "in_flight": 3, "requests": 12_480, "success_rate": 0.9987, "latency_ms": { "p50": 640, "p95": 1800, "p99": 2400 },
        "last_error": null, "credentials": { "resting": 0, "total": 2 }, "models": 7,
    });
    provider.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    provider
}

/// A gateway at work: one provider cools, one is drained, one has a Chinese name.
pub fn busy() -> State {
    let mut state = State::new("http://127.0.0.1:8000/".to_owned(), now());
    let cooling = json!({
        "state": "cooling", "failures": 3, "cooldown_left_seconds": 41.2, "in_flight": 0, "success_rate": 0.71,
        "last_error": "429: 请求过于频繁，请稍后再试 (rate_limit)", "credentials": { "resting": 1, "total": 2 },
    });
    let drained = json!({ "state": "disabled", "disabled_by_operator": true, "in_flight": 1, "success_rate": 1.0 });
    let unused =
        json!({ "requests": 0, "success_rate": null, "latency_ms": null, "in_flight": 0, "credentials": { "resting": 0, "total": 0 } });
    let status = json!({
        "version": "0.1.0", "uptime_seconds": 11_100, "in_flight": 4, "last_reload": { "age_seconds": 60, "ok": true },
        "providers": [provider("openai", json!({})), provider("深度求索", cooling), provider("azure-eu", drained), provider("local", unused)],
    });
    state.hear(News::Status(Box::new(serde_json::from_value(status).unwrap())));
    state.hear(News::Pulse(serde_json::from_value(json!({ "health": "degraded", "in_flight": 4 })).unwrap()));
    let recent = json!({ "minute": span(1), "hour": span(50), "today": span(900) });
    state.hear(News::Recent(Box::new(Ok(Some(serde_json::from_value(recent).unwrap())))));
    let failed = json!({
        "provider": "深度求索", "upstream_model": "deepseek-chat", "status": 429, "outcome": "upstream_error", "usage": null, "cost": null,
        "error": "every upstream answered 429: 请求过于频繁，请稍后再试",
    });
    let gone = json!({ "outcome": "client_gone", "status": 499, "caller": "数据团队", "cost": null, "model": "通义千问-最新版" });
    state.hear(News::Latest(vec![ended(0, json!({})), ended(1, failed), ended(2, gone), ended(3, json!({ "total_ms": 64_200.0 }))]));
    state
}

fn drawn(state: &State, theme: Theme, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// What is to be read: behind a wide character there is a cell that shows nothing.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(buffer.area.width)) {
        let (mut line, mut hidden) = (String::new(), 0);
        for symbol in row.iter().map(Cell::symbol) {
            if hidden == 0 {
                line.push_str(symbol);
            }
            hidden = symbol.width().max(hidden).saturating_sub(1);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Compares with what was seen to be good.
#[track_caller]
pub fn check(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/top/screens").join(format!("{name}.txt"));
    #[expect(clippy::disallowed_methods, reason = "whether to rewrite is a matter of the one who runs the tests")]
    if std::env::var_os("LLMGW_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == found, "{name} is another screen now; LLMGW_BLESS=1 rewrites it:\n{found}");
}

fn press(state: &mut State, code: KeyCode) -> Option<Deed> {
    state.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_(state: &mut State, keys: &str) -> Vec<Deed> {
    keys.chars().filter_map(|key| press(state, KeyCode::Char(key))).collect()
}

#[test]
fn screens_of_every_size_are_as_they_were_seen_to_be_good() {
    for (width, height) in [(140, 40), (100, 30), (80, 24), (60, 16), (40, 12)] {
        check(&format!("busy-{width}x{height}"), &text(&drawn(&busy(), PLAIN, width, height)));
    }
    let mut state = busy();
    for pane in ["spend", "requests"] {
        press(&mut state, KeyCode::Tab);
        check(&format!("{pane}-40x12"), &text(&drawn(&state, PLAIN, 40, 12)));
    }
}

#[test]
fn what_lies_over_the_panes_is_readable_in_little_room() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut state = busy();
        let size = format!("{width}x{height}");
        type_(&mut state, "?");
        check(&format!("help-{size}"), &text(&drawn(&state, PLAIN, width, height)));
        type_(&mut state, "?d");
        check(&format!("confirm-{size}"), &text(&drawn(&state, PLAIN, width, height)));
        type_(&mut state, "nj");
        press(&mut state, KeyCode::Enter);
        check(&format!("provider-{size}"), &text(&drawn(&state, PLAIN, width, height)));
        press(&mut state, KeyCode::Esc);
        press(&mut state, KeyCode::BackTab);
        type_(&mut state, "j");
        press(&mut state, KeyCode::Enter);
        check(&format!("request-{size}"), &text(&drawn(&state, PLAIN, width, height)));
    }
    let mut state = busy();
    state.hear(News::Acted(Action::Test, "openai".to_owned(), Ok(acted())));
    check("tested-80x24", &text(&drawn(&state, PLAIN, 80, 24)));
}

fn acted() -> Acted {
    serde_json::from_value(json!({ "ok": false, "results": [
        { "model": "gpt-4", "ok": true, "latency_ms": 812 },
        { "model": "通义千问-最新版", "ok": false, "error": "401: the key was refused; 请检查密钥是否正确，以及它是否属于这个项目" },
        { "model": "dall-e", "ok": true, "skipped": "images are not tested" },
    ] }))
    .unwrap()
}

#[test]
fn a_gateway_that_is_lost_or_new_says_so() {
    let mut state = State::new("https://gw.example/llm/".to_owned(), now());
    check("new-80x24", &text(&drawn(&state, PLAIN, 80, 24)));
    state.hear(News::Recent(Box::new(Err("There is no place for a ledger: set storage.path in the configuration.".to_owned()))));
    state.hear(News::Unheard("64 are following already".to_owned()));
    state.hear(News::Lost("connection refused".to_owned()));
    check("lost-80x24", &text(&drawn(&state, PLAIN, 80, 24)));
}

#[test]
fn no_size_is_too_small_to_be_drawn() {
    let mut state = busy();
    for over in [Over::Nothing, Over::Help, Over::Confirm("深度求索".to_owned()), Over::Details, Over::Tested("x".to_owned(), acted())]
    {
        state.over = over;
        for pane in Pane::ALL {
            state.pane = pane;
            for (width, height) in (1..14).flat_map(|height| (1..50).map(move |width| (width, height))) {
                drawn(&state, PLAIN, width, height);
            }
        }
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let colours = |theme| {
        let buffer = drawn(&busy(), theme, 100, 30);
        buffer.content().iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colours(PLAIN), 0);
    assert!(colours(Theme { coloured: true }) > 100);
    let buffer = drawn(&busy(), PLAIN, 100, 30);
    assert!(buffer.content().iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)), "what is chosen is seen without colours too");
}

#[test]
fn draining_is_asked_before_it_is_done() {
    let mut state = busy();
    assert_eq!(type_(&mut state, "d"), []);
    assert_eq!(state.over, Over::Confirm("openai".to_owned()));
    for no in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n'), KeyCode::Char('q'), KeyCode::Char('d')] {
        state.over = Over::Confirm("openai".to_owned());
        assert_eq!((press(&mut state, no), &state.over), (None, &Over::Nothing), "{no:?}");
    }
    assert_eq!(type_(&mut state, "jdy"), [Deed::Act(Action::Drain, "深度求索".to_owned())]);
    type_(&mut state, "jd");
    assert_eq!(state.over, Over::Nothing, "it is drained already");
    assert!(state.said.as_ref().unwrap().text.contains("r resumes it"));
}

#[test]
fn keys_act_on_the_provider_that_is_chosen_wherever_a_reload_moves_it() {
    let mut state = busy();
    type_(&mut state, "jj");
    state.status.providers.rotate_left(1);
    assert_eq!(type_(&mut state, "r"), [Deed::Act(Action::Resume, "azure-eu".to_owned())]);
    assert_eq!(type_(&mut state, "ct"), [Deed::Act(Action::Reset, "azure-eu".to_owned()), Deed::Act(Action::Test, "azure-eu".to_owned())]);
    type_(&mut state, "G");
    assert_eq!(state.provider().unwrap().0, 3);
    type_(&mut state, "j");
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::Up);
    assert_eq!(state.provider().unwrap().0, 0);
    press(&mut state, KeyCode::Tab);
    assert_eq!(type_(&mut state, "drct"), [], "nothing is done to what is not seen to be chosen");
    assert!(state.said.as_ref().is_some_and(|said| !said.ok));
    let mut nobody = State::new(String::new(), now());
    assert_eq!(type_(&mut nobody, "jkdrct"), []);
    assert_eq!(press(&mut nobody, KeyCode::Enter), None);
}

#[test]
fn what_an_act_came_to_is_said_until_the_next_key() {
    let mut state = busy();
    state.hear(News::Acted(Action::Drain, "openai".to_owned(), Err("there is no provider `openai`".to_owned())));
    assert_eq!(state.said.as_ref().map(|said| (said.text.as_str(), said.ok)), Some(("openai: there is no provider `openai`", false)));
    type_(&mut state, "j");
    assert_eq!(state.said, None);
    state.hear(News::Acted(Action::Test, "openai".to_owned(), Ok(acted())));
    assert_eq!(state.said.as_ref().map(|said| said.text.as_str()), Some("openai was tested: 2 of 3 ok"));
    assert_eq!(state.over, Over::Tested("openai".to_owned(), acted()));
    // Nothing jumps between a question and its answer.
    state.over = Over::Confirm("openai".to_owned());
    state.hear(News::Acted(Action::Test, "openai".to_owned(), Ok(acted())));
    assert_eq!(state.over, Over::Confirm("openai".to_owned()));
}

#[test]
fn the_end_is_a_key_away_whatever_is_shown() {
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for over in [Over::Nothing, Over::Help, Over::Details, Over::Confirm("openai".to_owned())] {
        let mut state = busy();
        state.over = over.clone();
        assert_eq!(state.press(ctrl_c), Some(Deed::End(Exit::Interrupted)));
        let asked = matches!(over, Over::Confirm(_));
        assert_eq!(type_(&mut state, "q").is_empty(), asked, "{over:?}");
        assert_eq!(type_(&mut state, "q"), [Deed::End(Exit::Done)]);
    }
}

#[test]
fn requests_come_in_at_the_top_once_and_who_looks_at_one_keeps_it() {
    let mut state = busy();
    state.hear(News::Ended(Box::new(ended(0, json!({})))));
    assert_eq!(state.ended.len(), 4, "it was among the last ones already");
    state.pane = Pane::Requests;
    state.hear(News::Ended(Box::new(ended(9, json!({})))));
    assert_eq!((state.row(Pane::Requests), state.ended.len()), (0, 5), "who looks at the newest, looks at the newest");
    type_(&mut state, "j");
    let looked_at = state.request().unwrap().id.clone();
    for number in 10..900 {
        state.hear(News::Ended(Box::new(ended(number, json!({})))));
        if state.row(Pane::Requests) < 499 {
            assert_eq!(state.request().unwrap().id, looked_at);
        }
    }
    assert_eq!((state.ended.len(), state.row(Pane::Requests)), (500, 499));
    state.hear(News::Missed);
    assert!(text(&drawn(&state, PLAIN, 100, 30)).contains("not all of them"));
}

#[test]
fn what_was_known_stays_while_the_gateway_is_lost() {
    let mut state = busy();
    state.hear(News::Lost("connection refused".to_owned()));
    state.hear(News::Recent(Box::new(Err("connection refused".to_owned()))));
    let screen = text(&drawn(&state, PLAIN, 100, 30));
    assert!(screen.contains("LOST") && screen.contains("connection refused") && screen.contains("openai") && screen.contains("3.2 req/s"));
    state.hear(News::Status(Box::new(state.status.clone())));
    assert!(!text(&drawn(&state, PLAIN, 100, 30)).contains("LOST"));
}
