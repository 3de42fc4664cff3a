//! The gateway on an imported file does what the source did: order, fallback, cooldown, keys, patterns, timeouts.

use std::path::Path;
use std::time::Duration;

use llmgw::access::KeyRing;
use llmgw::config::env::Env;
use llmgw::config::import::{Imported, Input, Kind, convert};
use llmgw::config::load::{Overrides, load_text};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::tables;
use crate::gateway::{Behaviour, Gateway, hangs, in_turn, json_reply, says, status, text};

fn of(kind: Kind, source: &str) -> Imported {
    let imported = convert(Input::Text(source), None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(imported.kind, kind);
    imported
}

/// What a non-streamed answer says.
async fn answer(gateway: &Gateway, model: &str) -> Result<String, String> {
    let reply = gateway.ask(model).await.map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_str(&text(reply).await?).map_err(|error| error.to_string())?;
    Ok(body["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned())
}

fn asked_for(gateway: &Gateway, upstream: &str) -> Value {
    serde_json::from_str::<Value>(&gateway.last_body(upstream)).expect("JSON")["model"].clone()
}

const LLM_PROXY: &str = r#"
listen: ":8765"
proxy_api_key: sk-proxy
backends:
  - { name: 一, url: "https://one.example/v1", api_key: sk-1 }
  - { name: 二, url: "https://two.example/v1", api_key: sk-2 }
  - { name: 三, url: "https://three.example/v1", api_key: sk-3 }
models:
  大模型:
    routes:
      - { backend: 二, model: m-2, priority: 2 }
      - { backend: 一, model: m-1, priority: 1 }
  备用:
    routes: [{ backend: 三, model: m-3, priority: 1 }]
fallback: { cooldown_seconds: 120, max_retries: 0, alias_fallback: { 大模型: [备用] } }
timeout: { connect_timeout: 2s, read_timeout: 7s, total_timeout: 20s }
detection: { error_codes: ["5xx"], error_patterns: [余额不足] }
"#;

#[tokio::test(start_paused = true)]
async fn priorities_fallback_and_cooldown_are_the_sources() {
    let gateway = Gateway::with(&of(Kind::LlmProxy, LLM_PROXY).yaml)
        .upstream("一", in_turn(vec![says("好"), status(500), says("又好")]))
        .upstream("二", in_turn(vec![says("二"), status(502), says("二又好")]))
        .upstream("三", says("三"))
        .start();
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("好"));
    assert_eq!(asked_for(&gateway, "一"), "m-1");
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("二"), "the next priority");
    // One failure was enough: it rests for just as long as in the source, whose next backend now fails, too.
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("三"), "the other alias");
    advance(Duration::from_secs(119)).await;
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("三"));
    assert_eq!((gateway.received("一"), gateway.received("二")), (2, 2));
    advance(Duration::from_secs(2)).await;
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("又好"));
}

#[tokio::test(start_paused = true)]
async fn statuses_and_patterns_that_move_on_are_the_sources() {
    let broke: Behaviour = std::sync::Arc::new(|_, _| json_reply(418, &json!({ "error": { "message": "账户余额不足，请充值" } })));
    let builder = |first: Behaviour| Gateway::with(&of(Kind::LlmProxy, LLM_PROXY).yaml).upstream("一", first).upstream("二", says("二"));
    let gateway = builder(broke).start();
    assert_eq!(answer(&gateway, "大模型").await.as_deref(), Ok("二"));
    // 429 is not among the source's codes, so it is the client's.
    let gateway = builder(status(429)).start();
    assert_eq!(gateway.ask("大模型").await.expect("the upstream's answer").status, 429);
    assert_eq!(gateway.received("二"), 0);
}

#[tokio::test(start_paused = true)]
async fn time_limits_are_the_sources() {
    let gateway = Gateway::with(&of(Kind::LlmProxy, LLM_PROXY).yaml).upstream("一", hangs()).upstream("二", says("二")).start();
    let start = Instant::now();
    assert!(gateway.stream("大模型").await.is_ok());
    assert_eq!(start.elapsed().as_secs(), 7, "a stream waits for `read_timeout`");
}

