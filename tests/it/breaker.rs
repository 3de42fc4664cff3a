//! The breaker's rules end to end: what sends an upstream to rest, what does not, and what brings it back.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use llmgw::engine::report::UpstreamStatus;
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use serde_json::json;

use crate::gateway::{Answer, Behaviour, Gateway, TWO_ROUTES, content, done, events, finish, frame, in_turn, says, status, text};

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

/// What is known of the only model of `a` that was used.
fn of_a(gateway: &Gateway) -> UpstreamStatus {
    gateway.engine.status().providers[0].upstreams[0].clone()
}

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
