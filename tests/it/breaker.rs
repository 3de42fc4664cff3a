//! The breaker's rules end to end: what sends an upstream to rest, what does not, and what brings it back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http_body_util::BodyExt;
use llmgw::engine::report::{ProviderStatus, UpstreamStatus};
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use serde_json::json;

use crate::gateway::{
    Answer, Behaviour, Gateway, TWO_ROUTES, content, done, events, finish, frame, hangs, in_turn, json_reply, refuses, says, status, text,
    with_headers,
};

/// `a` and `b` with this in their routing.
fn two(routing: &str) -> String {
    format!("{TWO_ROUTES}routing: {{ {routing} }}\n")
}

/// Starts over `a`, which does as told, and a `b` that always answers.
fn start(config: &str, a: Behaviour) -> Gateway {
    Gateway::with(config).upstream("a", a).upstream("b", says("好")).start()
}

/// Always a stream that goes on like this after its first content.
fn begins_and(ending: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Behaviour {
    Arc::new(move |_, _| events([content("你")].into_iter().chain(ending()).collect()))
}

fn reset() -> Vec<Step> {
    vec![Step::Fail(TransportError::Broken("重置".to_owned()))]
}

/// Asks `gpt-4` for a stream and reads it to its end; who answered.
async fn streamed(gateway: &Gateway) -> String {
    let reply = gateway.stream("gpt-4").await.expect("an answer");
    let provider = reply.trace.provider.clone();
    text(reply).await.expect("a cleanly ended body");
    provider
}

/// What is known of `a`.
fn provider_a(gateway: &Gateway) -> ProviderStatus {
    gateway.engine.status().providers[0].clone()
}

/// What is known of the only model of `a` that was used.
fn of_a(gateway: &Gateway) -> UpstreamStatus {
    provider_a(gateway).upstreams[0].clone()
}

/// Asks `gpt-4`; who answered, if anybody did.
async fn asked(gateway: &Gateway) -> Option<String> {
    gateway.ask("gpt-4").await.ok().map(|reply| reply.trace.provider)
}

/// 429 with this wait.
fn limited(retry_after: &'static str) -> Behaviour {
    Arc::new(move |_, _| with_headers(429, vec![("retry-after", retry_after.to_owned())], &json!({ "error": { "message": "慢一点" } })))
}

/// As `behaviour`, but so much later.
fn later(by: Duration, behaviour: Behaviour) -> Behaviour {
    Arc::new(move |request, count| match behaviour(request, count) {
        Answer::Reply(after, status, headers, body) => Answer::Reply(after + by, status, headers, body),
        other => other,
    })
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_upstream_that_breaks_its_streams_off_rests_after_so_many() {
    let overloaded = || vec![frame(r#"{"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}"#)];
    let endings: [fn() -> Vec<Step>; 4] = [reset, || vec![Step::Hang], Vec::new, overloaded];
    for ending in endings {
        let case = format!("{:?}", ending());
        let gateway = start(&two("cooldown: { failures: 2, for: 10s, max: 60s }"), begins_and(ending));
        assert_eq!([streamed(&gateway).await, streamed(&gateway).await], ["a", "a"], "{case}");
        let known = of_a(&gateway);
        assert_eq!((known.failures, known.success_rate), (2, Some(0.0)), "{case}");
        assert!(known.last_error.is_some() && known.cooldown_left_seconds > 9.0, "{case}: {known:?}");
        assert_eq!(streamed(&gateway).await, "b", "{case}");
        // Back on parole: one more is enough, and its rest is longer.
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!([streamed(&gateway).await, streamed(&gateway).await], ["a", "b"], "{case}");
        assert!(of_a(&gateway).cooldown_left_seconds > 19.0, "{case}: {:?}", of_a(&gateway));
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_between_broken_ones_forgives_them() {
    let whole: Behaviour = Arc::new(|_, _| events(vec![content("好"), finish("stop"), done()]));
    let broken = || begins_and(reset);
    let gateway = start(&two("cooldown: { failures: 2, for: 10s, max: 60s }"), in_turn(vec![broken(), whole, broken(), broken()]));
    for expected in [1, 0, 1, 2] {
        assert_eq!(streamed(&gateway).await, "a");
        assert_eq!(of_a(&gateway).failures, expected);
    }
    assert_eq!(of_a(&gateway).success_rate, Some(0.25));
}

#[tokio::test(start_paused = true)]
async fn an_answer_cut_by_its_client_by_us_or_for_its_request_hurts_nobody() {
    let one = "cooldown: { failures: 1, for: 10s, max: 60s }";
    let blamed = || vec![frame(r#"{"error":{"message":"不行","code":"content_filter"}}"#)];
    let gateway = start(&two(one), begins_and(blamed));
    assert_eq!([streamed(&gateway).await, streamed(&gateway).await], ["a", "a"]);
    assert_eq!((of_a(&gateway).failures, of_a(&gateway).success_rate), (0, None));

    let slow = || (0..100).flat_map(|_| [Step::Wait(Duration::from_secs(1)), content("慢")]).collect();
    let limited = two(one).replace("models: [m-a]", "models: [m-a], timeout: { stream: 5s }");
    let gateway = start(&limited, begins_and(slow));
    assert_eq!([streamed(&gateway).await, streamed(&gateway).await], ["a", "a"]);
    assert_eq!((of_a(&gateway).failures, of_a(&gateway).success_rate), (0, None));

    let gateway = start(&two(one), begins_and(|| vec![Step::Hang]));
    for _ in 0..2 {
        let mut reply = gateway.stream("gpt-4").await.expect("an answer");
        reply.body.frame().await.expect("a frame").expect("no error");
        assert_eq!(reply.trace.provider, "a");
    }
    assert_eq!((of_a(&gateway).failures, of_a(&gateway).success_rate), (0, None));
}

#[tokio::test(start_paused = true)]
async fn one_request_adds_one_failure_even_if_it_fails_before_and_within_its_answer() {
    let config = two("cooldown: { failures: 3, for: 10s, max: 60s }, max_attempts: 2")
        .replace("      - { provider: b, model: m-b, priority: 2 }\n", "");
    let gateway = start(&config, in_turn(vec![status(500), begins_and(reset)]));
    assert_eq!(streamed(&gateway).await, "a");
    assert_eq!((gateway.received("a"), of_a(&gateway).failures, of_a(&gateway).success_rate), (2, 1, Some(0.0)));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_any_other_kind_counts_as_it_ends_too() {
    let image = |whole: bool| -> Behaviour {
        Arc::new(move |_, _| {
            let mut steps = vec![Step::Send("半".into())];
            steps.extend(if whole { Vec::new() } else { reset() });
            Answer::Reply(Duration::ZERO, http::StatusCode::OK, vec![("content-type", "image/png".to_owned())], steps)
        })
    };
    let gateway = start(TWO_ROUTES, in_turn(vec![image(false), image(true)]));
    for (cut, failures) in [(true, 1), (false, 0)] {
        let job = gateway.engine.job(llmgw::hub::Endpoint::ImageGenerations, json!({ "model": "gpt-4", "prompt": "猫" }).to_string());
        assert_eq!(text(gateway.engine.chat(job).await.expect("an answer")).await.is_err(), cut);
        assert_eq!(of_a(&gateway).failures, failures);
    }
    assert_eq!(of_a(&gateway).success_rate, Some(0.5));
}

#[tokio::test(start_paused = true)]
async fn it_takes_so_many_failures_in_a_row() {
    let behaviour = in_turn([500, 503, 200, 500, 500, 500].map(|code| if code == 200 { says("好") } else { status(code) }).to_vec());
    let gateway = start(&two("cooldown: { failures: 3, for: 10s, max: 60s }"), behaviour);
    for failures in [1, 2, 0, 1, 2, 3] {
        asked(&gateway).await;
        assert_eq!(of_a(&gateway).failures, failures);
    }
    assert_eq!((of_a(&gateway).state, gateway.received("a")), ("cooling", 6));
    assert_eq!((asked(&gateway).await.as_deref(), gateway.received("a")), (Some("b"), 6));
}

#[tokio::test(start_paused = true)]
async fn a_rest_doubles_with_every_failed_probe_up_to_its_maximum_and_begins_anew_after_an_answer() {
    let mut behaviours = vec![status(500); 6];
    behaviours.extend([says("好"), status(500)]);
    let gateway = start(&two("cooldown: { failures: 1, for: 10s, max: 60s }"), in_turn(behaviours));
    for (probes, seconds) in [10_u32, 20, 40, 60, 60, 60].into_iter().enumerate() {
        assert_eq!((asked(&gateway).await.as_deref(), gateway.received("a")), (Some("b"), probes + 1));
        assert_eq!(of_a(&gateway).cooldown_left_seconds, f64::from(seconds));
        tokio::time::advance(Duration::from_secs(seconds.into()) - Duration::from_millis(1)).await;
        assert_eq!((asked(&gateway).await.as_deref(), gateway.received("a")), (Some("b"), probes + 1), "not a moment too soon");
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert_eq!(asked(&gateway).await.as_deref(), Some("a"));
    assert_eq!((of_a(&gateway).state, of_a(&gateway).failures), ("closed", 0));
    asked(&gateway).await;
    assert_eq!(of_a(&gateway).cooldown_left_seconds, 10.0);
}

#[tokio::test(start_paused = true)]
async fn without_a_cooldown_nothing_rests() {
    let gateway = start(&two("cooldown: null"), in_turn(vec![limited("60"), status(500), refuses(), status(401), status(500)]));
    for asked_before in 0..10 {
        assert_eq!(gateway.received("a"), asked_before);
        assert_eq!(asked(&gateway).await.as_deref(), Some("b"));
    }
    assert_eq!((of_a(&gateway).state, provider_a(&gateway).state), ("closed", "closed"));
    assert!(gateway.engine.health().providers["a"]);
}

#[tokio::test(start_paused = true)]
async fn neither_the_clients_mistakes_nor_our_own_limits_count() {
    let large: Behaviour = Arc::new(|_, _| json_reply(200, &json!({ "choices": [], "filler": "长".repeat(1000) })));
    let mut behaviours: Vec<Behaviour> = [400, 413, 422, 418, 403].map(status).to_vec();
    behaviours.extend([large, hangs()]);
    let asked_so_often = behaviours.len() + 2;
    let config = two("cooldown: { failures: 1, for: 10s }, max_attempts: 1, deadline: 30s") + "server: { max_response: 2kB }\n";
    let gateway = start(&config, in_turn(behaviours));
    for _ in 0..asked_so_often - 1 {
        asked(&gateway).await;
    }
    // The last one's client leaves before it is answered.
    assert!(gateway.ask("gpt-4").now_or_never().is_none());
    assert_eq!((gateway.received("a"), gateway.received("b")), (asked_so_often, 0));
    let (model, provider) = (of_a(&gateway), provider_a(&gateway));
    assert_eq!((model.state, model.failures, provider.state, provider.failures, provider.in_flight), ("closed", 0, "closed", 0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_request_adds_one_failure_to_each_upstream_however_often_it_tries() {
    let alone = |behaviour| {
        let config =
            two("cooldown: { failures: 2, for: 10s }, max_attempts: 4").replace("      - { provider: b, model: m-b, priority: 2 }\n", "");
        start(&config, behaviour)
    };
    let failing = alone(status(500));
    assert_eq!(asked(&failing).await, None);
    assert_eq!((failing.received("a"), of_a(&failing).failures), (4, 1));
    let absent = alone(refuses());
    assert_eq!(asked(&absent).await, None);
    assert_eq!((absent.received("a"), provider_a(&absent).failures, of_a(&absent).failures), (4, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_rests_at_once_for_as_long_as_it_asks_and_only_its_own_probe_ends_it_early() {
    let slow: Behaviour = Arc::new(|_, _| events(vec![content("慢"), Step::Wait(SECOND * 5), finish("stop"), done()]));
    let gateway =
        start(&two("cooldown: { failures: 3, for: 10s, max: 60s }"), in_turn(vec![slow, limited("30"), says("好"), limited("3600")]));
    let earlier = gateway.stream("gpt-4").await.expect("an answer");
    assert_eq!(asked(&gateway).await.as_deref(), Some("b"));
    assert_eq!(of_a(&gateway).cooldown_left_seconds, 30.0);
    text(earlier).await.expect("whole");
    assert_eq!(
        (of_a(&gateway).state, of_a(&gateway).cooldown_left_seconds),
        ("cooling", 25.0),
        "what was asked before knows nothing of it"
    );
    tokio::time::advance(SECOND * 25).await;
    assert_eq!(asked(&gateway).await.as_deref(), Some("a"));
    assert_eq!(of_a(&gateway).state, "closed");
    asked(&gateway).await;
    assert_eq!(of_a(&gateway).cooldown_left_seconds, 60.0, "no longer than the longest");
}

#[tokio::test(start_paused = true)]
async fn one_of_many_probes_and_a_probe_whose_client_leaves_is_free_again() {
    let behaviours = vec![status(500), later(SECOND * 2, says("好"))];
    let gateway = start(&two("cooldown: { failures: 1, for: 10s }"), in_turn(behaviours));
    asked(&gateway).await;
    tokio::time::advance(SECOND * 10).await;
    let mut leaving = Box::pin(gateway.ask("gpt-4"));
    assert!(leaving.as_mut().now_or_never().is_none());
    for _ in 0..20 {
        assert_eq!(asked(&gateway).await.as_deref(), Some("b"));
    }
    assert_eq!((of_a(&gateway).state, gateway.received("a")), ("probing", 2));
    drop(leaving);
    let probe = asked(&gateway);
    assert_eq!(probe.await.as_deref(), Some("a"));
    assert_eq!((of_a(&gateway).state, gateway.received("a")), ("closed", 3));
}

#[tokio::test(start_paused = true)]
async fn when_all_rest_the_one_nearest_to_recovery_is_asked_all_the_same() {
    let config = two("cooldown: { failures: 1, for: 10s, max: 60s }");
    let b = in_turn(vec![limited("20"), says("坏")]);
    let gateway = Gateway::with(&config).upstream("a", in_turn(vec![limited("40"), says("好")])).upstream("b", b).start();
    assert_eq!(asked(&gateway).await, None);
    assert_eq!((gateway.received("a"), gateway.received("b")), (1, 1));
    assert_eq!(asked(&gateway).await.as_deref(), Some("b"), "its rest is over first");
    assert_eq!(of_a(&gateway).cooldown_left_seconds, 40.0, "the other one rests on");
}

#[tokio::test(start_paused = true)]
async fn an_active_check_mends_connections_and_credentials_but_no_model_and_hurts_nobody() {
    let checked = |question: Behaviour, list: Behaviour| {
        let config = two("cooldown: { failures: 1, for: 300s, max: 300s }, health_check: { interval: 60s, timeout: 10s }");
        let a: Behaviour = Arc::new(
            move |request, count| if request.method() == http::Method::GET { list(request, count) } else { question(request, count) },
        );
        let lists: Behaviour = Arc::new(|_, _| json_reply(200, &json!({ "data": [] })));
        Gateway::with(&config).upstream("a", a).upstream("b", in_turn(vec![says("好"), lists])).start()
    };
    let lists = || -> Behaviour { Arc::new(|_, _| json_reply(200, &json!({ "data": [] }))) };
    let cases = [
        (refuses(), lists(), "closed"),
        (status(401), lists(), "closed"),
        (status(500), lists(), "cooling"),
        (limited("300"), lists(), "cooling"),
        (refuses(), refuses(), "cooling"),
        (refuses(), status(500), "cooling"),
        (refuses(), hangs(), "cooling"),
        (says("好"), refuses(), "closed"),
        (says("好"), hangs(), "closed"),
    ];
    for (case, (question, list, expected)) in cases.into_iter().enumerate() {
        let gateway = checked(question, list);
        gateway.engine.start_tasks();
        asked(&gateway).await;
        tokio::time::sleep(SECOND * 125).await;
        assert!(gateway.received("a") >= 2, "{case}: it was checked");
        assert_eq!(provider_a(&gateway).state, expected, "{case}");
    }
}
