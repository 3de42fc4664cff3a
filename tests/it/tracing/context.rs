//! Which trace a request is in, and what each upstream is told of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use llmgw::telemetry::{Observer, Record, TraceContext};

use crate::gateway::{Behaviour, Gateway, TWO_ROUTES, hangs, question, says, status, text};

const CLIENTS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Wants spans, and keeps what it is told.
struct Tracer {
    records: Mutex<Vec<Arc<Record>>>,
    is_on: bool,
}

impl Observer for Tracer {
    fn finished(&self, record: &Arc<Record>) {
        self.records.lock().expect("no panic").push(record.clone());
    }

    fn wants_spans(&self) -> bool {
        self.is_on
    }
}

struct Asked {
    gateway: Gateway,
    record: Arc<Record>,
}

impl Asked {
    /// What the upstream of `name` was told last.
    fn told(&self, name: &str, header: &str) -> Option<String> {
        self.gateway.last_headers(name).get(header).map(|value| value.to_str().expect("text").to_owned())
    }
}

/// Asks with these headers.
async fn asked(is_on: bool, upstreams: [Behaviour; 2], config: &str, headers: &[(&'static str, &str)], stream: bool) -> Asked {
    let [a, b] = upstreams;
    let gateway = Gateway::with(config).upstream("a", a).upstream("b", b).start();
    let tracer = Arc::new(Tracer { records: Mutex::default(), is_on });
    gateway.engine.observe_by(vec![tracer.clone()]);
    let mut body = question("gpt-4");
    body["stream"] = stream.into();
    let mut job = gateway.job(&body);
    for (name, value) in headers {
        job.headers.append(*name, HeaderValue::from_str(value).expect("a header"));
    }
    text(gateway.engine.chat(job).await.expect("an answer")).await.expect("whole");
    let record = tracer.records.lock().expect("no panic").pop().expect("a record");
    Asked { gateway, record }
}

#[tokio::test(start_paused = true)]
async fn each_upstream_is_told_of_its_own_attempt() {
    let headers = [("traceparent", CLIENTS), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let asked = asked(true, [status(500), says("乙")], TWO_ROUTES, &headers, false).await;
    let (client, record) = (TraceContext::parse(CLIENTS).expect("valid"), &asked.record);
    let span = record.span.expect("traced");
    assert_eq!((record.traceparent, span.trace, record.tracestate.as_deref()), (Some(client), client.trace, Some("a=1,b=2")));
    assert_ne!(span.span, client.span);
    for (name, attempt) in [("a", 0), ("b", 1)] {
        let attempt = span.at(record.attempts[attempt].span.expect("traced"));
        assert_eq!(asked.told(name, "traceparent"), Some(attempt.to_string()));
        assert_eq!(asked.gateway.last_headers(name).get_all("tracestate").iter().count(), 2, "as it came");
    }
    assert_ne!(record.attempts[0].span, record.attempts[1].span);
}

#[tokio::test(start_paused = true)]
async fn a_race_has_two_spans() {
    let config = format!("{TWO_ROUTES}routing: {{ hedge_after: 1s }}\n");
    let asked = asked(true, [hangs(), says("乙")], &config, &[("traceparent", CLIENTS)], true).await;
    let [first, second] = [asked.told("a", "traceparent"), asked.told("b", "traceparent")];
    assert!(first != second && first.is_some_and(|told| told.starts_with(&CLIENTS[..36])));
    assert_eq!(asked.record.attempts[0].took, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn without_a_context_or_with_one_that_is_malformed_a_trace_begins_here() {
    for parent in [None, Some("00-not-a-trace-01"), Some("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")] {
        let mut headers = vec![("tracestate", "foreign=1")];
        headers.extend(parent.map(|parent| ("traceparent", parent)));
        let asked = asked(true, [says("甲"), says("乙")], TWO_ROUTES, &headers, false).await;
        let told = asked.told("a", "traceparent").expect("told");
        let told = TraceContext::parse(&told).expect("well-formed");
        assert_eq!((Some(told.trace), told.is_sampled()), (asked.record.span.map(|span| span.trace), true));
        assert_eq!((asked.record.traceparent, asked.told("a", "tracestate")), (None, None), "{parent:?}: a state of another trace");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_recorded_goes_by_untouched() {
    let unsampled = CLIENTS.replace("-01", "-00");
    for (is_on, parent) in [(true, unsampled.as_str()), (false, CLIENTS), (false, "malformed")] {
        let headers = [("traceparent", parent), ("tracestate", "a=1")];
        let asked = asked(is_on, [says("甲"), says("乙")], TWO_ROUTES, &headers, false).await;
        assert_eq!(asked.told("a", "traceparent").as_deref(), Some(parent));
        assert_eq!(asked.told("a", "tracestate").as_deref(), Some("a=1"));
        assert!(asked.record.span.is_none() && asked.record.attempts[0].span.is_none());
    }
}
