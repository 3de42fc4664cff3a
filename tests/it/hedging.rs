//! A silent stream gets company: the first to speak wins, the other is given up, and nothing is left behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use llmgw::engine::{Error, Reply};
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::gateway::{
    Answer, Behaviour, Gateway, TWO_ROUTES, content, done, events, finish, frame, hangs, in_turn, json_reply, question, refuses, role,
    said, says, status, text,
};

const NAMES: [&str; 2] = ["a", "b"];

/// Two routes, a hedge after a second, and these keys of `routing`.
fn config(routing: &str) -> String {
    format!("{TWO_ROUTES}routing: {{ hedge_after: 1s, {routing} }}\n")
}

fn gateway(routing: &str, a: Behaviour, b: Behaviour) -> Gateway {
    Gateway::with(&config(routing)).upstream("a", a).upstream("b", b).start()
}

/// Answers `behaviour`'s way, after so many milliseconds.
fn late(milliseconds: u64, behaviour: Behaviour) -> Behaviour {
    Arc::new(move |request, count| match behaviour(request, count) {
        Answer::Reply(after, status, headers, steps) => Answer::Reply(after + Duration::from_millis(milliseconds), status, headers, steps),
        other => other,
    })
}

/// A stream that begins at once, says nothing for so many milliseconds, and then `words`.
fn hesitates(milliseconds: u64, words: &'static str) -> Behaviour {
    Arc::new(move |_, _| {
        let pause = Step::Wait(Duration::from_millis(milliseconds));
        events(vec![role(), pause, content(words), finish("stop"), done()])
    })
}

/// Fails with a connection that breaks off after so many milliseconds.
fn breaks(milliseconds: u64) -> Behaviour {
    Arc::new(move |_, _| {
        let pause = Step::Wait(Duration::from_millis(milliseconds));
        events(vec![pause, Step::Fail(TransportError::Broken("reset".to_owned()))])
    })
}

/// Who answered, at which attempt, and with what.
async fn outcome(answered: Result<Reply, Error>) -> (String, u32, String) {
    let reply = answered.expect("an answer");
    let (provider, attempts) = (reply.trace.provider.clone(), reply.trace.attempts);
    (provider, attempts, said(&text(reply).await.expect("whole")))
}

/// Requests that each upstream received and answers of it that were given up, once nothing is in flight any more.
fn left(gateway: &Gateway) -> [(usize, usize); 2] {
    assert_eq!((gateway.in_flight(), gateway.engine.in_flight()), (0, 0));
    NAMES.map(|name| (gateway.received(name), gateway.given_up(name)))
}

