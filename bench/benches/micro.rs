//! What single steps of a request's way cost: `make bench-micro`.
//!
//! Compares commits on one machine (`--save-baseline`, `--baseline`); `instructions` is the steadier judge of whole requests.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot begin has nothing else to do")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use llmgw::access::KeyRing;
use llmgw::config::env::Env;
use llmgw::config::load::{Overrides, load_text};
use llmgw::config::{Config, Params, Secret, Telemetry};
use llmgw::dialects::head::Head;
use llmgw::dialects::openai_chat::glance;
use llmgw::dialects::sse::Framer;
use llmgw::engine::adapt::adapt;
use llmgw::engine::demand::{Body, Demand};
use llmgw::hub::{Endpoint, Kind, Outcome, Provenance, Usage};
use llmgw::routing::{Board, Millis, NothingDiscovered, RouteTable, plan};
use llmgw::telemetry::Metrics;
use llmgw::telemetry::metrics::{Exchange, Vocabulary};
use llmgw::telemetry::record::{Attempt, Cost, Peer, Record, Route};
use llmgw::telemetry::redact::{Known, redact};
use llmgw::usage::Prices;
use rand::SeedableRng;
use rand::rngs::SmallRng;

const SIZES: [(&str, usize); 4] = [("1 KB", 1_000), ("100 KB", 100_000), ("1 MB", 1_000_000), ("10 MB", 10_000_000)];

/// As the log has it for each request.
const LINE: &str = "2026-11-28T01:13:32.404408Z  INFO request{id=req-614be2994c9a6f16c480}: finished client=127.0.0.1 caller=\"team-a\" \
                    model=\"gpt-4\" provider=\"openai\" upstream_model=\"gpt-4o\" attempts=1 status=200 outcome=\"ok\" upstream_ms=1.6 \
                    total_ms=1.6 bytes=875 chunks=1 input_tokens=100 output_tokens=100 tokens_are=\"reported\"";

/// A chat of about `size` bytes, half of it Chinese.
fn chat(size: usize) -> Bytes {
    let turn = r#"{"role":"user","content":"How many roads must a man walk down? 一个人要走过多少路，才能被称为人？\n"}"#;
    let turns = vec![turn; (size / turn.len()).max(1)].join(",");
    format!(r#"{{"model":"gpt-4","stream":false,"temperature":0.7,"messages":[{turns}]}}"#).into()
}

fn config(models: usize, keys: usize) -> Config {
    let models: String = (0..models).map(|number| format!("  model-{number}: {{ routes: [{{ provider: a, model: m }}] }}\n")).collect();
    let keys: String = (0..keys).map(|number| format!("    - {{ name: team-{number}, key: sk-bench-{number:08} }}\n")).collect();
    let provider = "providers: [{ name: a, type: openai, base_url: 'http://localhost/v1', models: [m] }]";
    let text = format!("{provider}\nmodels:\n{models}auth:\n  keys:\n{keys}");
    let loaded = load_text("bench.yaml", &text, Path::new("."), &Env::default(), &Overrides::default());
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).config
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("head scan");
    for (name, size) in SIZES {
        let body = chat(size);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| Head::read(Endpoint::ChatCompletions, black_box(body.clone()))));
    }
    group.finish();
    let mut group = criterion.benchmark_group("model splice");
    for (name, size) in SIZES {
        let request = Head::read(Endpoint::ChatCompletions, chat(size)).expect("a request");
        let demand = Demand::new(Endpoint::ChatCompletions, "gpt-4".to_owned(), Body::Json(request));
        let params = Params::default();
        group.bench_function(name, |bencher| bencher.iter(|| adapt(black_box(&demand), "gpt-4o", &params, true)));
    }
    group.finish();
    let answer = Bytes::from(format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},
        "finish_reason":"stop"}}],"usage":{{"prompt_tokens":100,"completion_tokens":100,"total_tokens":200}}}}"#,
        "你好，".repeat(100)
    ));
    criterion.bench_function("answer", |bencher| bencher.iter(|| glance(black_box(&answer))));
}

