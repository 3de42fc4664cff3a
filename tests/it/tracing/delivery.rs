//! How traces reach a collector, or do not, and that no request waits for it.

use std::time::Duration;

use llmgw::telemetry::metrics::SpanCounts;
use llmgw::traces::Traces;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::collector::{Collector, Reply};
use super::{finish, traces_of, tree};
use crate::gateway::{Gateway, TWO_ROUTES, says, text};
use crate::server::soon;

fn gateway(config: &str) -> (Gateway, Traces) {
    let gateway = Gateway::with(&format!("{TWO_ROUTES}{config}")).upstream("a", says("甲")).start();
    let traces = traces_of(&gateway.engine);
    (gateway, traces)
}

async fn ask(gateway: &Gateway, times: usize) {
    for _ in 0..times {
        text(gateway.ask("gpt-4").await.expect("an answer")).await.expect("whole");
    }
}

/// Spans of one request.
const EACH: u64 = 4;

#[tokio::test]
async fn over_grpc_as_others_serve_it() {
    let collector = Collector::grpc().await;
    // An endpoint alone: without a path and HTTP's port it is gRPC's.
    let (gateway, traces) = gateway(&format!("telemetry: {{ otlp: {{ endpoint: \"http://{}\" }} }}\n", collector.address));
    ask(&gateway, 3).await;
    finish(&traces).await;
    assert_eq!(traces.counts(), SpanCounts { exported: 3 * EACH, ..SpanCounts::default() });
    assert_eq!(collector.spans().len(), 12, "{}", tree(&collector.spans()));
}

#[tokio::test]
async fn over_http_with_who_sends_them() {
    let collector = Collector::http().await;
    let (gateway, traces) = gateway(&collector.config(""));
    ask(&gateway, 3).await;
    finish(&traces).await;
    collector.with_batches(|batches| {
        let [batch] = batches else { panic!("one batch") };
        assert_eq!(batch.headers["content-type"], "application/x-protobuf");
        assert!(batch.headers["user-agent"].to_str().expect("text").starts_with("OTel-OTLP-Exporter-llmgw/"));
        let [resource] = batch.request.resource_spans.as_slice() else { panic!("one resource") };
        let about = &resource.resource.as_ref().expect("a resource").attributes;
        assert_eq!(about[0].key, "service.name");
        assert_eq!(resource.scope_spans[0].scope.as_ref().expect("a scope").name, "llmgw");
        assert_eq!(resource.scope_spans[0].spans.len() as u64, 3 * EACH);
    });
}

#[tokio::test]
async fn without_being_told_so_within_a_second_or_two() {
    let collector = Collector::http().await;
    let (gateway, _traces) = gateway(&collector.config(""));
    ask(&gateway, 1).await;
    collector.came(1).await;
}

#[tokio::test]
async fn a_collector_that_is_busy_gets_them_later() {
    let collector = Collector::replying([Reply::Status(503, Some(0)), Reply::Status(429, Some(0)), Reply::Status(502, Some(0))]).await;
    let (gateway, traces) = gateway(&collector.config(""));
    ask(&gateway, 2).await;
    collector.came(4).await;
    finish(&traces).await;
    assert_eq!((collector.spans().len() as u64, traces.counts().exported), (2 * EACH, 2 * EACH));
}

#[tokio::test]
async fn what_a_collector_refuses_is_not_sent_again() {
    let collector = Collector::replying([Reply::Status(400, None)]).await;
    let (gateway, traces) = gateway(&collector.config(""));
    ask(&gateway, 1).await;
    collector.came(1).await;
    ask(&gateway, 1).await;
    finish(&traces).await;
    assert_eq!((collector.count(), traces.counts()), (2, SpanCounts { exported: EACH, failed: EACH, dropped: 0 }));
}

#[tokio::test]
async fn a_collector_that_comes_up_late_gets_what_waited() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let (gateway, traces) = gateway(&format!("telemetry: {{ otlp: {{ endpoint: \"http://{address}\", protocol: http/protobuf }} }}\n"));
    let begun = Instant::now();
    ask(&gateway, 20).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for a collector");
    let collector = Collector::serving(TcpListener::bind(address).await.expect("the same port"), []);
    collector.came(1).await;
    finish(&traces).await;
    assert_eq!(traces.counts(), SpanCounts { exported: 20 * EACH, ..SpanCounts::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_silent_costs_traces_but_neither_time_nor_answers() {
    let collector = Collector::replying([Reply::Hang; 8]).await;
    let (gateway, traces) = gateway(&collector.config(""));
    ask(&gateway, 200).await;
    // The exporter is busy with the first batch from now on.
    collector.came(1).await;
    ask(&gateway, 3000).await;
    assert!(traces.counts().dropped >= 500, "{:?}", traces.counts());
    let begun = Instant::now();
    soon("the end", finish(&traces)).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "the end waits for nobody for long");
    let SpanCounts { exported, failed, dropped } = traces.counts();
    assert!(exported == 0 && failed > 0 && dropped < 3200);
}

#[tokio::test]
async fn a_reload_turns_it_on_and_elsewhere_and_off() {
    let (first, second) = (Collector::http().await, Collector::http().await);
    let (gateway, traces) = gateway("");
    let reload = |config: &str| gateway.reload(&format!("{TWO_ROUTES}{config}")).unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
    ask(&gateway, 1).await;
    assert!(gateway.last_headers("a").get("traceparent").is_none(), "off");
    let reloaded = reload(&first.config(""));
    assert!(
        reloaded.restart_required.is_empty() && reloaded.changed.iter().all(|path| path.starts_with("telemetry.otlp.")),
        "{reloaded:?}"
    );
    ask(&gateway, 1).await;
    reload(&second.config(""));
    ask(&gateway, 2).await;
    // What was gathered goes to where it was to go.
    first.came(1).await;
    second.came(1).await;
    reload("");
    ask(&gateway, 1).await;
    assert!(gateway.last_headers("a").get("traceparent").is_none(), "off again");
    finish(&traces).await;
    assert_eq!((first.spans().len() as u64, second.spans().len() as u64), (EACH, 2 * EACH));
}

#[tokio::test]
async fn the_end_sends_what_waits() {
    let collector = Collector::http().await;
    let (gateway, traces) = gateway(&collector.config(""));
    ask(&gateway, 400).await;
    finish(&traces).await;
    assert_eq!((collector.spans().len() as u64, traces.counts().exported), (400 * EACH, 400 * EACH));
    ask(&gateway, 1).await;
    assert_eq!(collector.spans().len() as u64, 400 * EACH, "after the end nothing is taken");
}
