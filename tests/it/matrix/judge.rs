//! Compares what was seen of a cell with what must come of it, and with what must hold in every cell.

use llmgw::engine::report::{ProviderStatus, UpstreamStatus};
use serde_json::Value;

use super::Situation;
use super::log::Line;
use super::play::{Seen, Told};
use super::table::Expected;
use crate::faulty::good::{FAULTY, HEALTHY, NINE};
use crate::faulty::{Kind, protocol::ELSEWHERE};
use crate::server::UPSTREAM_KEY;

/// Failures after which both models were sent to rest, in [`Situation::Cooling`].
const COOLED: u32 = 3;

/// Everything that is not as it must be.
pub fn judge(expected: &Expected, seen: &Seen) -> Vec<String> {
    let tried = tried(&seen.lines);
    let (told, gets) = (&seen.told, gets(seen.kind, &seen.told));
    let mut wrong = Wrong(Vec::new());
    let cell = |tried: &str, status: u16, gets: &str| format!("{tried} {status} {gets}");
    wrong.unless_equal("the outcome", &cell(&expected.tried, expected.status, &expected.gets), &cell(&tried, told.status, &gets));
    log(&mut wrong, expected, seen, &tried);
    headers(&mut wrong, seen, &tried, &gets);
    words(&mut wrong, seen, &tried, &gets);
    attempts(&mut wrong, seen, &gets);
    learned(&mut wrong, &expected.learned, seen);
    others(&mut wrong, seen, &tried);
    wrong.0
}

struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.0.push(complaint());
        }
    }

    fn unless_equal<T: PartialEq + std::fmt::Debug + ?Sized>(&mut self, what: &str, expected: &T, seen: &T) {
        self.unless(expected == seen, || format!("{what}: expected {expected:?}, seen {seen:?}"));
    }
}

fn failures(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| line.message == "upstream failed")
}

fn finished(lines: &[Line]) -> &Line {
    lines.iter().find(|line| line.message == "finished").expect("was waited for")
}

/// The providers that failed, then the one that answered.
fn tried(lines: &[Line]) -> String {
    let last = finished(lines);
    let answered = matches!(last.field("outcome"), "ok" | "cut_off" | "given_back");
    failures(lines).map(|line| line.field("provider")).chain(answered.then(|| last.field("provider"))).collect()
}

/// In a word of the table, what the client got.
pub fn gets(kind: Kind, told: &Told) -> String {
    let error = serde_json::from_slice::<Value>(&told.body).ok().map(|body| body["error"].clone()).unwrap_or_default();
    if told.is_cut {
        return "cut".to_owned();
    }
    if told.status >= 300 {
        // Our own errors name every attempt.
        let is_own = error["message"].as_str().is_some_and(|message| message.contains("a/m-a"));
        return if is_own { error["code"].as_str().unwrap_or_default().to_owned() } else { "theirs".to_owned() };
    }
    if kind == Kind::Stream && events(&told.body).iter().any(|event| event.pointer("/error").is_some()) {
        return "event".to_owned();
    }
    if text(told).is_empty() { "empty".to_owned() } else { "whole".to_owned() }
}

/// The data of each event; the terminator as text. Written apart from the product's own reader.
fn events(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    let all = text.split("\n\n").map(data).filter(|data| !data.is_empty());
    all.map(|data| serde_json::from_str(&data).unwrap_or(Value::String(data))).collect()
}

/// What the answer says.
pub fn text(told: &Told) -> String {
    let body = &told.body;
    if told.header("content-type").starts_with("text/event-stream") && !body.starts_with(b"{") {
        // Clients stop at the terminator, whatever follows.
        let chunks: Vec<Value> = events(body).into_iter().take_while(|event| event != "[DONE]").collect();
        return chunks.iter().filter_map(|chunk| chunk.pointer("/choices/0/delta/content")?.as_str()).collect();
    }
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let places = ["/choices/0/message/content", "/model", "/text"];
    let place = if value["object"] == "list" { &places[1..2] } else { &places[..] };
    place
        .iter()
        .filter(|place| **place != "/model" || value["object"] == "list")
        .filter_map(|place| value.pointer(place)?.as_str())
        .collect()
}

