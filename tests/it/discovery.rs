//! Upstreams of every type are asked for their models where they have them, with the credential where they want it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::gateway::{Behaviour, Gateway, json_reply};

/// Name and settings of a provider; the list's address, the header with the key, and the list; the models in it.
type Case = (&'static str, &'static str, &'static str, (&'static str, &'static str), Value, &'static [&'static str]);

fn cases() -> [Case; 5] {
    [
        (
            "anthropic",
            "base_url: \"http://a.test\", api_key: k-0123456789",
            "http://a.test/v1/models?limit=1000",
            ("x-api-key", "k-0123456789"),
            json!({ "data": [{ "type": "model", "id": "claude-x" }], "has_more": false }),
            &["claude-x"],
        ),
        (
            "gemini",
            "base_url: \"http://g.test\", api_key: k-0123456789",
            "http://g.test/v1beta/models?pageSize=1000",
            ("x-goog-api-key", "k-0123456789"),
            json!({ "models": [
                { "name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"] },
                { "name": "models/imagen-x", "supportedGenerationMethods": ["predict"] },
            ] }),
            &["gemini-x"],
        ),
        (
            "azure",
            "base_url: \"http://z.test\", api_key: k-0123456789",
            "http://z.test/openai/v1/models",
            ("api-key", "k-0123456789"),
            json!({ "data": [{ "id": "gpt-x" }] }),
            &["gpt-x"],
        ),
        (
            "ollama",
            "base_url: \"http://o.test\", api_key: k-0123456789",
            "http://o.test/api/tags",
            ("authorization", "Bearer k-0123456789"),
            json!({ "models": [{ "name": "qwen3:8b", "model": "qwen3:8b" }] }),
            &["qwen3:8b"],
        ),
        (
            "openai",
            "base_url: \"http://p.test/v1\", api_key: k-0123456789",
            "http://p.test/v1/models",
            ("authorization", "Bearer k-0123456789"),
            json!({ "data": [{ "id": "m" }] }),
            &["m"],
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_type_is_asked_in_its_own_way() {
    let provider = |(kind, settings, ..): &Case| format!("{{ name: {kind}, type: {kind}, {settings} }}");
    let config = format!("providers: [{}]", cases().iter().map(provider).collect::<Vec<_>>().join(", "));
    let mut builder = Gateway::with(&config);
    for (kind, _, address, (header, value), list, _) in cases() {
        let lists: Behaviour = Arc::new(move |request, _| {
            assert_eq!(request.uri().to_string(), address);
            assert_eq!(request.headers()[header], value);
            json_reply(200, &list)
        });
        builder = builder.upstream(kind, lists);
    }
    let gateway = builder.start();
    assert_eq!(gateway.engine.discover().await, []);
    let rows = gateway.engine.models();
    for (kind, .., models) in cases() {
        let found: Vec<&str> = rows.iter().filter(|row| row.provider == kind && row.source == "discovered").map(|row| &*row.name).collect();
        assert!(models.iter().all(|model| found.contains(model)), "{kind}: {found:?}");
        assert!(!found.iter().any(|name| name.contains("imagen")), "{found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_list_nobody_is_asked() {
    let config = "providers: [
        { name: bedrock, type: bedrock, region: us-east-1, access_key_id: AKI, secret_access_key: s },
        { name: vertex, type: vertex, project: p, api_key: k },
    ]";
    let nobody: fn() -> Behaviour = || Arc::new(|request, _| panic!("{} was asked", request.uri()));
    let gateway = Gateway::with(config).upstream("bedrock", nobody()).upstream("vertex", nobody()).start();
    let mut failed = gateway.engine.discover().await;
    failed.sort();
    let reason = "cannot address the upstream: it has no list of models";
    assert_eq!(failed, ["bedrock", "vertex"].map(|name| (name.to_owned(), reason.to_owned())));
}
