//! `/metrics` over sockets: what has happened stands there, for whoever may see it, in the format that they want.

use std::io::Read;

use super::upstream::{Gate, Step, Upstream, error, json_reply, talk};
use super::{CHAT, Gateway, UPSTREAM_KEY, one, question, soon, streamed, two};

/// The page, once `line` stands on it: an answer's end is counted when its client may have it already.
async fn page_with(gateway: &Gateway, line: &str) -> String {
    let scrape = async {
        loop {
            let page = gateway.get("/metrics").send().await.text().to_owned();
            if page.lines().any(|other| other == line) {
                return page;
            }
        }
    };
    soon(line, scrape).await
}

#[tokio::test]
async fn what_has_happened_stands_there() {
    let failing = Upstream::start(|_| error(500, "down")).await;
    let talking = Upstream::talking("你好").await;
    let config = two(&failing, &talking) + "prices: { m-b: { input: 1000000, output: 1000000 } }\n";
    let gateway = Gateway::start(&config).await;
    assert_eq!(gateway.chat("gpt-4").await.status, 200);
    assert_eq!(gateway.post(CHAT, streamed("gpt-4")).send().await.status, 200);
    assert_eq!(gateway.chat("no-such-model").await.status, 404);
    for line in [
        r#"llmgw_requests_total{model="gpt-4",provider="b",outcome="ok"} 2"#,
        r#"llmgw_requests_total{model="other",outcome="bad_request"} 1"#,
        r#"llmgw_attempts_total{provider="a",model="m-a",outcome="upstream_error"} 2"#,
        r#"llmgw_failovers_total{provider="a",model="m-a"} 2"#,
        r#"gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="gpt-4"} 1"#,
        r#"gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m-a",provider="a",error_type="500"} 2"#,
        r#"http_server_request_duration_seconds_count{http_request_method="POST",http_route="/v1/chat/completions",http_response_status_code="200"} 2"#,
        r#"llmgw_provider_connections{provider="b"} 1.0"#,
        r#"llmgw_upstream_state{provider="a",model="m-a",state="closed"} 1.0"#,
        r#"llmgw_requests_in_flight 0.0"#,
        r#"llmgw_config_last_reload_successful 1.0"#,
    ] {
        page_with(&gateway, line).await;
    }
    let page = gateway.get("/metrics").send().await;
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(page.text().contains("llmgw_cost_usd_total{model=\"gpt-4\",provider=\"b\"} "), "{}", page.text());
    assert!(!page.text().contains(UPSTREAM_KEY) && !page.text().contains("no-such-model"));
}