#[tokio::test(start_paused = true)]
async fn the_second_wins_where_the_first_is_silent() {
    for silent in [hangs(), hesitates(60_000, "甲"), late(60_000, says("甲"))] {
        let gateway = gateway("", silent, says("乙"));
        let begun = Instant::now();
        let reply = gateway.stream("gpt-4").await.expect("an answer");
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        // The loser is cancelled before the winner's answer is read.
        assert_eq!((gateway.given_up("a"), gateway.in_flight()), (1, 1));
        assert_eq!(outcome(Ok(reply)).await, ("b".to_owned(), 2, "乙".to_owned()));
        assert_eq!(left(&gateway), [(1, 1), (1, 0)]);
        assert!(gateway.engine.health().providers["a"], "slow is not broken");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_wins_where_it_speaks_first_after_all() {
    for second in [hangs(), hesitates(60_000, "乙")] {
        let gateway = gateway("", hesitates(1500, "甲"), second);
        let begun = Instant::now();
        assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("a".to_owned(), 2, "甲".to_owned()));
        assert_eq!(begun.elapsed(), Duration::from_millis(1500));
        assert_eq!(left(&gateway), [(1, 0), (1, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_speaks_in_time_stays_alone() {
    let gateway = gateway("", hesitates(999, "甲"), says("乙"));
    assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("a".to_owned(), 1, "甲".to_owned()));
    assert_eq!(left(&gateway), [(1, 0), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn where_one_of_the_two_fails_the_other_goes_on() {
    let gateway1 = gateway("", breaks(1500), hesitates(2000, "乙"));
    assert_eq!(outcome(gateway1.stream("gpt-4").await).await, ("b".to_owned(), 2, "乙".to_owned()));
    assert_eq!(left(&gateway1), [(1, 0), (1, 0)]);
    assert!(gateway1.engine.status().providers[0].last_error.as_deref().expect("a failure").contains("reset"));

    let gateway2 = gateway("", hesitates(3000, "甲"), status(500));
    assert_eq!(outcome(gateway2.stream("gpt-4").await).await, ("a".to_owned(), 2, "甲".to_owned()));
    assert_eq!(left(&gateway2), [(1, 0), (1, 0)]);
    assert!(gateway2.engine.status().providers[1].last_error.as_deref().expect("a failure").contains("upstream says 500"));
}

#[tokio::test(start_paused = true)]
async fn where_both_fail_the_loop_goes_on_and_names_them_all() {
    let gateway1 = gateway("", in_turn(vec![breaks(1500), says("甲")]), breaks(1000));
    assert_eq!(outcome(gateway1.stream("gpt-4").await).await, ("a".to_owned(), 3, "甲".to_owned()));
    assert_eq!(left(&gateway1), [(2, 0), (1, 0)]);

    let gateway2 = gateway("max_attempts: 2", breaks(1500), status(503));
    let error = gateway2.stream("gpt-4").await.err().expect("an error");
    let named: Vec<String> = error.attempts().iter().map(ToString::to_string).collect();
    assert_eq!(named, ["b/m-b: 503: upstream says 503", "a/m-a: 200: response broke off: reset"]);
    assert_eq!((error.status().as_u16(), left(&gateway2)), (502, [(1, 0), (1, 0)]));
}

#[tokio::test(start_paused = true)]
async fn a_request_adds_one_failure_to_each_of_the_two() {
    let cooldown = "cooldown: { failures: 2, for: 60s }, max_attempts: 4, backoff: { initial: 10ms, max: 10ms }";
    let gateway = gateway(cooldown, breaks(1500), breaks(1500));
    assert!(gateway.stream("gpt-4").await.is_err());
    let explained = gateway.engine.explain("gpt-4").await.expect("a plan");
    assert!(explained.skipped.is_empty(), "{:?}", explained.skipped);
    assert_eq!(left(&gateway), [(2, 0), (2, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_second_dislikes_of_the_request_the_first_may_yet_answer() {
    let slow = gateway("", late(5000, says("甲")), status(400));
    assert_eq!(outcome(slow.stream("gpt-4").await).await, ("a".to_owned(), 2, "甲".to_owned()));
    assert_eq!(left(&slow), [(1, 0), (1, 0)]);

    let failing = gateway("", breaks(5000), status(400));
    let reply = failing.stream("gpt-4").await.expect("an answer");
    assert_eq!((reply.status, &*reply.trace.provider), (StatusCode::BAD_REQUEST, "b"));
    assert!(text(reply).await.expect("whole").contains("upstream says 400"));
    assert_eq!(left(&failing), [(1, 0), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_mistake_that_the_first_finds_ends_the_race() {
    let gateway = gateway("", late(2000, status(400)), hangs());
    let reply = gateway.stream("gpt-4").await.expect("an answer");
    assert_eq!((reply.status, &*reply.trace.provider), (StatusCode::BAD_REQUEST, "a"));
    drop(reply);
    assert_eq!(left(&gateway), [(1, 0), (1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_hedged_once() {
    let three = config("max_attempts: 0")
        .replace("models:\n  gpt-4", "  - { name: c, base_url: \"http://c.test/v1\", models: [m-c], priority: 3 }\nmodels:\n  gpt-4")
        .replace("priority: 2 }\nrouting", "priority: 2 }\n      - { provider: c, model: m-c, priority: 3 }\nrouting");
    let gateway =
        Gateway::with(&three).upstream("a", breaks(4000)).upstream("b", breaks(5000)).upstream("c", hesitates(5000, "丙")).start();
    let begun = Instant::now();
    assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("c".to_owned(), 3, "丙".to_owned()));
    // `a` fails after 4 s, `b` beside it after 6 s, and only then `c` gets its turn.
    assert_eq!(begun.elapsed().as_secs(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_tried_later_is_hedged_too() {
    let three = config("max_attempts: 3")
        .replace("models:\n  gpt-4", "  - { name: c, base_url: \"http://c.test/v1\", models: [m-c], priority: 3 }\nmodels:\n  gpt-4")
        .replace("priority: 2 }\nrouting", "priority: 2 }\n      - { provider: c, model: m-c, priority: 3 }\nrouting");
    let gateway = Gateway::with(&three).upstream("a", refuses()).upstream("b", hangs()).upstream("c", says("丙")).start();
    let begun = Instant::now();
    assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("c".to_owned(), 3, "丙".to_owned()));
    assert_eq!((begun.elapsed().as_secs(), gateway.given_up("b"), gateway.in_flight()), (1, 1, 0));
}

/// Asks while `a` hangs; whether `b` was started beside it.
async fn is_hedged(gateway: &Gateway) -> bool {
    let before = gateway.received("b");
    drop(tokio::time::timeout(Duration::from_millis(1500), gateway.stream("gpt-4")).await);
    gateway.received("b") > before
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_a_minutes_requests_is_hedged_at_most() {
    let gateway = gateway("", hangs(), hangs());
    let mut hedged = Vec::new();
    for number in 1..=35 {
        if is_hedged(&gateway).await {
            hedged.push(number);
        }
    }
    // 1.5 s each: the first is allowed in any case, and from the 20th on two of them; the first is forgotten after a minute.
    assert_eq!(hedged, [1, 20, 30]);
    advance(Duration::from_secs(60)).await;
    assert!(is_hedged(&gateway).await && !is_hedged(&gateway).await);
    assert_eq!(gateway.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_no_second_attempt_can_be_had_the_first_stays_alone() {
    let rests = "cooldown: { failures: 1, for: 1000s, max: 1000s }";
    let one_route = config("").replace("      - { provider: b, model: m-b, priority: 2 }\n", "");
    let full = config("").replace("models: [m-b]", "models: [m-b], max_in_flight: 1");
    let cases = [("one attempt", config("max_attempts: 1")), ("one route", one_route), ("resting", config(rests)), ("full", full)];
    for (case, config) in cases {
        let b = in_turn(vec![if case == "resting" { status(500) } else { hesitates(0, "乙") }, says("乙")]);
        let gateway = Gateway::with(&config).upstream("a", hesitates(5000, "甲")).upstream("b", b).start();
        let held = gateway.stream("b/m-b").await;
        assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("a".to_owned(), 1, "甲".to_owned()), "{case}");
        assert_eq!(gateway.received("b"), 1, "{case}");
        drop(held);
        assert_eq!(gateway.in_flight(), 0, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_full_for_the_moment_keeps_its_turn() {
    let full = config("").replace("models: [m-b]", "models: [m-b], max_in_flight: 1");
    let gateway = Gateway::with(&full).upstream("a", breaks(5000)).upstream("b", in_turn(vec![says("占"), says("乙")])).start();
    let mut answer = Box::pin(gateway.stream("gpt-4"));
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut answer).await.is_err());
    // `b` is taken when it would be started beside `a`, and free again when `a` has failed.
    let held = gateway.stream("b/m-b").await;
    assert!(tokio::time::timeout(Duration::from_secs(3), &mut answer).await.is_err());
    drop(held);
    assert_eq!(outcome(answer.await).await, ("b".to_owned(), 2, "乙".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_beside_a_silent_stream_is_given_back_when_it_loses() {
    let gateway = gateway("cooldown: { failures: 1, for: 10s }", hesitates(2000, "甲"), in_turn(vec![status(500), hangs(), says("乙")]));
    assert!(gateway.stream("b/m-b").await.is_err());
    advance(Duration::from_secs(11)).await;
    assert_eq!(outcome(gateway.stream("gpt-4").await).await, ("a".to_owned(), 2, "甲".to_owned()));
    assert_eq!(outcome(gateway.stream("b/m-b").await).await, ("b".to_owned(), 1, "乙".to_owned()), "the probe is free again");
}

#[tokio::test(start_paused = true)]
async fn only_free_streams_are_hedged() {
    let gateway = gateway("", hesitates(5000, "甲"), says("乙"));
    let mut body = question("gpt-4");
    body["stream"] = Value::Bool(true);
    let mut bound = body.clone();
    bound["messages"][0]["content"] = json!([{ "type": "file", "file": { "file_id": "file-1" } }]);
    let mut continued = body.clone();
    continued["previous_response_id"] = json!("resp_1");
    for body in [bound, continued] {
        assert_eq!(outcome(gateway.engine.chat(gateway.job(&body)).await).await.0, "a", "{body}");
    }
    let mut once = gateway.job(&body);
    once.headers.insert("idempotency-key", HeaderValue::from_static("k"));
    assert_eq!(outcome(gateway.engine.chat(once).await).await.0, "a");
    assert_eq!(gateway.received("b"), 0);
    assert_eq!(outcome(gateway.engine.chat(gateway.job(&body)).await).await.0, "b");

    let slow: Behaviour = late(5000, Arc::new(|_, _| json_reply(200, &json!({ "choices": [{ "message": { "content": "甲" } }] }))));
    let gateway = Gateway::with(&config("")).upstream("a", slow).upstream("b", says("乙")).start();
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "a");
    assert_eq!(gateway.received("b"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_both() {
    let cooldown = "deadline: 10s, cooldown: { failures: 1, for: 60s }";
    let gateway = gateway(cooldown, hangs(), hesitates(60_000, "乙"));
    let begun = Instant::now();
    let error = gateway.stream("gpt-4").await.err().expect("an error");
    assert_eq!((error.code(), error.attempts().len(), begun.elapsed().as_secs()), ("upstream_timeout", 2, 10));
    assert_eq!(left(&gateway), [(1, 1), (1, 1)]);
    assert!(gateway.engine.health().providers.values().all(|is_well| *is_well), "the deadline was ours");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_both() {
    let gateway = gateway("", hangs(), hangs());
    assert!(is_hedged(&gateway).await);
    assert_eq!(left(&gateway), [(1, 1), (1, 1)]);
}

/// What is logged while `run` runs, a line each.
async fn logged(run: impl Future<Output = ()>) -> Vec<Value> {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let output = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || output.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    run.await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn line<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(message))).expect(message)
}

#[tokio::test(start_paused = true)]
async fn what_the_loser_used_is_recorded_as_waste() {
    // Nothing heard: the prompt, estimated from its size.
    let lines = logged(async {
        outcome(gateway("", hangs(), says("乙")).stream("gpt-4").await).await;
    })
    .await;
    let (hedge, loser, finished) = (line(&lines, "starting the next"), line(&lines, "given up"), line(&lines, "finished"));
    assert_eq!((&hedge["silent"], &hedge["beside"]), (&json!("a/m-a"), &json!("b/m-b")));
    assert_eq!((&loser["provider"], &loser["upstream_model"], &loser["took_ms"]), (&json!("a"), &json!("m-a"), &json!(1000.0)));
    assert_eq!((&finished["provider"], &finished["hedged"], &finished["wasted_provider"]), (&json!("b"), &json!(true), &json!("a")));
    assert!((10..30).contains(&finished["wasted_input_tokens"].as_u64().expect("a number")), "{finished}");
    assert_eq!(finished["wasted_tokens_are"], "estimated");

    // What it reported before its first content.
    let early = frame(r#"{"choices":[{"delta":{"role":"assistant","content":""}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#);
    let early = Mutex::new(Some(vec![early, Step::Hang]));
    let reports: Behaviour = Arc::new(move |_, _| events(early.lock().expect("no panic").take().expect("asked once")));
    let lines = logged(async {
        outcome(gateway("", reports, says("乙")).stream("gpt-4").await).await;
    })
    .await;
    let finished = line(&lines, "finished");
    assert_eq!((&finished["wasted_input_tokens"], &finished["wasted_output_tokens"]), (&json!(7), &json!(1)));
    assert_eq!(finished["wasted_tokens_are"], "reported");

    // Nobody lost.
    let lines = logged(async {
        outcome(gateway("", says("甲"), says("乙")).stream("gpt-4").await).await;
    })
    .await;
    let finished = line(&lines, "finished");
    assert!(finished.get("hedged").is_none() && finished.get("wasted_provider").is_none(), "{finished}");
}

/// What an upstream may do, with two pauses in milliseconds, and whether a request to it alone would be answered.
fn anything((head, pause, what): (u64, u64, u8), words: &'static str) -> (Behaviour, bool) {
    let overloaded: Behaviour = Arc::new(|_, _| events(vec![role(), frame(r#"{"error":{"message":"overloaded"}}"#)]));
    match what {
        0..3 => (late(head, hesitates(pause, words)), true),
        3 => (late(head, breaks(pause)), false),
        4 => (late(head, status(503)), false),
        5 => (late(head, overloaded), false),
        6 => (refuses(), false),
        _ => (hangs(), false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_two_upstreams_do_the_client_gets_one_whole_answer_or_one_error(
        a in (0u64..4000, 0u64..4000, 0u8..8),
        b in (0u64..4000, 0u64..4000, 0u8..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(one_whole_answer_or_one_error(anything(a, "甲"), anything(b, "乙")));
    }
}

async fn one_whole_answer_or_one_error((a, is_good_a): (Behaviour, bool), (b, is_good_b): (Behaviour, bool)) {
    let config = config("").replace("models: [m-a]", "models: [m-a], timeout: { first_byte: 5s, first_content: 9s }");
    let gateway = Gateway::with(&config).upstream("a", a).upstream("b", b).start();
    let answered = gateway.stream("gpt-4").await;
    assert_eq!(answered.is_ok(), is_good_a || is_good_b);
    match answered {
        Ok(reply) => {
            let (provider, attempts) = (reply.trace.provider.clone(), reply.trace.attempts as usize);
            let stream = text(reply).await.expect("whole");
            assert_eq!(said(&stream), if provider == "a" { "甲" } else { "乙" });
            assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
            assert_eq!(gateway.received("a") + gateway.received("b"), attempts);
        }
        Err(error) => assert_eq!(error.attempts().len(), 3),
    }
    left(&gateway);
}