/// The request's last line tells the same as the client was told.
fn log(wrong: &mut Wrong, expected: &Expected, seen: &Seen, tried: &str) {
    let last = finished(&seen.lines);
    let outcome = match &*expected.gets {
        "whole" | "empty" => "ok",
        "event" | "cut" => "cut_off",
        "theirs" if tried.len() > failures(&seen.lines).count() => "given_back",
        "upstream_timeout" => "upstream_timeout",
        "no_upstream_available" => "unavailable",
        _ => "upstream_error",
    };
    let usage = if last.field("tokens_are").is_empty() { "none" } else { last.field("tokens_are") };
    wrong.unless_equal("the log's outcome", outcome, last.field("outcome"));
    wrong.unless_equal("usage", &*expected.usage, usage);
    wrong.unless_equal("the log's status", &*seen.told.status.to_string(), last.field("status"));
    wrong.unless_equal("the log's attempts", &*tried.len().to_string(), last.field("attempts"));
}

/// The reply names who answered and every attempt, and nothing that is not the client's.
fn headers(wrong: &mut Wrong, seen: &Seen, tried: &str, gets: &str) {
    let told = &seen.told;
    if !tried.is_empty() {
        wrong.unless_equal("x-llmgw-attempts", &*tried.len().to_string(), told.header("x-llmgw-attempts"));
    }
    if tried.len() > failures(&seen.lines).count() {
        wrong.unless_equal("x-llmgw-provider", &tried[tried.len() - 1..], told.header("x-llmgw-provider"));
    }
    let everything = format!("{:?}{}", told.headers, String::from_utf8_lossy(&told.body));
    for secret in [UPSTREAM_KEY, ELSEWHERE] {
        wrong.unless(!everything.contains(secret), || format!("{secret} reaches the client"));
    }
    wrong.unless(!told.headers.contains_key("location"), || "a redirect reaches the client".to_owned());
    if matches!(told.status, 502 | 504) && gets != "theirs" {
        wrong.unless_equal("x-should-retry", "false", told.header("x-should-retry"));
    }
}

/// Each text comes once and from one upstream.
fn words(wrong: &mut Wrong, seen: &Seen, tried: &str, gets: &str) {
    let text = text(&seen.told);
    let said = if tried.ends_with('b') { HEALTHY } else { FAULTY };
    match gets {
        "whole" => wrong.unless_equal("the text", said, &*text),
        "empty" => wrong.unless_equal("the text", "", &*text),
        "event" => {
            let is_last = events(&seen.told.body).last().is_some_and(|last| last.pointer("/error").is_some());
            wrong.unless(said.starts_with(&*text) || NINE == text, || format!("the text: {text:?} is no beginning of {said:?}"));
            wrong.unless(is_last, || "something follows the error".to_owned());
        }
        "theirs" => wrong.unless(seen.sent.ends_with(&seen.told.body), || "the body is not as it was sent".to_owned()),
        _ => {}
    }
}

/// An error of our own names every attempt in its order.
fn attempts(wrong: &mut Wrong, seen: &Seen, gets: &str) {
    if matches!(gets, "whole" | "empty" | "event" | "cut" | "theirs") {
        return;
    }
    let body = serde_json::from_slice::<Value>(&seen.told.body).unwrap_or_default();
    let mut rest = body["error"]["message"].as_str().unwrap_or_default();
    for line in failures(&seen.lines) {
        let status = match line.field("status") {
            "" => String::new(),
            status => format!("{status}: "),
        };
        let named = format!("{}/{}: {status}{}", line.field("provider"), line.field("upstream_model"), line.field("reason"));
        match rest.split_once(&named) {
            Some((_, after)) => rest = after,
            None => wrong.0.push(format!("`{named}` is not named in {body}")),
        }
    }
}