#[tokio::test(start_paused = true)]
async fn litellms_attempts_fallbacks_and_weights_hold() {
    let source = r"
model_list:
  - { model_name: a, litellm_params: { model: openai/m-a, api_base: 'https://a.example/v1', api_key: k-a, timeout: 9 } }
  - { model_name: b, litellm_params: { model: openai/m-b, api_base: 'https://b.example/v1', api_key: k-b } }
  - { model_name: 'vendor-*', litellm_params: { model: 'openai/vendor-*', api_base: 'https://c.example/v1', api_key: k-c } }
router_settings: { num_retries: 3, allowed_fails: 1, cooldown_time: 40, model_group_alias: { 别名: a }, fallbacks: [{ a: [b] }] }
";
    let imported = of(Kind::Litellm, source);
    let builder = Gateway::with(&imported.yaml);
    let gateway = builder.upstream("a.example", status(503)).upstream("b.example", says("好")).upstream("c.example", says("通配")).start();
    assert_eq!(answer(&gateway, "别名").await.as_deref(), Ok("好"));
    assert_eq!((gateway.received("a.example"), asked_for(&gateway, "b.example")), (1, json!("m-b")));
    // `allowed_fails: 1` lets one failure pass; the second one starts the cooldown.
    assert_eq!(answer(&gateway, "a").await.as_deref(), Ok("好"));
    assert_eq!(answer(&gateway, "a").await.as_deref(), Ok("好"));
    assert_eq!(gateway.received("a.example"), 2);
    advance(Duration::from_secs(41)).await;
    assert_eq!(answer(&gateway, "a").await.as_deref(), Ok("好"));
    assert_eq!(gateway.received("a.example"), 3);
    assert_eq!(answer(&gateway, "vendor-7b").await.as_deref(), Ok("通配"));
    assert_eq!(asked_for(&gateway, "c.example"), "vendor-7b");

    let gateway = Gateway::with(&imported.yaml).upstream("a.example", hangs()).upstream("b.example", says("好")).start();
    let start = Instant::now();
    assert_eq!(answer(&gateway, "a").await.as_deref(), Ok("好"));
    assert_eq!(start.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn one_apis_highest_priority_is_first_and_names_are_mapped() {
    let rows = "
        CREATE TABLE channels (id integer, type integer, key text, status integer, name text, weight integer, base_url text, models text,
            \"group\" text, model_mapping text, priority bigint);
        INSERT INTO channels VALUES
            (1, 8, 'sk-low', 1, '低', 0, 'https://low.example/v1', 'gpt-4o,便宜', 'default', '{\"便宜\":\"mini\"}', 1),
            (2, 8, 'sk-high', 1, '高', 0, 'https://high.example/v1', 'gpt-4o', 'default', '', 9),
            (3, 8, 'sk-off', 2, '关', 0, 'https://off.example/v1', 'gpt-4o', 'default', '', 99);
        CREATE TABLE options (key text, value text);
        INSERT INTO options VALUES ('RetryTimes', '1');";
    let imported = convert(Input::Tables(tables(rows)), None).expect("a result");
    let builder = Gateway::with(&imported.yaml).upstream("高", in_turn(vec![says("高"), status(500)])).upstream("低", says("低"));
    let gateway = builder.upstream("关", says("关")).start();
    assert_eq!(answer(&gateway, "gpt-4o").await.as_deref(), Ok("高"));
    assert_eq!(answer(&gateway, "gpt-4o").await.as_deref(), Ok("低"), "RetryTimes leads to the next priority");
    assert_eq!(gateway.last_headers("低")["authorization"], "Bearer sk-low");
    assert_eq!(answer(&gateway, "便宜").await.as_deref(), Ok("低"));
    assert_eq!((asked_for(&gateway, "低"), gateway.received("关")), (json!("mini"), 0));
}

#[tokio::test(start_paused = true)]
async fn bifrosts_keys_take_turns_and_one_that_is_refused_is_left_out() {
    let source = r#"{ "providers": { "corp": {
        "keys": [{ "value": "k-1", "models": ["m"], "weight": 1 }, { "value": "k-2", "models": ["m"], "weight": 1 }],
        "network_config": { "base_url": "https://corp.example", "default_request_timeout_in_seconds": 30, "max_retries": 1 },
        "custom_provider_config": { "base_provider_type": "openai" } } } }"#;
    let only_second: Behaviour = std::sync::Arc::new(|request, count| match request.headers()["authorization"] == "Bearer k-2" {
        true => says("好")(request, count),
        false => status(401)(request, count),
    });
    let gateway = Gateway::with(&of(Kind::Bifrost, source).yaml).upstream("corp", only_second).start();
    for _ in 0..4 {
        assert_eq!(answer(&gateway, "corp/m").await.as_deref(), Ok("好"));
    }
    assert!(gateway.received("corp") <= 5, "a refused key rests");
}