fn look_ups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for count in [1, 100, 10_000] {
        let config = config(count, 1);
        let table = RouteTable::new(&config, &Prices::with_overrides(&config.prices), &Board::default());
        let name = format!("model-{}", count / 2);
        let mut rng = SmallRng::seed_from_u64(1);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| plan(&table, &NothingDiscovered, black_box(&name), Millis::default(), &mut rng));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("key look-up");
    for count in [1, 10_000] {
        let ring = KeyRing::new(&config(1, count).auth);
        let key = format!("sk-bench-{:08}", count / 2);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| bencher.iter(|| ring.authenticate(black_box(Some(&key)))));
    }
    group.finish();
}

fn streams(criterion: &mut Criterion) {
    let event = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"你好"},"finish_reason":null}],"usage":null}"#;
    let chunk = Bytes::from(format!("{event}\n\n").repeat(100));
    let mut group = criterion.benchmark_group("100 events");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    let frame = |mut framer: Framer| {
        let _ = framer.push(black_box(chunk.clone()));
        std::iter::from_fn(move || framer.next_frame()).count()
    };
    group.bench_function("cut", |bencher| bencher.iter_batched(Framer::new, frame, BatchSize::SmallInput));
    group.bench_function("looked at", |bencher| {
        bencher.iter(|| (0..100).filter(|_| llmgw::dialects::openai_chat::is_of_interest(black_box(event.as_bytes()))).count());
    });
    group.finish();
}

fn secrets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redact a line");
    group.bench_function("what looks like a key", |bencher| bencher.iter(|| redact(black_box(LINE))));
    for count in [1, 10, 10_000] {
        let known = Known::new((0..count).map(|number| Secret::new(format!("sk-upstream-{number:08}"))).collect());
        group.bench_function(BenchmarkId::new("known secrets", count), |bencher| bencher.iter(|| known.redact(black_box(LINE))));
    }
    group.finish();
}

/// Has every name.
struct Everything;

impl Vocabulary for Everything {
    fn has_name(&self, _: &str) -> bool {
        true
    }
    fn has_model(&self, _: &str, _: &str) -> bool {
        true
    }
    fn has_provider(&self, _: &str) -> bool {
        true
    }
    fn has_caller(&self, _: &str) -> bool {
        true
    }
}

/// Of a stream that one upstream answered.
fn record(model: &str) -> Record {
    let usage = Some((Usage { input: 100, output: 100, ..Usage::default() }, Provenance::Reported));
    let cost = Some(Cost { usd: 0.001, prices: "config".into() });
    let answer = Attempt {
        route: Route { via: model.into(), provider: "openai".into(), upstream_model: model.into() },
        peer: Arc::new(Peer { vendor: "openai".into(), ..Peer::default() }),
        dialect: Some(Kind::OpenAiChat),
        began: Duration::ZERO,
        connect: None,
        tls: None,
        first_byte: Some(Duration::from_millis(2)),
        first_token: Some(Duration::from_millis(200)),
        took: Duration::from_secs(2),
        status: Some(200),
        outcome: Outcome::Ok,
        reason: None,
        usage,
        cost: cost.clone(),
        is_hedge: false,
        span: None,
    };
    Record {
        caller: "team-a".into(),
        endpoint: Endpoint::ChatCompletions.path().into(),
        dialect: Some(Kind::OpenAiChat),
        model: model.to_owned(),
        entry: model.into(),
        provider: "openai".into(),
        attempts: vec![answer],
        status: 200,
        outcome: Outcome::Ok,
        first_token: Some(Duration::from_millis(201)),
        total: Duration::from_secs(2),
        usage,
        cost,
        ..Record::default()
    }
}

fn metrics(criterion: &mut Criterion) {
    let metrics = Metrics::default();
    metrics.follow(&Telemetry { metrics: true, callers: true, otlp: None }, &Everything);
    let records: Vec<Record> = (0..200).map(|number| record(&format!("model-{number}"))).collect();
    let mut group = criterion.benchmark_group("metrics");
    let mut next = records.iter().cycle();
    group.bench_function("a record", |bencher| bencher.iter(|| next.next().map(|record| metrics.finished(black_box(record), &Everything))));
    let exchange = Exchange { route: "/v1/chat/completions", method: "POST", status: 200 };
    group.bench_function("an HTTP request", |bencher| bencher.iter(|| metrics.exchanged(black_box(exchange), Duration::from_millis(2))));
    group.finish();
}

criterion_group!(benches, bodies, look_ups, streams, secrets, metrics);
criterion_main!(benches);
