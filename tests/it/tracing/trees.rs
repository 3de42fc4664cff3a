//! Which spans a request has, and what they say.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method};
use llmgw::engine::Forward;
use llmgw::transport::Payload;
use llmgw::transport::memory::Step;
use tokio::time::Instant;

use super::collector::{Collector, Seen};
use super::{finish, named, traces_of, tree};
use crate::gateway::{
    Behaviour, Gateway, TWO_ROUTES, content, done, events, finish as finish_reason, hangs, question, role, says, status, streams, text,
    usage,
};
use crate::server;
use crate::server::upstream::{self, Upstream, events_head, word};
use crate::server::{CHAT, one, streamed};

const CLIENTS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The spans of a question, asked with these headers; whatever comes of it.
async fn spans_of(config: &str, upstreams: [Behaviour; 2], headers: &[(&'static str, &str)], stream: bool) -> Vec<Seen> {
    let collector = Collector::http().await;
    let [a, b] = upstreams;
    let gateway = Gateway::with(&format!("{config}{}", collector.config(""))).upstream("a", a).upstream("b", b).start();
    let traces = traces_of(&gateway.engine);
    let mut body = question("gpt-4");
    body["stream"] = stream.into();
    let mut job = gateway.job(&body);
    for (name, value) in headers {
        job.headers.append(*name, HeaderValue::from_str(value).expect("a header"));
    }
    if let Ok(reply) = gateway.engine.chat(job).await {
        let _ = text(reply).await;
    }
    finish(&traces).await;
    collector.spans()
}

#[tokio::test]
async fn a_failover_is_a_request_a_plan_a_call_and_two_attempts() {
    let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let config = format!("{TWO_ROUTES}prices: {{ m-b: {{ input: 1, output: 2 }} }}\n");
    let spans = spans_of(&config, [status(500), says("你好")], &[("traceparent", CLIENTS), ("tracestate", "a=1")], false).await;
    let after = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let expected = "\
Server POST /v1/chat/completions
  Internal plan
  Client chat gpt-4
    Client POST a/m-a
    Client POST b/m-b
";
    assert_eq!(tree(&spans), expected);
    let [request, plan, call, first, second] = spans.as_slice() else { panic!("five") };
    assert_eq!(
        (request.trace.as_str(), request.parent.as_str(), request.span.trace_state.as_str()),
        (&CLIENTS[3..35], &CLIENTS[36..52], "a=1")
    );
    assert!(
        spans.iter().all(|span| span.trace == request.trace && before <= span.begun && span.begun <= span.ended && span.ended <= after)
    );
    assert!(spans.iter().all(|span| request.begun <= span.begun && span.ended <= request.ended), "none outlives its request");
    // The client's parent is in another process, and it is known of all whether theirs is.
    assert_eq!(spans.iter().map(|span| span.span.flags).collect::<Vec<_>>(), [0x301, 0x101, 0x101, 0x101, 0x101]);
    let says = [
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("http.route", "/v1/chat/completions"),
        ("url.scheme", "http"),
        ("llmgw.caller", "anonymous"),
        ("llmgw.attempts", "2"),
        ("error.type", ""),
    ];
    says.iter().for_each(|(name, value)| assert_eq!(request.says(name), *value, "{name}"));
    assert!(request.says("llmgw.request_id").starts_with("req-"));
    assert_eq!((plan.says("llmgw.routes"), plan.says("llmgw.resolved_by")), ("a/m-a | b/m-b", "an entry of `models`"));
    let says = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4"),
        ("gen_ai.response.model", "m-b"),
        ("gen_ai.usage.input_tokens", "3"),
        ("gen_ai.usage.output_tokens", "2"),
        ("server.address", "b.test"),
        ("server.port", "80"),
        ("openai.api.type", "chat_completions"),
        ("llmgw.cost_usd", "0.000007"),
        ("gen_ai.request.stream", ""),
        ("error.type", ""),
        ("gen_ai.input.messages", ""),
    ];
    says.iter().for_each(|(name, value)| assert_eq!(call.says(name), *value, "{name}"));
    let says = [
        ("http.response.status_code", "500"),
        ("error.type", "500"),
        ("server.address", "a.test"),
        ("http.request.resend_count", ""),
        ("llmgw.outcome", "upstream_error"),
    ];
    says.iter().for_each(|(name, value)| assert_eq!(first.says(name), *value, "{name}"));
    assert_eq!((first.error.as_deref(), first.event_names()), (Some("upstream says 500"), vec!["first byte"]));
    assert_eq!((second.error.as_deref(), second.says("http.request.resend_count"), second.says("llmgw.outcome")), (None, "1", "ok"));
    assert!(spans.iter().filter(|span| span.error.is_some()).count() == 1, "what was mended is no error of the request");
}

#[tokio::test]
async fn a_streams_times_are_events() {
    let pause = || Step::Wait(Duration::from_millis(20));
    let late = Arc::new(move |_: &_, _| events(vec![role(), pause(), content("好"), finish_reason("stop"), usage(), done()]));
    let spans = spans_of(TWO_ROUTES, [late, says("乙")], &[], true).await;
    let (call, attempt) = (named(&spans, "chat gpt-4"), named(&spans, "POST a/m-a"));
    assert_eq!((call.says("gen_ai.request.stream"), attempt.event_names()), ("true", vec!["first byte", "first token"]));
    let first: f64 = call.says("gen_ai.response.time_to_first_chunk").parse().expect("seconds");
    let (_, _, token) = &attempt.events[1];
    assert!(first >= 0.02 && (token.as_secs_f64() - call.begun.as_secs_f64() - first).abs() < 0.001, "{first}");
    assert!(attempt.events[0].2 < *token && *token <= attempt.ended);
}

#[tokio::test]
async fn an_attempt_over_sockets_says_how_long_its_connection_took() {
    let (upstream, collector) = (Upstream::talking("你好").await, Collector::http().await);
    let gateway = server::Gateway::start(&format!("{}{}", one(&upstream), collector.config(""))).await;
    let traces = traces_of(&gateway.engine);
    for _ in 0..2 {
        assert_eq!(gateway.chat("m-a").await.status, 200);
    }
    finish(&traces).await;
    let attempts: Vec<Seen> = collector.spans().into_iter().filter(|span| span.name == "POST a/m-a").collect();
    assert_eq!(attempts[0].event_names(), ["connected", "first byte"]);
    assert!(attempts[0].events[0].1["llmgw.took"].parse::<f64>().expect("seconds") > 0.0);
    assert_eq!(attempts[1].event_names(), ["first byte"], "the connection stood");
    assert_eq!((attempts[0].says("server.address"), attempts[0].says("server.port")), ("127.0.0.1", &*upstream.address.port().to_string()));
    let request = collector.spans().into_iter().find(|span| span.name == "POST /v1/chat/completions").expect("a request");
    assert_eq!(request.says("client.address"), "127.0.0.1");
}

#[tokio::test]
async fn the_loser_of_a_race_has_a_span_and_is_no_error() {
    let config = format!("{TWO_ROUTES}routing: {{ hedge_after: 20ms }}\n");
    let spans = spans_of(&config, [hangs(), says("乙")], &[], true).await;
    let (lost, won) = (named(&spans, "POST a/m-a"), named(&spans, "POST b/m-b"));
    assert_eq!((lost.says("llmgw.outcome"), &lost.error, lost.says("error.type")), ("abandoned", &None, ""));
    assert_eq!((won.says("llmgw.hedge"), won.says("llmgw.outcome")), ("true", "ok"));
    assert!(lost.begun < won.begun && won.begun < lost.ended, "side by side");
    let call = named(&spans, "chat gpt-4");
    assert_eq!((call.begun, call.says("server.address")), (lost.begun, "b.test"));
}

#[tokio::test]
async fn who_was_passed_over_is_an_event_with_the_reason() {
    let collector = Collector::http().await;
    let config = format!("{TWO_ROUTES}routing: {{ cooldown: {{ failures: 1, for: 1h, max: 1h }} }}\n{}", collector.config(""));
    let gateway = Gateway::with(&config).upstream("a", status(500)).upstream("b", says("乙")).start();
    let traces = traces_of(&gateway.engine);
    for _ in 0..2 {
        text(gateway.ask("gpt-4").await.expect("an answer")).await.expect("whole");
    }
    finish(&traces).await;
    let spans = collector.spans();
    let plans: Vec<&Seen> = spans.iter().filter(|span| span.name == "plan").collect();
    assert_eq!((plans[0].events.len(), plans[1].event_names()), (0, vec!["route skipped"]));
    let (_, about, at) = &plans[1].events[0];
    assert_eq!((about["llmgw.provider"].as_str(), about["llmgw.upstream_model"].as_str()), ("a", "m-a"));
    assert!(about["llmgw.reason"].starts_with("cooling") && plans[1].begun <= *at && *at <= plans[1].ended, "{about:?}");
}

#[tokio::test]
async fn a_request_that_failed_is_an_error_on_every_level() {
    let config = format!("{TWO_ROUTES}routing: {{ max_attempts: 2 }}\n");
    let spans = spans_of(&config, [status(500), status(503)], &[], false).await;
    let (request, call) = (named(&spans, "POST /v1/chat/completions"), named(&spans, "chat gpt-4"));
    assert_eq!((request.says("http.response.status_code"), request.says("error.type")), ("502", "502"));
    assert_eq!((call.says("error.type"), call.says("gen_ai.provider.name"), call.says("gen_ai.response.model")), ("503", "openai", ""));
    assert!(request.error.as_deref().is_some_and(|message| message.contains("upstream says 500")), "{:?}", request.error);
}

#[tokio::test]
async fn a_clients_own_mistake_is_no_error_of_the_server() {
    let spans =
        spans_of("providers: [{ name: a, base_url: \"http://a.test/v1\", models: [m] }]\n", [says("甲"), says("乙")], &[], false).await;
    assert_eq!(tree(&spans), "Server POST /v1/chat/completions\n", "nobody was asked");
    assert_eq!(
        (spans[0].says("http.response.status_code"), spans[0].says("llmgw.outcome"), &spans[0].error),
        ("404", "bad_request", &None)
    );
}

#[tokio::test]
async fn a_stream_that_broke_off_is_an_error_although_it_began_with_200() {
    let spans = spans_of(TWO_ROUTES, [streams(vec![role(), content("你")]), says("乙")], &[], true).await;
    let (request, call) = (named(&spans, "POST /v1/chat/completions"), named(&spans, "chat gpt-4"));
    assert_eq!((request.says("http.response.status_code"), request.says("error.type")), ("200", "cut_off"));
    assert_eq!(
        (call.says("error.type"), call.says("llmgw.usage.counted"), call.says("llmgw.usage.output_tokens")),
        ("cut_off", "partial", "1")
    );
    assert_eq!(call.says("gen_ai.usage.output_tokens"), "", "nobody reported it");
}

#[tokio::test]
async fn a_client_that_leaves_is_nobodys_error() {
    let upstream = Upstream::start(|request| match request.json()["stream"].as_bool() {
        Some(true) => vec![events_head(), word("你"), upstream::Step::Never],
        _ => vec![upstream::Step::Never],
    });
    let (upstream, collector) = (upstream.await, Collector::http().await);
    let gateway = server::Gateway::start(&format!("{}{}", one(&upstream), collector.config(""))).await;
    let traces = traces_of(&gateway.engine);
    let wire = gateway.post(CHAT, server::question("m-a")).open().await;
    upstream.request().await;
    drop(wire);
    upstream.closed().await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until("你").await;
    drop(wire);
    upstream.closed().await;
    while gateway.engine.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    finish(&traces).await;
    let spans = collector.spans();
    let requests: Vec<&Seen> = spans.iter().filter(|span| span.name.ends_with("completions")).collect();
    let status: Vec<&str> = requests.iter().map(|request| request.says("http.response.status_code")).collect();
    assert_eq!(status, ["", "200"], "the first was told nothing");
    assert_eq!(spans.iter().filter(|span| span.says("llmgw.outcome") == "client_gone").count(), 4);
    assert!(spans.iter().all(|span| span.error.is_none() && span.says("error.type").is_empty()));
}

#[tokio::test]
async fn who_does_not_record_his_trace_is_not_exported() {
    let unsampled = CLIENTS.replace("-01", "-00");
    let spans = spans_of(TWO_ROUTES, [says("甲"), says("乙")], &[("traceparent", &unsampled)], false).await;
    assert!(spans.is_empty(), "{}", tree(&spans));
    let spans = spans_of(TWO_ROUTES, [says("甲"), says("乙")], &[("traceparent", "00-malformed-01")], false).await;
    assert_eq!((spans.len(), spans[0].parent.as_str()), (4, ""), "a trace of its own");
}

#[tokio::test]
async fn what_is_passed_through_has_a_span_for_itself_and_its_attempt() {
    let collector = Collector::http().await;
    let gateway = Gateway::with(&format!("{TWO_ROUTES}{}", collector.config(""))).upstream("a", says("甲")).start();
    let traces = traces_of(&gateway.engine);
    let job = gateway.job(&question("gpt-4"));
    let forward = Forward {
        snapshot: job.snapshot,
        id: job.id,
        caller: job.caller,
        client: None,
        provider: Some("a".to_owned()),
        key: None,
        method: Method::DELETE,
        path: "/files/file-1?secret=in-the-query".to_owned(),
        headers: [("traceparent".parse().unwrap(), CLIENTS.parse().unwrap())].into_iter().collect(),
        body: Payload::empty(),
        received: Instant::now(),
    };
    text(gateway.engine.forward(forward).await.expect("an answer")).await.expect("whole");
    finish(&traces).await;
    let spans = collector.spans();
    assert_eq!(tree(&spans), "Server DELETE\n  Client DELETE a\n");
    assert_eq!((spans[0].says("url.path"), spans[0].trace.as_str()), ("/files/file-1", &CLIENTS[3..35]));
    let told = gateway.last_headers("a")["traceparent"].to_str().expect("text").to_owned();
    assert_eq!(told, format!("00-{}-{}-01", spans[1].trace, spans[1].id));
    assert!(!format!("{spans:?}").contains("in-the-query"));
}

#[tokio::test]
async fn two_gateways_in_a_row_share_one_trace() {
    let (upstream, collector) = (Upstream::talking("你好").await, Collector::http().await);
    let second = server::Gateway::start(&format!("{}{}", one(&upstream), collector.config(""))).await;
    let config =
        format!("providers: [{{ name: next, base_url: \"http://{}/v1\", models: [m-a] }}]\n{}", second.address, collector.config(""));
    let first = server::Gateway::start(&config).await;
    let (traces_of_second, traces_of_first) = (traces_of(&second.engine), traces_of(&first.engine));
    assert_eq!(first.post(CHAT, server::question("m-a")).header("traceparent", CLIENTS).send().await.status, 200);
    finish(&traces_of_first).await;
    finish(&traces_of_second).await;
    let expected = "\
Server POST /v1/chat/completions
  Internal plan
  Client chat m-a
    Client POST next/m-a
      Server POST /v1/chat/completions
        Internal plan
        Client chat m-a
          Client POST a/m-a
";
    let spans = collector.spans();
    assert_eq!(tree(&spans), expected);
    assert!(spans.iter().all(|span| span.trace == CLIENTS[3..35]));
    let told = upstream.request().await.headers["traceparent"].to_str().expect("text").to_owned();
    assert!(told.starts_with(&CLIENTS[..36]) && told.contains(&named(&spans, "POST a/m-a").id));
}