#[tokio::test(start_paused = true)]
async fn the_caps_and_orders_of_the_others_hold() {
    let models = "models: { openai: [{ name: 大, model: m-1, base_url: 'https://a.example/v1', api_key: k, max_tokens: 100 }] }\n";
    let gateway = Gateway::with(&of(Kind::ModelsYaml, models).yaml).upstream("a.example", says("好")).start();
    assert_eq!(answer(&gateway, "大").await.as_deref(), Ok("好"));
    assert_eq!(serde_json::from_str::<Value>(&gateway.last_body("a.example")).expect("JSON")["max_tokens"], 100);

    let pipes =
        r#"{ "upstreams": ["甲|https://a.example/v1|k-a", "乙|https://b.example/v1|k-b"], "supported_models": ["m"], "timeout": 11 }"#;
    let gateway = Gateway::with(&of(Kind::AiProxy, pipes).yaml).upstream("甲", hangs()).upstream("乙", says("乙")).start();
    let start = Instant::now();
    assert_eq!(answer(&gateway, "m").await.as_deref(), Ok("乙"));
    assert_eq!(start.elapsed().as_secs(), 11);

    let routes = "model_config:\n  a: { model: openai/m-a, api_base: 'https://a.example/v1', api_key: k }\n  \
                  b: { model: openai/m-b, api_base: 'https://b.example/v1', api_key: k }\nmodel_routes: { 默认: [b, a] }\n";
    let gateway =
        Gateway::with(&of(Kind::LitellmRoutes, routes).yaml).upstream("a.example", says("甲")).upstream("b.example", status(500)).start();
    assert_eq!(answer(&gateway, "默认").await.as_deref(), Ok("甲"));
    assert_eq!(gateway.received("b.example"), 1);
}

#[tokio::test(start_paused = true)]
async fn settings_in_python_know_no_cap_on_attempts() {
    let provider = |number: usize| {
        format!(
            "{{'name': 'p{number}', 'base_url': 'https://p{number}.example/v1', 'api_key': 'k', 'priority': {number}, 'models': ['m']}}"
        )
    };
    let providers: Vec<String> = (1..=6).map(provider).collect();
    let source = format!("UPSTREAM_PROVIDERS = [{}]\nMODEL_ALIASES = {{'别名': 'm'}}\n", providers.join(", "));
    let mut builder = Gateway::with(&of(Kind::SettingsPy, &source).yaml);
    for number in 1..=5 {
        builder = builder.upstream(&format!("p{number}"), status(500));
    }
    let gateway = builder.upstream("p6", says("第六")).start();
    assert_eq!(answer(&gateway, "别名").await.as_deref(), Ok("第六"));
    assert!((1..=5).all(|number| gateway.received(&format!("p{number}")) == 1));
}

#[test]
fn clients_keys_open_what_they_opened() {
    let source = r#"{ "providers": { "openai": { "keys": [{ "value": "k", "models": ["gpt-4o", "o3"], "weight": 1 }] } }, "governance": { "virtual_keys": [
        { "name": "队", "value": "sk-bf-team", "is_active": true, "provider_configs": [{ "provider": "openai", "allowed_models": ["gpt-4o"] }] },
        { "name": "停", "value": "sk-bf-off", "is_active": false } ] } }"#;
    let keys = key_ring(&of(Kind::Bifrost, source));
    let team = keys.authenticate(Some("sk-bf-team")).expect("a caller");
    assert_eq!((&**team.name(), team.may("openai/gpt-4o"), team.may("gpt-4o"), team.may("openai/o3")), ("队", true, true, false));
    assert!(keys.authenticate(Some("sk-bf-off")).is_err() && keys.authenticate(None).is_err());

    let rows = "CREATE TABLE channels (id integer, type integer, key text, status integer, name text, models text);
        INSERT INTO channels VALUES (1, 1, 'sk-up', 1, 'a', 'm');
        CREATE TABLE tokens (id integer, key text, status integer, name text, models text, expired_time integer);
        INSERT INTO tokens VALUES (1, 'abc', 1, '甲', 'm,n', -1), (2, 'def', 2, '乙', NULL, -1), (3, 'ghi', 1, '丙', NULL, -1);";
    let keys = key_ring(&convert(Input::Tables(tables(rows)), None).expect("a result"));
    let first = keys.authenticate(Some("sk-abc")).expect("a caller");
    assert_eq!((first.may("n"), first.may("o")), (true, false));
    assert!(keys.authenticate(Some("sk-ghi")).is_ok_and(|third| third.may("o")));
    assert!(keys.authenticate(Some("sk-def")).is_err() && keys.authenticate(Some("abc")).is_err());

    let keys = key_ring(&of(Kind::LlmProxy, LLM_PROXY));
    assert!(keys.authenticate(Some("sk-proxy")).is_ok() && keys.authenticate(Some("sk-1")).is_err());
}

fn key_ring(imported: &Imported) -> KeyRing {
    let loaded = load_text("llmgw.yaml", &imported.yaml, Path::new("/"), &Env::for_tests(&[], "/"), &Overrides::default());
    KeyRing::new(&loaded.expect("a configuration").config.auth)
}
