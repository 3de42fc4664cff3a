//! `llmgw test --capabilities`: what models are held to, and what they are found to do.

use serde_json::{Value, json};

use super::process::{Ended, Home};
use super::upstream::{Asked, Line, Upstream};

/// Answers each question as a model would that can do all of it.
fn able(asked: &Asked, line: &mut Line) {
    let body = &asked.body;
    if body["messages"][0]["content"].is_array() {
        return line.answers(asked, "图中的数字是 7391。");
    }
    if body["response_format"]["type"] == "json_schema" {
        return line.answers(asked, r#"{ "city": "杭州", "province": "浙江" }"#);
    }
    if body["tools"].is_array() {
        let call = json!({ "id": "c", "type": "function", "function": { "name": "report", "arguments": "{\"number\": 7391}" } });
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        let choice = json!({ "index": 0, "finish_reason": "tool_calls", "message": message });
        return line.json(200, &json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice] }));
    }
    line.answers(asked, "你好");
}

/// The words for stream, tools, JSON schema, vision and embeddings in the row of `model`.
#[track_caller]
fn found(ended: &Ended, model: &str) -> Vec<String> {
    let rows = ended.out.lines().map(|line| line.split('|').map(str::trim).map(str::to_owned).collect::<Vec<String>>());
    let row = rows.into_iter().find(|cells| cells.get(1).is_some_and(|cell| cell == model)).unwrap_or_default();
    assert!(row.len() > 11, "no row of {model} in {ended:#?}");
    row[6..11].to_vec()
}

fn configured(upstream: &Upstream, claims: &str) -> Home {
    let provider = format!("{{ name: up, base_url: \"{}\", api_key: k, models: [m], capabilities: {claims} }}", upstream.url());
    Home::with(&format!("providers: [{provider}]\n"))
}

#[test]
fn who_does_what_is_claimed_is_well() {
    let upstream = Upstream::start(able);
    let home = configured(&upstream, "[stream, tools, json_schema, vision, embeddings]");
    let ended = home.run(&["test", "--capabilities"], 0);
    assert_eq!(found(&ended, "m"), ["ok"; 5]);
    assert_eq!(ended.err, "note: 1 ok\n");
    let questions: Vec<Value> = upstream.requests().into_iter().map(|asked| asked.body).collect();
    assert_eq!(questions.len(), 6);
    let picture = questions.iter().find_map(|body| body["messages"][0]["content"][1]["image_url"]["url"].as_str());
    assert!(picture.is_some_and(|url| url.starts_with("data:image/png;base64,iVBORw0KGgo")), "{questions:#?}");
}

#[test]
fn the_mock_shows_a_claim_that_fails_and_capabilities_that_nobody_claims() {
    let home = Home::with("providers: [{ name: local, type: mock, models: [回声], capabilities: [stream, vision] }]\n");
    let ended = home.run(&["test", "--capabilities"], 1);
    assert_eq!(found(&ended, "回声"), ["ok", "unclaimed", "unclaimed", "failed", "unclaimed"]);
    assert!(ended.out.contains("vision: the answer does not name the number in the picture"), "{ended:#?}");
    ended.says(&["note: 回声 at local works, and nothing claims it: tools, json_schema, embeddings", "note: 0 ok, 1 failed"]);
}

#[test]
fn a_routes_claim_replaces_its_providers() {
    let config = "providers: [{ name: local, type: mock, models: [], capabilities: [vision] }]\n\
                  models:\n  大: { routes: [{ provider: local, model: m, capabilities: [tools] }] }\n  \
                  \"小-*\": { routes: [{ provider: local, model: n, capabilities: [] }] }\n";
    let home = Home::with(config);
    let ended = home.run(&["test", "大", "小-一", "--capabilities"], 0);
    assert_eq!(found(&ended, "大"), ["unclaimed", "ok", "unclaimed", "no", "unclaimed"]);
    assert_eq!(found(&ended, "小-一"), ["unclaimed", "unclaimed", "unclaimed", "no", "unclaimed"]);
    let ended = home.run(&["test", "local/x", "--provider", "local", "--capabilities"], 2);
    ended.says(&["local/x"]);
}

#[test]
fn the_built_in_list_claims_where_the_configuration_does_not() {
    let upstream = Upstream::saying("7391");
    let provider = format!("{{ name: up, base_url: \"{}\", api_key: k, models: [gpt-4o, text-embedding-3-small] }}", upstream.url());
    let ended = Home::with(&format!("providers: [{provider}]\n")).run(&["test", "--capabilities"], 1);
    assert_eq!(found(&ended, "gpt-4o"), ["ok", "failed", "failed", "ok", "unclaimed"]);
    assert_eq!(found(&ended, "text-embedding-3-small"), ["unclaimed", "no", "no", "unclaimed", "ok"]);
    assert!(
        ended.out.contains("tools: the answer does not call the tool; json_schema: the answer does not keep to the schema"),
        "{ended:#?}"
    );
}

#[test]
fn who_does_not_answer_at_all_is_not_asked_further() {
    let upstream = Upstream::refusing(401);
    let ended = configured(&upstream, "[tools]").run(&["test", "--capabilities"], 1).says(&["note: 0 ok, 1 failed"]);
    assert_eq!(found(&ended, "m"), [""; 5]);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_stream_that_comes_at_once_is_none() {
    let upstream = Upstream::start(|asked, line| {
        let whole = Asked { body: json!({ "model": "m" }), ..asked.clone() };
        line.answers(&whole, "你好");
    });
    let ended = configured(&upstream, "[stream]").run(&["test", "--capabilities"], 1);
    assert!(ended.out.contains("stream: the answer came at once"), "{ended:#?}");
}

#[test]
fn programs_get_every_capability_with_its_claim() {
    let home = Home::with("providers: [{ name: local, type: mock, models: [m], capabilities: [tools, vision] }]\n");
    let results: Value = serde_json::from_str(&home.run(&["test", "--capabilities", "--format", "json"], 1).out).expect("JSON");
    let found: Vec<Value> = results[0]["capabilities"].as_array().expect("a list").iter().map(masked).collect();
    let one = |name: &str, claimed: bool, ok: bool| json!([name, claimed, ok]);
    let expected = [
        one("stream", false, true),
        one("tools", true, true),
        one("json_schema", false, true),
        one("vision", true, false),
        one("embeddings", false, true),
    ];
    assert_eq!(found, expected);
}

/// Without what depends on the clock.
fn masked(finding: &Value) -> Value {
    assert!(finding["latency_ms"].is_u64() && finding["ok"] == finding["error"].is_null(), "{finding:#?}");
    json!([finding["capability"], finding["claimed"], finding["ok"]])
}