#[tokio::test]
async fn what_never_reaches_an_upstream_is_counted_too() {
    let upstream = Upstream::talking("好").await;
    let gateway =
        Gateway::start(&(one(&upstream) + "auth: { keys: [sk-client] }\nadmin: { key: sk-admin }\nserver: { max_body: 1kB }\n")).await;
    let refused = [
        (gateway.post(CHAT, question("m-a")), "POST", CHAT, 401),
        (gateway.post(CHAT, "x".repeat(2000)).bearer("sk-client"), "POST", CHAT, 413),
        (gateway.get(CHAT).bearer("sk-client"), "GET", CHAT, 405),
        (gateway.get("/wp-login.php"), "GET", "", 404),
        (super::Ask::new(gateway.address, "BREW", "/providers/a/tea").bearer("sk-other"), "_OTHER", "/providers/{name}/{path}", 401),
        (gateway.get("/metrics"), "GET", "/metrics", 401),
    ];
    let mut expected = Vec::new();
    for (ask, method, route, status) in refused {
        assert_eq!(ask.send().await.status, status, "{method} {route}");
        let route = if route.is_empty() { String::new() } else { format!(r#",http_route="{route}""#) };
        expected.push(format!(
            r#"http_server_request_duration_seconds_count{{http_request_method="{method}"{route},http_response_status_code="{status}"}} 1"#
        ));
    }
    let scrape = async {
        loop {
            let page = gateway.get("/metrics").bearer("sk-admin").send().await;
            if expected.iter().all(|line| page.text().contains(line)) {
                return page;
            }
        }
    };
    let page = soon("all of them", scrape).await;
    assert!(!page.text().contains("llmgw_requests_total{"), "no upstream was asked for");
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn what_is_going_on_stands_there() {
    let gate = Gate::new();
    let held = gate.clone();
    let upstream = Upstream::start(move |request| {
        let mut steps = vec![Step::Wait(held.clone())];
        steps.extend(talk(request, "好"));
        steps
    })
    .await;
    let config = one(&upstream).replace("models:", "max_in_flight: 1, models:");
    let gateway = Gateway::start(&config).await;
    let mut first = gateway.post(CHAT, question("m-a")).open().await;
    page_with(&gateway, r#"llmgw_provider_in_flight{provider="a"} 1.0"#).await;
    let mut second = gateway.post(CHAT, question("m-a")).open().await;
    let page = page_with(&gateway, "llmgw_requests_waiting 1.0").await;
    for line in ["llmgw_requests_in_flight 2.0", "http_server_active_requests 2.0", r#"llmgw_provider_in_flight_limit{provider="a"} 1.0"#] {
        assert!(page.contains(line), "{line}: {page}");
    }
    gate.open(2);
    assert_eq!((first.answer().await.status, second.answer().await.status), (200, 200));
    page_with(&gateway, "llmgw_requests_waiting 0.0").await;
}

#[tokio::test]
async fn what_is_measured_follows_a_reload() {
    let upstream =
        Upstream::start(
            |request| if request.target.contains("chat") { talk(request, "好") } else { json_reply(200, &serde_json::json!({})) },
        )
        .await;
    let keys = "auth: { keys: [{ name: team-a, key: sk-client }] }\nadmin: { key: sk-admin }\n";
    let config = one(&upstream) + keys;
    let gateway = Gateway::start(&config).await;
    let scrape = || gateway.get("/metrics").bearer("sk-admin");
    let ask = async || gateway.post(CHAT, question("m-a")).bearer("sk-client").send().await.status;
    let turn = |telemetry: &str| {
        gateway.set_config(&format!("{config}telemetry: {telemetry}\n"));
        assert_eq!(gateway.engine.reload(false).unwrap().restart_required, Vec::<String>::new());
    };
    turn("{ metrics: false }");
    assert_eq!(ask().await, 200);
    let refused = scrape().send().await;
    assert_eq!((refused.status, refused.message().contains("telemetry.metrics")), (404, true));
    turn("{ callers: true }");
    assert_eq!(ask().await, 200);
    let counted = async {
        let line = r#"llmgw_requests_total{caller="team-a",model="m-a",provider="a",outcome="ok"} 1"#;
        while !scrape().send().await.text().contains(line) {}
    };
    soon("the second request alone", counted).await;
    assert!(scrape().send().await.text().contains("llmgw_config_reloads_total{result=\"done\"} 2"));
    gateway.set_config("providers: []\nnonsense: true\n");
    assert!(gateway.engine.reload(false).is_err());
    let page = scrape().send().await;
    for line in ["llmgw_config_reloads_total{result=\"refused\"} 1", "llmgw_config_last_reload_successful 0.0"] {
        assert!(page.text().contains(line), "{line}");
    }
}

#[tokio::test]
async fn a_scraper_gets_the_format_and_the_encoding_that_it_asks_for() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let openmetrics = gateway.get("/metrics").header("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5").send().await;
    assert_eq!(openmetrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(openmetrics.text().ends_with("# EOF\n") && openmetrics.text().contains("# UNIT llmgw_overhead_seconds seconds\n"));
    let packed = gateway.get("/metrics").header("accept-encoding", "gzip").send().await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut page = String::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_string(&mut page).unwrap();
    assert!(page.starts_with("# HELP llmgw_requests_total "));
    assert_eq!(gateway.post("/metrics", "").send().await.status, 405);
}
