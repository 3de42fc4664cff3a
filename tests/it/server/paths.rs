//! Every path answers as it is documented.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::upstream::{Event, Gate, Step, Upstream, chunk, end, error, events_head, json_reply, reply, talk, word};
use super::{CHAT, Gateway, UPSTREAM_KEY, one, question, streamed, two};

const ALIAS: &str = "models: { gpt-4: { routes: [{ provider: a, model: m-a }] } }\n";

async fn aliased(upstream: &Upstream) -> Gateway {
    Gateway::start(&(one(upstream) + ALIAS)).await
}

#[tokio::test]
async fn json_reaches_its_upstream_with_only_the_models_name_changed_and_comes_back_as_it_is() {
    let answer = r#"{ "object":"list", "data" : [1.00, "\u597d"], "model":"theirs" }"#;
    let upstream = Upstream::start(move |_| reply(200, &[("content-type", "application/json")], answer.as_bytes())).await;
    let gateway = aliased(&upstream).await;
    for (path, member) in [
        ("/chat/completions", r#""messages":[{"role":"user","content":"gpt-4"}]"#),
        ("/completions", r#""prompt":"你好""#),
        ("/embeddings", r#""input":["你","好"]"#),
        ("/moderations", r#""input":"你好""#),
        ("/images/generations", r#""prompt":"猫""#),
        ("/images/edits", r#""prompt":"猫","images":[]"#),
        ("/rerank", r#""query":"你","documents":["好"]"#),
    ] {
        let body = format!(r#"{{ "x" : 1.00, {member} , "model" : "gpt-4","未知": "\u597d", "n":12345678901234567890 }}"#);
        let got = gateway.post(&format!("/v1{path}"), &body).send().await;
        assert_eq!((got.status, got.text()), (200, answer), "{path}");
        assert_eq!(got.header("content-type"), "application/json", "{path}");
        let named = ["x-llmgw-provider", "x-llmgw-model", "x-llmgw-attempts"].map(|name| got.header(name));
        assert_eq!(named, ["a", "m-a", "1"], "{path}");
        assert!(got.header("x-llmgw-overhead-ms").parse::<f64>().is_ok_and(|overhead| overhead >= 0.0), "{path}");
        let received = upstream.request().await;
        assert_eq!((received.method.as_str(), received.target.clone()), ("POST", format!("/v1{path}")));
        assert_eq!(String::from_utf8(received.body).unwrap(), body.replace(r#""model" : "gpt-4""#, r#""model" : "m-a""#), "{path}");
        assert_eq!(received.headers["authorization"], format!("Bearer {UPSTREAM_KEY}").as_str());
    }
}

#[tokio::test]
async fn a_form_keeps_every_byte_but_its_models_name() {
    let upstream = Upstream::saying(json!({ "text": "你好" })).await;
    let gateway = aliased(&upstream).await;
    let sound: Vec<u8> = (0..=255).cycle().take(70_000).chain(*b"\r\n--other\r\ngpt-4\r\n--").collect();
    let form = |model: &str| {
        let head = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"gpt-4.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n";
        let model = format!("\r\n--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--xx--\r\n");
        [head.as_bytes(), &sound, model.as_bytes()].concat()
    };
    for path in ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits", "/v1/images/variations"] {
        let got = gateway.post(path, "").body("multipart/form-data; boundary=xx", form("gpt-4")).send().await;
        assert_eq!((got.status, got.json()), (200, json!({ "text": "你好" })), "{path}");
        let received = upstream.request().await;
        assert_eq!(
            (received.target.as_str(), &received.headers["content-type"]),
            (path, &"multipart/form-data; boundary=xx".parse().unwrap())
        );
        assert!(received.body == form("m-a"), "{path}");
    }
}

#[tokio::test]
async fn speech_comes_through_while_it_is_spoken() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        vec![Step::Write(head), chunk(&[0, 255, 1]), Step::Wait(waiting.clone()), chunk(&[2; 9]), Step::Write(b"0\r\n\r\n".to_vec())]
    })
    .await;
    let gateway = aliased(&upstream).await;
    let mut wire = gateway.post("/v1/audio/speech", json!({ "model": "gpt-4", "input": "你好", "voice": "x" })).open().await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-type")), (200, "audio/mpeg"));
    assert_eq!(wire.piece().await, Ok(Some(vec![0, 255, 1])));
    gate.open(1);
    assert_eq!(wire.remainder().await, Ok(vec![2; 9]));
}

#[tokio::test]
async fn a_streamed_chat_comes_through_word_by_word() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let begun = [events_head(), word("你"), Step::Wait(waiting.clone()), word("好")];
        begun.into_iter().chain(end()).collect()
    })
    .await;
    let gateway = aliased(&upstream).await;
    let mut wire = gateway.post(CHAT, streamed("gpt-4")).open().await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-type"), head.header("cache-control")), (200, "text/event-stream", "no-cache"));
    assert_eq!((head.header("x-accel-buffering"), head.header("x-llmgw-provider")), ("no", "a"));
    wire.until("你").await;
    gate.open(1);
    let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
    assert!(rest.contains("好") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
}

#[tokio::test]
async fn models_are_listed_and_shown_by_ids_with_slashes() {
    let (a, b) = (Upstream::talking("好").await, Upstream::talking("好").await);
    let gateway = Gateway::start(&(two(&a, &b) + "routing: { max_attempts: 1 }\n")).await;
    for path in ["/v1/models", "/models"] {
        let list = gateway.get(path).send().await.json();
        let ids: BTreeSet<&str> = list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert_eq!((&list["object"], ids), (&json!("list"), BTreeSet::from(["gpt-4", "m-a", "a/m-a", "m-b", "b/m-b"])), "{path}");
    }
    for (path, id, owner) in [("gpt-4", "gpt-4", "a"), ("b/m-b", "b/m-b", "b"), ("b%2Fm-b", "b/m-b", "b")] {
        let entry = gateway.get(&format!("/v1/models/{path}")).send().await.json();
        assert_eq!((&entry["id"], &entry["object"], &entry["owned_by"]), (&json!(id), &json!("model"), &json!(owner)), "{path}");
    }
    assert_eq!(gateway.get("/v1/models/nobody").send().await.refusal(), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn a_models_test_is_a_real_call_and_a_200_whatever_it_finds() {
    let b = Upstream::start(|_| error(500, "boom")).await;
    let a = Upstream::talking("很好").await;
    let gateway = Gateway::start(&two(&a, &b)).await;
    for path in ["gpt-4", "a/m-a", "a%2Fm-a"] {
        let got = gateway.post(&format!("/v1/models/{path}/test"), json!({ "test_message": "在吗" })).send().await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        let tested = got.json();
        assert_eq!((&tested["ok"], &tested["provider"], &tested["reply"]), (&json!(true), &json!("a"), &json!("很好")), "{path}");
        assert!(tested["latency_ms"].is_u64() && tested["error"].is_null());
        assert_eq!(a.request().await.json()["messages"][0]["content"], "在吗");
    }
    assert_eq!(gateway.post("/v1/models/gpt-4/test", "").send().await.status, 200);
    assert_eq!(a.request().await.json()["messages"][0]["content"], "你好");
    let failed = gateway.post("/v1/models/b/m-b/test", "{}").send().await;
    assert_eq!((failed.status, &failed.json()["ok"]), (200, &json!(false)));
    assert!(failed.json()["error"].as_str().unwrap().contains("boom"));
    assert_eq!(gateway.post("/v1/models/nobody/test", "{}").send().await.refusal(), (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn what_names_a_provider_streams_both_ways_past_the_largest_body() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 206 Partial\r\ncontent-type: application/x-tar\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        vec![Step::Write(head), chunk(b"first"), Step::Wait(waiting.clone()), chunk(b"last"), Step::Write(b"0\r\n\r\n".to_vec())]
    })
    .await;
    let gateway = Gateway::start(&format!("server: {{ max_body: 1000 }}\n{}", one(&upstream))).await;
    let ask = gateway.post("/providers/a/files/a%2Fb?purpose=x%20y", "").body("application/json", "").header("x-extra", "1");
    let mut wire = ask.open_chunked().await;
    for count in 1..=30 {
        wire.write_chunk(&[7; 1000]).await;
        let here = count * 1000;
        upstream.until("a piece", |event| matches!(event, Event::Body(bytes) if bytes >= here).then_some(())).await;
    }
    wire.write(b"0\r\n\r\n").await;
    let received = upstream.request().await;
    assert_eq!((received.target.as_str(), received.body.len()), ("/v1/files/a%2Fb?purpose=x%20y", 30_000));
    assert_eq!(
        (&received.headers["x-extra"], &received.headers["authorization"]),
        (&"1".parse().unwrap(), &format!("Bearer {UPSTREAM_KEY}").parse().unwrap())
    );
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-type"), head.header("x-llmgw-provider")), (206, "application/x-tar", "a"));
    assert_eq!(wire.piece().await, Ok(Some(b"first".to_vec())));
    gate.open(1);
    assert_eq!(wire.remainder().await, Ok(b"last".to_vec()));
}

#[tokio::test]
async fn any_method_and_any_status_pass_through() {
    let upstream = Upstream::start(|request| match request.method.as_str() {
        "DELETE" => reply(204, &[], b""),
        "PUT" => json_reply(404, &json!({ "detail": "no such file" })),
        _ => json_reply(200, &json!({ "method": request.method })),
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for (method, status, body) in [("GET", 200, r#"{"method":"GET"}"#), ("DELETE", 204, ""), ("PUT", 404, r#"{"detail":"no such file"}"#)] {
        let got = super::client::Ask::new(gateway.address, method, "/providers/a/files/1").send().await;
        assert_eq!((got.status, got.text()), (status, body), "{method}");
    }
}

#[tokio::test]
async fn paths_that_name_no_model_go_where_they_are_told_or_nowhere() {
    let (a, b) = (Upstream::saying(json!({ "from": "a" })).await, Upstream::saying(json!({ "from": "b" })).await);
    let gateway = Gateway::start(&two(&a, &b)).await;
    let nowhere = gateway.get("/v1/files").send().await;
    assert_eq!(nowhere.refusal(), (404, "not_found".to_owned()));
    assert!(nowhere.message().contains("routing.passthrough"), "{}", nowhere.message());
    assert_eq!(gateway.get("/v1/files?x=1").header("x-llmgw-provider", "b").send().await.json()["from"], "b");
    assert_eq!(b.request().await.target, "/v1/files?x=1");
    assert_eq!(gateway.get("/v1/files").header("x-llmgw-provider", "c").send().await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(gateway.get("/providers/c/files").send().await.refusal(), (404, "not_found".to_owned()));

    gateway.set_config(&(two(&a, &b) + "routing: { passthrough: a }\n"));
    gateway.engine.reload(false).expect("a good configuration");
    assert_eq!(gateway.get("/v1/vector_stores/1").send().await.json()["from"], "a");
    assert_eq!(gateway.get("/v1/files").header("x-llmgw-provider", "b").send().await.json()["from"], "b");
}

#[tokio::test]
async fn no_path_leads_outside_of_a_base_url() {
    let upstream = Upstream::saying(json!({})).await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { passthrough: a }\n")).await;
    for path in [
        "/providers/a/../secret",
        "/providers/a/%2e%2e/secret",
        "/providers/a/x/..%2f..%2fsecret",
        "/providers/a//evil.example/",
        "/providers/a/%252e%252e/secret",
        "/v1/files/../../secret",
        "/v1/x/..\\..\\secret",
    ] {
        let got = gateway.get(path).send().await;
        assert_eq!(got.status, 400, "{path}: {}", got.text());
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn health_tells_what_is_left() {
    let (a, b) = (Upstream::absent(), Upstream::start(|_| error(500, "boom")).await);
    let gateway = Gateway::start(&(two(&a, &b) + "routing: { max_attempts: 1, cooldown: { failures: 1, for: 1h, max: 1h } }\n")).await;
    let expect = async |status: u16, word: &str, a: bool, b: bool| {
        for path in ["/health", "/v1/health"] {
            let got = gateway.get(path).send().await;
            let healthy = usize::from(a) + usize::from(b);
            let report = json!({ "status": word, "providers": { "a": a, "b": b }, "healthy_providers": healthy, "total_providers": 2 });
            assert_eq!((got.status, got.json()), (status, report), "{path}");
        }
    };
    expect(200, "healthy", true, true).await;
    assert_eq!(gateway.chat("m-a").await.status, 502);
    expect(200, "degraded", false, true).await;
    assert_eq!(gateway.chat("m-b").await.status, 502);
    expect(503, "unhealthy", false, false).await;
    // Alive and ready all the same: another process would fare no better.
    assert_eq!(gateway.get("/healthz").send().await.status, 200);
    assert_eq!(gateway.get("/readyz").send().await.status, 200);
}

#[tokio::test]
async fn status_tells_of_every_provider() {
    let (a, b) = (Upstream::absent(), Upstream::talking("好").await);
    let gateway = Gateway::start(&two(&a, &b)).await;
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-attempts"), "2");
    let status = gateway.get("/status").send().await.json();
    assert_eq!((&status["version"], &status["in_flight"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(0)));
    assert!(status["uptime_seconds"].is_u64() && status["config_age_seconds"].is_u64() && status["last_reload"].is_null());
    let text = status.to_string();
    assert!(text.contains("cannot connect") && !text.contains(UPSTREAM_KEY), "{text}");
    let [a, b] = [0, 1].map(|index| &status["providers"][index]);
    assert_eq!((&a["name"], &a["failures"], &b["name"], &b["failures"]), (&json!("a"), &json!(1), &json!("b"), &json!(0)));
    assert_eq!((&b["upstreams"][0]["model"], &b["upstreams"][0]["requests"]), (&json!("m-b"), &json!(1)));
}

#[tokio::test]
async fn a_reload_says_what_changed_and_a_check_changes_nothing() {
    let (a, b) = (Upstream::talking("甲").await, Upstream::talking("乙").await);
    let gateway = Gateway::start(&one(&a)).await;
    assert_eq!(gateway.chat("m-b").await.refusal(), (404, "model_not_found".to_owned()));
    gateway.set_config(&(two(&a, &b) + "server: { port: 9 }\n"));
    let checked = gateway.post("/reload?check=true", "").send().await;
    assert_eq!((checked.status, &checked.json()["providers_count"]), (200, &json!(2)), "{}", checked.text());
    assert_eq!(gateway.chat("m-b").await.status, 404);
    let reloaded = gateway.post("/reload", "").send().await;
    assert_eq!((reloaded.status, reloaded.json()), (200, checked.json()));
    let restarts = reloaded.json()["restart_required"].to_string();
    assert!(restarts.contains("server.port") && !reloaded.json()["changed"].as_array().unwrap().is_empty(), "{}", reloaded.text());
    assert_eq!(gateway.chat("m-b").await.status, 200);
    for path in ["/v1/reload", "/config/reload"] {
        let again = gateway.post(path, "").send().await;
        assert_eq!((again.status, &again.json()["changed"]), (200, &json!([])), "{path}");
    }

    gateway.set_config("providers:\n  - { name: a, base_url: nowhere, tmeout: 3s }\n");
    for path in ["/reload", "/reload?check=true"] {
        let bad = gateway.post(path, "").send().await;
        assert_eq!(bad.refusal(), (400, "invalid_config".to_owned()));
        let diagnostics = bad.json()["error"]["diagnostics"].to_string();
        assert!(diagnostics.contains("tmeout") && diagnostics.contains("llmgw.yaml:2"), "{diagnostics}");
    }
    assert_eq!(gateway.chat("m-b").await.status, 200);
    let last = gateway.get("/status").send().await.json()["last_reload"].clone();
    assert!(last["ok"] == json!(false) && last["error"].as_str().unwrap().contains("tmeout"), "{last}");
    assert_eq!(gateway.post("/reload?check=perhaps", "").send().await.status, 400);
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let upstream = Upstream::talking("好").await;
    let config = format!(
        "{}admin: {{ key: sk-admin-0123456789abcdef }}\nauth: {{ keys: [sk-client-0123456789abcdef, {{ name: team, key: sk-team-0123456789abcdef }}] }}\n",
        one(&upstream).replace(
            "models: [m-a]",
            "models: [m-a], headers: { X-Token: sk-header-0123456789abcdef }, proxy: \"http://user:geheim@127.0.0.1:9\""
        )
    );
    let gateway = Gateway::start(&config).await;
    let shown = gateway.get("/config").bearer("sk-admin-0123456789abcdef").send().await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    for secret in ["0123456789", "geheim"] {
        assert!(!shown.text().contains(secret), "{}", shown.text());
    }
    assert_eq!((&shown.json()["providers"][0]["name"], &shown.json()["server"]["port"]), (&json!("a"), &json!(8000)));
}

#[tokio::test]
async fn the_front_page_and_the_pages_to_come_say_what_they_are() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let index = gateway.get("/").send().await.json();
    assert_eq!((&index["name"], &index["version"]), (&json!("llmgw"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(index["endpoints"].as_array().is_some_and(|endpoints| endpoints.contains(&json!("POST /v1/chat/completions"))));
    for path in ["/v1/realtime"] {
        assert_eq!(gateway.get(path).send().await.refusal(), (501, "not_supported".to_owned()), "{path}");
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn auto_and_qualified_names_are_answered() {
    let upstream = Upstream::start(|request| talk(request, "好")).await;
    let config = one(&upstream).replace("models: [m-a]", "models: [m-a], default_model: m-a");
    let gateway = Gateway::start(&(config + "routing: { default_model: auto }\n")).await;
    for model in ["auto", "a/m-a", "m-a"] {
        assert_eq!(gateway.chat(model).await.header("x-llmgw-model"), "m-a", "{model}");
    }
    let mut without: Value = question("m-a");
    without.as_object_mut().unwrap().remove("model");
    assert_eq!(gateway.post(CHAT, without).send().await.header("x-llmgw-model"), "m-a");
    assert_eq!(upstream.count(), 4);
}

#[tokio::test]
async fn what_passes_through_keeps_its_length_its_encoding_and_its_words() {
    let large = format!("{{\"detail\":\"{}\"}}", "好".repeat(200_000));
    let wanted = large.clone();
    let upstream = Upstream::start(move |request| match request.method.as_str() {
        "POST" => json_reply(200, &json!({})),
        _ => reply(400, &[("content-type", "application/json")], large.as_bytes()),
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let packed = vec![0x1f, 0x8b, 8, 0, 255, 0];
    let ask = gateway.post("/providers/a/batches", "").body("application/json", packed.clone()).header("content-encoding", "gzip");
    assert_eq!(ask.send().await.status, 200);
    let received = upstream.request().await;
    assert_eq!(received.headers.get("content-encoding").map(|value| value.to_str().unwrap()), Some("gzip"), "the body is still packed");
    assert_eq!(received.headers.get("content-length").map(|value| value.to_str().unwrap()), Some("6"), "some upstreams want a length");
    assert_eq!(received.body, packed);

    assert_eq!(gateway.post("/providers/a/batches/1/cancel", "").body("", "").send().await.status, 200);
    assert_eq!(upstream.request().await.headers.get("content-length").map(|value| value.to_str().unwrap()), Some("0"));

    let got = gateway.get("/providers/a/files/x").send().await;
    assert_eq!((got.status, got.text() == wanted), (400, true), "{} bytes of {}", got.body.len(), wanted.len());
}

#[tokio::test]
async fn discovered_models_are_answered_and_listed() {
    let upstream = Upstream::start(|request| match request.target.as_str() {
        "/v1/models" => {
            json_reply(200, &json!({ "object": "list", "data": [{ "id": "vendor/one", "object": "model" }, { "id": "hidden" }] }))
        }
        _ => talk(request, "好"),
    })
    .await;
    let gateway = Gateway::start(&one(&upstream).replace("models: [m-a]", "match: [one]")).await;
    gateway.engine.start_tasks();
    for model in ["vendor/one", "a/vendor/one"] {
        assert_eq!(gateway.chat(model).await.header("x-llmgw-model"), "vendor/one", "{model}");
    }
    assert_eq!(gateway.chat("hidden").await.status, 404);
    let list = gateway.get("/v1/models").send().await.json();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["vendor/one", "a/vendor/one"]);
}

#[tokio::test]
async fn answers_without_a_body_pass_through() {
    let upstream = Upstream::start(|request| match request.method.as_str() {
        "HEAD" => vec![Step::Write(b"HTTP/1.1 200 OK\r\ncontent-type: x/y\r\ncontent-length: 5000\r\n\r\n".to_vec())],
        _ => vec![Step::Write(b"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n".to_vec())],
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for (method, status) in [("HEAD", "200"), ("GET", "304")] {
        let ask = super::client::Ask::new(gateway.address, method, "/providers/a/files/1").header("if-none-match", "\"1\"");
        let mut wire = ask.header("connection", "close").open().await;
        let text = super::soon("an answer", wire.closed()).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")) && text.ends_with("\r\n\r\n"), "{method}: {text}");
    }
}

#[tokio::test]
async fn an_upload_that_waits_to_be_told_to_go_on_is_told() {
    let upstream = Upstream::saying(json!({})).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let ask = gateway.post("/providers/a/files", "").body("application/json", "").header("expect", "100-continue");
    let mut wire = super::client::Wire::connect(gateway.address).await;
    wire.write(&ask.header("content-length", "5").to_bytes(false)).await;
    assert_eq!(wire.head().await.status, 100);
    wire.write(b"12345").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(upstream.request().await.body, b"12345");
}

#[tokio::test]
async fn a_transcription_is_streamed_if_so_asked() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let data = b"data: {\"type\":\"transcript.text.delta\",\"delta\":\"\xe4\xbd\xa0\"}\n\n";
        vec![events_head(), chunk(data), Step::Wait(waiting.clone()), Step::Write(b"0\r\n\r\n".to_vec())]
    })
    .await;
    let gateway = aliased(&upstream).await;
    let form = "--xx\nContent-Disposition: form-data; name=\"model\"\n\ngpt-4\n--xx\nContent-Disposition: form-data; name=\"stream\"\n\ntrue\n--xx--\n";
    let ask = gateway.post("/v1/audio/transcriptions", "").body("multipart/form-data; boundary=xx", form.replace('\n', "\r\n"));
    let mut wire = ask.open().await;
    assert_eq!(wire.head().await.header("content-type"), "text/event-stream");
    wire.until("你").await;
    gate.open(1);
    assert_eq!(wire.remainder().await, Ok(vec![]));
}