/// What health knows of `a` now.
fn learned(wrong: &mut Wrong, expected: &str, seen: &Seen) {
    let account = &seen.status.providers[0];
    let Some(model) = account.upstreams.first() else { return wrong.0.push("a's model was never used".to_owned()) };
    let was_cooling = seen.situation == Situation::Cooling;
    let before = if was_cooling { COOLED } else { 0 };
    let facts = facts(account, model);
    let (word, wait) = expected.split_once(' ').unwrap_or((expected, ""));
    let is_ok = model.state == "closed";
    let holds = match word {
        "good" => is_ok && (model.failures, account.failures) == (0, 0) && (was_cooling || model.success_rate == Some(1.0)),
        "nothing" => {
            is_ok != was_cooling
                && (model.failures, account.failures) == (before, 0)
                && (seen.is_warm || was_cooling || model.success_rate.is_none())
        }
        // A rest was over, and what was counted is not forgotten yet.
        "stopped" => is_ok && (model.failures, account.failures) == (before, 0),
        "model" | "broke" => is_ok != was_cooling && (model.failures, account.failures) == (before + 1, 0),
        "provider" => (model.failures, account.failures, account.credentials.resting) == (before, 1, 0),
        "key" => (model.failures, account.failures, account.credentials.resting) == (before, 1, 1),
        "limit" => !is_ok && (model.failures, account.failures) == (before + 1, 0),
        other => panic!("{other} is no word for what health learned"),
    };
    wrong.unless(holds, || format!("health: expected `{expected}`, seen {facts}"));
    if word == "limit" {
        limited(wrong, wait, seen, model);
    }
}

/// `wait`: the seconds that the upstream asked for, as they are heeded; empty if it asked for nothing sensible.
fn limited(wrong: &mut Wrong, wait: &str, seen: &Seen, model: &UpstreamStatus) {
    let asked: Option<f64> = (!wait.is_empty()).then(|| wait.parse().expect("seconds"));
    let (at_most, left) = (asked.unwrap_or(20.0), model.cooldown_left_seconds);
    let longest = if seen.situation == Situation::Cooling { at_most.max(10.0) } else { at_most };
    // A slow machine has used up some of it; a date has whole seconds.
    wrong.unless(left <= longest && left >= at_most - 15.0, || format!("the wait: expected {at_most} s, seen {left} s"));
    if seen.told.status == 429 {
        // Rounded up; a date may have lost a second since.
        let told = seen.told.header("retry-after").parse::<f64>().ok();
        let fits = asked.zip(told).is_some_and(|(asked, told)| told <= asked.ceil() && told >= asked - 2.0);
        wrong.unless(fits || asked.is_none() && told.is_none(), || format!("retry-after: expected {asked:?}, seen {told:?}"));
    }
}

fn facts(account: &ProviderStatus, model: &UpstreamStatus) -> String {
    format!(
        "model: {}, {} failures, success {:?}; provider: {} failures, {} keys resting",
        model.state, model.failures, model.success_rate, account.failures, account.credentials.resting
    )
}

/// Nobody else is hurt, nobody is asked more often than is named, nothing is held.
fn others(wrong: &mut Wrong, seen: &Seen, tried: &str) {
    let times = |letter| tried.matches(letter).count();
    if let Some(at_a) = seen.at_a {
        // A dead pooled connection is replaced once, and what HTTP/2 turned away is sent again once, which is no attempt.
        let replaced = if seen.turns_away { times('a') } else { usize::from(seen.is_warm) };
        wrong.unless((times('a')..=times('a') + replaced).contains(&at_a), || {
            format!("{at_a} requests reached a, {} are named", times('a'))
        });
    }
    wrong.unless_equal("requests that reached b", &times('b'), &seen.at_b);
    let b = &seen.status.providers[1];
    let failures: u32 = b.upstreams.iter().map(|model| model.failures).sum::<u32>() + b.failures;
    let before = if seen.situation == Situation::Cooling { COOLED } else { 0 };
    wrong.unless_equal("b's failures", &before, &failures);
    let held = seen.status.providers.iter().map(|provider| provider.in_flight).sum::<u32>() + seen.status.in_flight as u32;
    wrong.unless_equal("requests in flight", &0, &held);
}
