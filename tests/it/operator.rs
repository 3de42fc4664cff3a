//! What an operator does by hand: a provider's switch, and the end of its cooldowns.

use http::{HeaderMap, Method};
use llmgw::engine::{Error, Forward, RequestId};
use llmgw::transport::Payload;
use tokio::time::Instant;

use crate::gateway::{Gateway, TWO_ROUTES, json_reply, refuses, says, status, text, with_headers};

async fn answered_by(gateway: &Gateway) -> String {
    let reply = gateway.ask("gpt-4").await.expect("an answer");
    let provider = reply.trace.provider.clone();
    text(reply).await.expect("whole");
    provider
}

fn two() -> Gateway {
    Gateway::with(TWO_ROUTES).upstream("a", says("甲")).upstream("b", says("乙")).start()
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_was_switched_off_is_not_asked_until_it_is_switched_on() {
    let gateway = two();
    assert_eq!(answered_by(&gateway).await, "a");
    gateway.engine.set_enabled("a", false).unwrap();
    assert_eq!((answered_by(&gateway).await.as_str(), gateway.received("a")), ("b", 1));

    let explained = gateway.engine.explain("gpt-4").await.unwrap();
    assert_eq!(explained.skipped[0].note.as_deref(), Some("disabled by an operator"));
    let status = gateway.engine.status();
    let a = &status.providers[0];
    assert_eq!((a.state, a.enabled, a.disabled_by_operator), ("disabled", false, true));
    let row = gateway.engine.models().into_iter().find(|row| row.name == "gpt-4" && row.provider == "a").unwrap();
    assert_eq!((row.state.as_str(), row.enabled), ("disabled by an operator", false));
    let health = gateway.engine.health();
    assert_eq!((health.status, health.total_providers), ("healthy", 1));

    gateway.engine.set_enabled("a", true).unwrap();
    assert_eq!(answered_by(&gateway).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_nothing_of_it_not_even_with_another_address() {
    let gateway = two();
    gateway.engine.set_enabled("a", false).unwrap();
    gateway.reload(&TWO_ROUTES.replace("a.test", "elsewhere.test")).unwrap();
    assert_eq!(answered_by(&gateway).await, "b");
    gateway.reload("providers: [{ name: b, base_url: \"http://b.test/v1\", models: [m-b] }]\nmodels: { gpt-4: b/m-b }\n").unwrap();
    gateway.reload(TWO_ROUTES).unwrap();
    assert!(gateway.engine.status().providers[0].disabled_by_operator, "gone for a while is not switched on");
}

#[tokio::test(start_paused = true)]
async fn where_all_is_switched_off_the_client_is_told_so() {
    let gateway = two();
    for provider in ["a", "b"] {
        gateway.engine.set_enabled(provider, false).unwrap();
    }
    let Err(error) = gateway.ask("gpt-4").await else { panic!("nobody may answer") };
    assert_eq!((error.code(), error.status().as_u16()), ("no_upstream_available", 503));
    assert!(error.to_string().contains("a/m-a: disabled by an operator; b/m-b: disabled by an operator"), "{error}");
    let Err(error) = gateway.engine.forward(files_of(&gateway, "a")).await else { panic!("nobody may answer") };
    assert_eq!(error.to_string(), "the provider `a` is disabled by an operator");
    assert_eq!((gateway.received("a"), gateway.received("b")), (0, 0));
}

fn files_of(gateway: &Gateway, provider: &str) -> Forward {
    Forward {
        snapshot: gateway.engine.snapshot(),
        id: RequestId::make(),
        caller: llmgw::access::Caller::anonymous(),
        client: None,
        provider: Some(provider.to_owned()),
        key: None,
        method: Method::GET,
        path: "/files".to_owned(),
        headers: HeaderMap::new(),
        body: Payload::empty(),
        received: Instant::now(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_configuration_disables_stays_so_and_unknown_names_are_told() {
    let off = TWO_ROUTES.replace("models: [m-a]", "models: [m-a], enabled: false");
    let gateway = Gateway::with(&off).upstream("a", says("甲")).upstream("b", says("乙")).start();
    let refused = gateway.engine.set_enabled("a", true).unwrap_err();
    assert!(refused.to_string().contains("set its `enabled` to true there"), "{refused}");
    gateway.engine.set_enabled("a", false).unwrap();
    for error in [gateway.engine.set_enabled("c", false).unwrap_err(), gateway.engine.reset("c").unwrap_err()] {
        assert!(matches!(error, Error::NotFound(_)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_the_cooldown_of_a_model_of_its_provider_and_of_its_keys() {
    let limited = || {
        let wait = vec![("retry-after", "300".to_owned())];
        with_headers(429, wait, &serde_json::json!({ "error": { "message": "slow down" } }))
    };
    let refused = || json_reply(401, &serde_json::json!({ "error": { "message": "who are you" } }));
    let behaviours: [(&str, crate::gateway::Behaviour); 4] = [
        ("a model that is at its limit", std::sync::Arc::new(move |_, _| limited())),
        ("a key that is refused", std::sync::Arc::new(move |_, _| refused())),
        ("no connection", refuses()),
        ("failures", status(500)),
    ];
    for (case, behaviour) in behaviours {
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", behaviour).upstream("b", says("乙")).start();
        for _ in 0..4 {
            assert_eq!(answered_by(&gateway).await, "b", "{case}");
        }
        let asked = gateway.received("a");
        assert!(asked < 4 && gateway.engine.status().providers[0].state == "cooling", "{case}: {asked}");
        gateway.engine.reset("a").unwrap();
        let status = gateway.engine.status();
        let a = &status.providers[0];
        assert_eq!((a.state, a.failures, a.cooldown_left_seconds, a.credentials.resting), ("closed", 0, 0.0, 0), "{case}");
        answered_by(&gateway).await;
        assert!(gateway.received("a") > asked, "{case}: it is asked again");
    }
}
