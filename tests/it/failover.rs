//! What fails moves on, what is the client's goes back, and the reply says who answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use llmgw::engine::Error;
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::{Answer, Gateway, TWO_ROUTES, hangs, in_turn, json_reply, question, refuses, says, status, text, with_headers};

#[tokio::test(start_paused = true)]
async fn a_failing_route_hands_over_to_the_next() {
    for code in [401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 529] {
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", status(code)).upstream("b", says("好")).start();
        let reply = gateway.ask("gpt-4").await.expect("an answer");
        assert_eq!((reply.trace.provider.as_str(), reply.trace.attempts), ("b", 2), "{code}");
        assert!(text(reply).await.expect("whole").contains("好"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_clients_own_mistake_goes_back_as_it_is() {
    for code in [400, 413, 422, 418] {
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", status(code)).upstream("b", says("好")).start();
        let reply = gateway.ask("gpt-4").await.expect("an answer");
        assert_eq!((reply.status.as_u16(), reply.trace.provider.as_str()), (code, "a"));
        assert!(text(reply).await.expect("whole").contains("upstream says"));
        assert_eq!(gateway.received("b"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_models_name_changes_on_the_way() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", says("好")).upstream("b", says("好")).start();
    let body = "{ \"model\" : \"gpt-4\", \"messages\":[{\"role\":\"user\",\"content\":\"你\\u597d\"}],\"temperature\":1.00 }";
    gateway.engine.chat(gateway.engine.job(llmgw::hub::Endpoint::ChatCompletions, body)).await.expect("an answer");
    assert_eq!(gateway.last_body("a"), body.replace("gpt-4", "m-a"));
    assert_eq!(gateway.last_headers("a")["authorization"], "Bearer sk-aaaaaaaaaaaaaaaaaaaa");
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_is_left_after_its_time() {
    let config = TWO_ROUTES.replace("models: [m-a]", "models: [m-a], timeout: { first_byte: 3s, non_stream: 7s }");
    let gateway = Gateway::with(&config).upstream("a", hangs()).upstream("b", says("好")).start();
    let begun = Instant::now();
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "b");
    assert_eq!(begun.elapsed().as_secs(), 7);
    let begun = Instant::now();
    assert_eq!(gateway.stream("gpt-4").await.expect("an answer").trace.provider, "b");
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_every_attempt_is_named() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", status(500)).upstream("b", refuses()).start();
    let error = gateway.ask("gpt-4").await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.code(), error.should_retry()), (502, "upstream_error", Some(false)));
    // Three attempts by default: the third is `a` again, after a wait.
    let named: Vec<String> = error.attempts().iter().map(ToString::to_string).collect();
    assert_eq!(named, ["a/m-a: 500: upstream says 500", "b/m-b: cannot connect: connection refused", "a/m-a: 500: upstream says 500"]);
}

#[tokio::test(start_paused = true)]
async fn one_same_status_is_passed_on_with_its_shortest_wait() {
    let limited = |wait: &'static str| -> crate::gateway::Behaviour {
        Arc::new(move |_, _| {
            with_headers(
                429,
                vec![("retry-after", wait.to_owned())],
                &json!({ "error": { "message": "慢一点", "code": "rate_limit_exceeded" } }),
            )
        })
    };
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", limited("9")).upstream("b", limited("4")).start();
    let error = gateway.ask("gpt-4").await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.retry_after()), (429, Some(Duration::from_secs(4))));
    let Error::SameStatus { body: Some(body), .. } = error else { panic!("{error}") };
    assert!(String::from_utf8(body.to_vec()).expect("UTF-8").contains("慢一点"));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_never_a_raw_401() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", status(401)).upstream("b", status(402)).start();
    let error = gateway.ask("gpt-4").await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.code()), (502, "upstream_credentials_exhausted"));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempts_timeout_is_a_504() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", refuses()).upstream("b", hangs()).start();
    let config = TWO_ROUTES.to_owned() + "routing: { max_attempts: 2 }\n";
    gateway.reload(&config).expect("a good configuration");
    let error = gateway.ask("gpt-4").await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.code()), (504, "upstream_timeout"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_it_all() {
    let config = TWO_ROUTES.to_owned() + "routing: { deadline: 10s }\n";
    let gateway = Gateway::with(&config).upstream("a", hangs()).upstream("b", hangs()).start();
    let begun = Instant::now();
    assert_eq!(gateway.ask("gpt-4").await.err().expect("an error").code(), "upstream_timeout");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn one_attempt_means_one() {
    let config = TWO_ROUTES.to_owned() + "routing: { max_attempts: 1 }\n";
    let gateway = Gateway::with(&config).upstream("a", status(500)).upstream("b", says("好")).start();
    assert!(gateway.ask("gpt-4").await.is_err());
    assert_eq!((gateway.received("a"), gateway.received("b")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cooling_route_is_passed_over_until_its_probe() {
    let config = TWO_ROUTES.to_owned() + "routing: { cooldown: { failures: 1, for: 10s, max: 60s } }\n";
    let gateway = Gateway::with(&config).upstream("a", in_turn(vec![status(500), says("好")])).upstream("b", says("好")).start();
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "b");
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.attempts, 1);
    assert_eq!(gateway.received("a"), 1);
    let explained = gateway.engine.explain("gpt-4").await.expect("a plan");
    assert!(explained.skipped[0].note.as_deref().expect("a reason").starts_with("cooling for"));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "a");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_gives_way_to_the_next_within_one_attempt() {
    let config = TWO_ROUTES.replace("api_key: sk-aaaaaaaaaaaaaaaaaaaa", "api_keys: [sk-first-00000000000, sk-second-0000000000]");
    let only_second: crate::gateway::Behaviour = Arc::new(|request, _| {
        let second = request.headers()["authorization"] == "Bearer sk-second-0000000000";
        if second { json_reply(200, &json!({ "choices": [{ "message": { "content": "好" } }] })) } else { json_reply(401, &json!({})) }
    });
    let gateway = Gateway::with(&config).upstream("a", only_second).upstream("b", says("好")).start();
    for _ in 0..3 {
        let reply = gateway.ask("gpt-4").await.expect("an answer");
        assert_eq!((reply.trace.provider.as_str(), reply.trace.attempts), ("a", 1));
    }
    assert_eq!(gateway.received("a"), 4, "the refused key is asked once and then rests");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_an_upstream_repeats_is_masked() {
    let tells: crate::gateway::Behaviour =
        Arc::new(|_, _| json_reply(401, &json!({ "error": { "message": "bad key sk-aaaaaaaaaaaaaaaaaaaa" } })));
    let config = TWO_ROUTES.to_owned() + "routing: { max_attempts: 1 }\n";
    let gateway = Gateway::with(&config).upstream("a", tells).upstream("b", says("好")).start();
    let error = gateway.ask("gpt-4").await.err().expect("an error").to_string();
    assert!(!error.contains("sk-aaaaaaaaaaaaaaaaaaaa"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_success_is_a_failure() {
    for body in [json!({ "error": { "message": "overloaded" } }), json!({ "choices": [{ "error": { "code": 502 } }] })] {
        let broken: crate::gateway::Behaviour = Arc::new(move |_, _| json_reply(200, &body));
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", broken).upstream("b", says("好")).start();
        assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "b");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_is_a_failure_until_it_is_whole() {
    let broken: crate::gateway::Behaviour = Arc::new(|_, _| {
        let steps = vec![Step::Send(Bytes::from_static(b"{\"choices\":")), Step::Fail(TransportError::Broken("reset".to_owned()))];
        Answer::Reply(Duration::ZERO, http::StatusCode::OK, vec![("content-type", "application/json".to_owned())], steps)
    });
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", broken).upstream("b", says("好")).start();
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "b");
}

#[tokio::test(start_paused = true)]
async fn fallback_names_come_after_the_own_routes() {
    let config = TWO_ROUTES.to_owned() + "  claude: { routes: [{ provider: b, model: claude }] }\n";
    let config = config
        .replace("  gpt-4:\n    routes:", "  gpt-4:\n    fallback: [claude]\n    routes:")
        .replace("      - { provider: b, model: m-b, priority: 2 }\n", "");
    let gateway = Gateway::with(&config).upstream("a", status(500)).upstream("b", says("好")).start();
    let reply = gateway.ask("gpt-4").await.expect("an answer");
    assert_eq!((reply.trace.provider.as_str(), reply.trace.model.as_str()), ("b", "claude"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_tells_the_nearest() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", says("好")).upstream("b", says("好")).start();
    let error = gateway.ask("gpt-5").await.err().expect("an error");
    assert_eq!(error.status().as_u16(), 404);
    assert!(error.to_string().contains("did you mean `gpt-4`?"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_saturated_upstream_is_waited_for_and_then_given_up() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", models: [m], max_in_flight: 1, timeout: { connect: 5s } }]";
    let gateway = Gateway::with(config).upstream("a", says("好")).start();
    let first = gateway.stream("m").await.expect("an answer");
    let begun = Instant::now();
    let error = gateway.ask("m").await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.code(), begun.elapsed().as_secs()), (503, "no_upstream_available", 5));
    assert!(error.retry_after().is_some());
    let (second, ()) = tokio::join!(gateway.ask("m"), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(first);
    });
    assert!(second.is_ok(), "the slot that was freed is taken");
}

#[tokio::test(start_paused = true)]
async fn models_are_discovered_when_a_name_needs_them() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", match: [\"qwen\"] }]";
    let lists: crate::gateway::Behaviour = Arc::new(|request, _| match request.uri().path() {
        "/v1/models" => json_reply(200, &json!({ "data": [{ "id": "qwen-max" }, { "id": "other" }] })),
        _ => json_reply(200, &json!({ "choices": [{ "message": { "content": "好" } }] })),
    });
    let gateway = Gateway::with(config).upstream("a", lists).start();
    assert_eq!(gateway.ask("qwen-max").await.expect("an answer").trace.model, "qwen-max");
    assert_eq!(gateway.ask("other").await.err().expect("an error").status().as_u16(), 404);
    assert_eq!(gateway.received("a"), 2, "one list, one answer");
    let error = gateway.ask("a/other").await.err().expect("an error");
    assert_eq!(error.status().as_u16(), 404, "`match` refuses it under its full name too");
}

#[tokio::test(start_paused = true)]
async fn health_and_requests_on_their_way_survive_a_reload() {
    let config = TWO_ROUTES.to_owned() + "routing: { cooldown: { failures: 1, for: 100s } }\n";
    let gateway = Gateway::with(&config).upstream("a", status(500)).upstream("b", says("好")).start();
    let stream = gateway.stream("gpt-4").await.expect("an answer");
    let reloaded =
        gateway.reload(&config.replace("priority: 2, }", "priority: 3 }").replace("100s", "200s")).expect("a good configuration");
    assert!(reloaded.changed.iter().any(|path| path.contains("routing.cooldown")), "{:?}", reloaded.changed);
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.attempts, 1, "`a` is still cooling");
    assert!(text(stream).await.expect("whole").contains("[DONE]"));
}

#[tokio::test(start_paused = true)]
async fn a_mended_key_is_used_at_once() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", api_key: sk-old-000000000000000, models: [m] }]\nrouting: { cooldown: { failures: 1, for: 60s } }";
    let only_new: crate::gateway::Behaviour = Arc::new(|request, _| {
        let new = request.headers()["authorization"] == "Bearer sk-new-000000000000000";
        if new { json_reply(200, &json!({ "choices": [{ "message": { "content": "好" } }] })) } else { json_reply(401, &json!({})) }
    });
    let gateway = Gateway::with(config).upstream("a", only_new).start();
    assert_eq!(gateway.ask("m").await.err().expect("an error").code(), "upstream_credentials_exhausted");
    assert!(!gateway.engine.health().providers["a"]);
    gateway.reload(&config.replace("sk-old", "sk-new")).expect("a good configuration");
    assert!(gateway.engine.health().providers["a"]);
    assert!(gateway.ask("m").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_clients_words_refuse_no_key() {
    let echoes: crate::gateway::Behaviour = Arc::new(|request, count| match count {
        0 => json_reply(400, &json!({ "error": { "message": format!("invalid role: {}", String::from_utf8_lossy(request.body())) } })),
        _ => json_reply(200, &json!({ "choices": [{ "message": { "content": "好" } }] })),
    });
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", echoes).upstream("b", says("坏")).start();
    let mut body = question("gpt-4");
    body["messages"][0]["role"] = json!("invalid_api_key insufficient_quota");
    assert_eq!(gateway.engine.chat(gateway.job(&body)).await.expect("an answer").status.as_u16(), 400);
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "a");
}

#[tokio::test(start_paused = true)]
async fn a_freed_slot_is_taken_however_its_holder_ends() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", models: [m], max_in_flight: 1 }]";
    let gateway = Gateway::with(config).upstream("a", in_turn(vec![hangs(), says("好")])).start();
    let mut first = Box::pin(gateway.ask("m"));
    assert!(is_pending(&mut first).await);
    let mut second = Box::pin(gateway.ask("m"));
    assert!(is_pending(&mut second).await);
    // The first client leaves before it was answered.
    drop(first);
    let begun = Instant::now();
    assert!(second.await.is_ok());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn while_one_probes_the_others_wait_for_its_result() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", models: [m] }]\nrouting: { max_attempts: 1, cooldown: { failures: 1, for: 10s } }";
    let slow: crate::gateway::Behaviour = Arc::new(|_, _| {
        let body = json!({ "choices": [{ "message": { "content": "好" } }] }).to_string();
        let steps = vec![Step::Send(Bytes::from(body))];
        Answer::Reply(Duration::from_secs(2), http::StatusCode::OK, vec![("content-type", "application/json".to_owned())], steps)
    });
    let gateway = Gateway::with(config).upstream("a", in_turn(vec![status(500), slow])).start();
    assert!(gateway.ask("m").await.is_err());
    tokio::time::advance(Duration::from_secs(11)).await;
    let (probe, other) = tokio::join!(gateway.ask("m"), gateway.ask("m"));
    assert!(probe.is_ok() && other.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_full_route_is_waited_for_though_another_goes_to_rest() {
    let config = TWO_ROUTES.replace("models: [m-a]", "models: [m-a], max_in_flight: 1, timeout: { connect: 5s }")
        + "routing: { max_attempts: 1, cooldown: { failures: 1, for: 10s } }\n";
    let slow: crate::gateway::Behaviour =
        Arc::new(|_, _| Answer::Reply(Duration::from_secs(2), http::StatusCode::INTERNAL_SERVER_ERROR, vec![], vec![]));
    let gateway = Gateway::with(&config).upstream("a", says("好")).upstream("b", in_turn(vec![status(500), slow])).start();
    let full = gateway.stream("a/m-a").await.expect("an answer");
    assert!(gateway.ask("b/m-b").await.is_err());
    tokio::time::advance(Duration::from_secs(11)).await;
    let mut probe = Box::pin(gateway.ask("b/m-b"));
    assert!(is_pending(&mut probe).await);
    // `a` is full, `b` is being probed; the probe fails, then `a` has room again.
    let (waiting, probed, ()) = tokio::join!(gateway.ask("gpt-4"), probe, async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(full);
    });
    assert!(probed.is_err());
    assert_eq!(waiting.expect("an answer").trace.provider, "a");
}

#[tokio::test(start_paused = true)]
async fn our_own_deadline_hurts_no_upstream() {
    let config = TWO_ROUTES.to_owned() + "routing: { deadline: 10s, cooldown: { failures: 1, for: 60s } }\n";
    let gateway = Gateway::with(&config).upstream("a", hangs()).upstream("b", says("好")).start();
    assert_eq!(gateway.ask("gpt-4").await.err().expect("an error").code(), "upstream_timeout");
    assert!(gateway.engine.health().providers["a"], "the deadline was ours");
}

#[tokio::test(start_paused = true)]
async fn a_bad_reload_changes_nothing_and_is_told() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", says("好")).upstream("b", says("好")).start();
    let errors = gateway.reload("providers: [{ name: a, typ: openai }]").expect_err("a bad configuration");
    assert!(errors.concat().contains("did you mean `type`?"), "{errors:?}");
    let last = gateway.engine.status().last_reload.expect("a reload");
    assert!(!last.ok && last.error.expect("why").contains("typ"));
    assert_eq!(gateway.ask("gpt-4").await.expect("an answer").trace.provider, "a");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_model_needs_a_configured_default() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", says("好")).upstream("b", says("好")).start();
    let mut body = question("x");
    body.as_object_mut().expect("an object").remove("model");
    let error = gateway.engine.chat(gateway.job(&body)).await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.param()), (400, Some("model")));
    gateway.reload(&(TWO_ROUTES.to_owned() + "routing: { default_model: gpt-4 }\n")).expect("a good configuration");
    assert!(gateway.engine.chat(gateway.job(&body)).await.is_ok());
    let sent: Value = serde_json::from_str(&gateway.last_body("a")).expect("JSON");
    assert_eq!(sent["model"], "m-a");
}

/// Polls `future` once.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())).await
}

#[tokio::test(start_paused = true)]
async fn an_active_health_check_ends_a_rest_that_a_connection_caused() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", models: [m] }]
routing: { max_attempts: 1, cooldown: { failures: 1, for: 300s, max: 300s }, health_check: { interval: 60s, timeout: 10s } }";
    let lists: crate::gateway::Behaviour = Arc::new(|request, _| {
        assert_eq!(request.uri().path(), "/v1/models");
        json_reply(200, &json!({ "data": [{ "id": "m" }] }))
    });
    let gateway = Gateway::with(config).upstream("a", in_turn(vec![refuses(), lists])).start();
    gateway.engine.start_tasks();
    assert!(gateway.ask("m").await.is_err());
    assert!(!gateway.engine.health().providers["a"]);
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert!(gateway.engine.health().providers["a"]);
    assert_eq!(gateway.received("a"), 2, "one question, one check");
}

#[tokio::test(start_paused = true)]
async fn no_secret_passes_in_an_error_of_any_size_or_speed() {
    let key = "sk-aaaaaaaaaaaaaaaaaaaa";
    let padding = "错".repeat(100_000);
    // The key lies across two pieces, beyond what is read before an error is passed on, and once more at the cut-off end.
    let pieces = [format!("{{\"error\":\"{padding}"), format!(" bad key {}", &key[..9]), format!("{} and {}", &key[9..], &key[..20])];
    let large: crate::gateway::Behaviour = Arc::new(move |_, _| {
        let steps = pieces.iter().map(|piece| Step::Send(Bytes::from(piece.clone()))).collect();
        Answer::Reply(Duration::ZERO, http::StatusCode::BAD_REQUEST, vec![("content-type", "application/json".to_owned())], steps)
    });
    let slow: crate::gateway::Behaviour = Arc::new(move |_, _| {
        let steps = vec![
            Step::Send(Bytes::from_static(b"bad key sk-aaaaaaa")),
            Step::Wait(Duration::from_secs(20)),
            Step::Send(Bytes::from_static(b"aaaaaaaaaaaaa!")),
        ];
        Answer::Reply(Duration::ZERO, http::StatusCode::BAD_REQUEST, vec![], steps)
    });
    let expected_large = format!("{{\"error\":\"{padding} bad key sk-aa****aaaa and ****");
    for (behaviour, expected) in [(large, expected_large), (slow, "bad key sk-aa****aaaa!".to_owned())] {
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", behaviour).upstream("b", says("好")).start();
        let reply = gateway.ask("gpt-4").await.expect("an answer");
        assert_eq!(reply.status.as_u16(), 400);
        assert_eq!(text(reply).await.expect("whole"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_list_of_models_refuses_rests_and_the_next_is_asked() {
    let config = "providers: [{ name: a, base_url: \"http://a.test/v1\", api_keys: [sk-first-00000000000, sk-second-0000000000] }]";
    let only_second: crate::gateway::Behaviour =
        Arc::new(|request, _| match (request.uri().path(), request.headers()["authorization"] == "Bearer sk-second-0000000000") {
            (_, false) => json_reply(401, &json!({})),
            ("/v1/models", true) => json_reply(200, &json!({ "data": [{ "id": "m" }] })),
            (_, true) => json_reply(200, &json!({ "choices": [{ "message": { "content": "好" } }] })),
        });
    let gateway = Gateway::with(config).upstream("a", only_second).start();
    for _ in 0..3 {
        assert!(gateway.ask("m").await.is_ok());
    }
    // A refused list, a list, three answers.
    assert_eq!(gateway.received("a"), 5);
    let credentials = gateway.engine.status().providers[0].credentials;
    assert_eq!((credentials.resting, credentials.total), (1, 2));

    let gateway = Gateway::with(config).upstream("a", status(401)).start();
    assert!(gateway.ask("m").await.is_err());
    assert_eq!(gateway.received("a"), 2, "each key once");
}

/// `gpt-4` at `a`; `long` at `b` for prompts that are too long, `other` at `b` for what a filter refuses.
const OTHERS: &str = "
providers:
  - { name: a, type: openai, base_url: http://a.test/v1, models: [m-a] }
  - { name: b, type: openai, base_url: http://b.test/v1, models: [m-b, m-c] }
models:
  gpt-4:
    routes: [{ provider: a, model: m-a }]
    fallback_on: { context_length: [long], content_policy: [other] }
  long: { routes: [{ provider: b, model: m-b }], fallback_on: { context_length: [gpt-4] } }
  other: { routes: [{ provider: b, model: m-c }] }
";

fn complains(code: &'static str) -> crate::gateway::Behaviour {
    Arc::new(move |_, _| {
        with_headers(400, vec![], &json!({ "error": { "message": "不行", "type": "invalid_request_error", "code": code } }))
    })
}

#[tokio::test(start_paused = true)]
async fn what_another_model_may_do_better_is_asked_of_it() {
    for (code, model) in [("context_length_exceeded", "m-b"), ("content_filter", "m-c")] {
        let gateway = Gateway::with(OTHERS).upstream("a", complains(code)).upstream("b", says("好")).start();
        let reply = gateway.ask("gpt-4").await.expect("an answer");
        assert_eq!((reply.status.as_u16(), reply.trace.model.as_str(), reply.trace.attempts), (200, model, 2), "{code}");
        // Nobody's health is hurt by what the client wrote.
        assert_eq!(gateway.engine.health().healthy_providers, 2);
    }
    let gateway = Gateway::with(OTHERS).upstream("a", complains("invalid_value")).upstream("b", says("好")).start();
    assert_eq!((gateway.ask("gpt-4").await.expect("an answer").status.as_u16(), gateway.received("b")), (400, 0));
}

#[tokio::test(start_paused = true)]
async fn names_that_lead_to_each_other_are_followed_once() {
    let too_long = || complains("context_length_exceeded");
    let gateway = Gateway::with(OTHERS).upstream("a", too_long()).upstream("b", too_long()).start();
    let reply = gateway.ask("gpt-4").await.expect("the upstream's own words");
    assert_eq!(reply.status.as_u16(), 400);
    assert!(text(reply).await.expect("whole").contains("context_length_exceeded"));
    assert_eq!((gateway.received("a"), gateway.received("b")), (2, 1));
}
