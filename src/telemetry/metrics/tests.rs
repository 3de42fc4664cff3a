//! Records become the page that is checked in; what clients make up becomes no label.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{
    ALL, Exchange, Format, Gauges, Kind, MOST_LABEL_SETS, Metrics, Provider, Queue, Reloads, Server, SpanCounts, Vocabulary, method,
};
use crate::config::{Env, Telemetry};
use crate::hub::{Kind as Dialect, Outcome, Provenance, Usage};
use crate::telemetry::record::{Attempt, Cost, Peer, Record, Route};

/// Has these names, providers `a` and `b`, their models `m-a` and `m-b`, and the caller `team`.
struct Names(&'static [&'static str]);

impl Vocabulary for Names {
    fn has_name(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
    fn has_model(&self, provider: &str, model: &str) -> bool {
        model.strip_prefix("m-") == Some(provider)
    }
    fn has_provider(&self, name: &str) -> bool {
        ["a", "b"].contains(&name)
    }
    fn has_caller(&self, name: &str) -> bool {
        name == "team"
    }
}

const NAMES: Names = Names(&["gpt-4"]);

fn metrics(callers: bool) -> Arc<Metrics> {
    let metrics = Arc::<Metrics>::default();
    metrics.follow(&Telemetry { metrics: true, callers, otlp: None }, &NAMES);
    metrics
}

fn attempt(provider: &str, model: &str, outcome: Outcome, status: u16) -> Attempt {
    let peer = Peer { vendor: if provider == "a" { "azure" } else { "deepseek" }.into(), ..Peer::default() };
    Attempt {
        route: Route { via: "gpt-4".into(), provider: provider.into(), upstream_model: model.into() },
        peer: Arc::new(peer),
        dialect: Some(Dialect::OpenAiChat),
        began: Duration::ZERO,
        connect: None,
        tls: None,
        first_byte: None,
        first_token: None,
        took: Duration::from_millis(300),
        status: Some(status).filter(|status| *status > 0),
        outcome,
        reason: None,
        usage: None,
        cost: None,
        is_hedge: false,
        span: None,
    }
}

/// A stream that `b` answered.
fn answered() -> Record {
    let usage = Some((Usage { input: 100, cached: 40, cache_write: 8, output: 21, reasoning: 5 }, Provenance::Reported));
    let cost = Some(Cost { usd: 0.25, prices: "config".into() });
    let answer = Attempt {
        connect: Some(Duration::from_millis(2)),
        tls: Some(Duration::from_millis(20)),
        first_token: Some(Duration::from_millis(200)),
        usage,
        cost: cost.clone(),
        ..attempt("b", "m-b", Outcome::Ok, 200)
    };
    Record {
        caller: "team".into(),
        endpoint: "/chat/completions".into(),
        dialect: Some(Dialect::OpenAiChat),
        model: "gpt-4".to_owned(),
        entry: "gpt-4".into(),
        stream: true,
        provider: "b".into(),
        upstream_model: "m-b".into(),
        attempts: vec![answer],
        status: 200,
        outcome: Outcome::Ok,
        first_token: Some(Duration::from_millis(500)),
        overhead: Duration::from_micros(80),
        total: Duration::from_millis(1500),
        usage,
        cost,
        ..Record::default()
    }
}

/// The same after `a` had failed.
fn failed_over() -> Record {
    let record = answered();
    Record { attempts: vec![attempt("a", "m-a", Outcome::UpstreamError, 429), record.attempts[0].clone()], ..record }
}

/// `b` spoke first; `a` had used what nobody has a price for.
fn hedged() -> Record {
    let record = answered();
    let usage = Some((Usage { input: 90, ..Usage::default() }, Provenance::Partial));
    let silent = Attempt { usage, ..attempt("a", "m-a", Outcome::Abandoned, 0) };
    let hedge = Attempt { is_hedge: true, ..record.attempts[0].clone() };
    Record { attempts: vec![silent, hedge], hedged: true, ..record }
}

/// For a name that nothing has, by a caller who may.
fn unknown(name: &str) -> Record {
    Record { model: name.to_owned(), entry: Arc::default(), ..refused() }
}

fn refused() -> Record {
    let record = answered();
    Record {
        provider: Arc::default(),
        attempts: Vec::new(),
        status: 404,
        outcome: Outcome::BadRequest,
        first_token: None,
        usage: None,
        cost: None,
        total: Duration::from_micros(90),
        ..record
    }
}

/// Files, passed through to `a`.
fn passed_through() -> Record {
    Record {
        endpoint: "/files/file-123".to_owned().into(),
        dialect: None,
        model: String::new(),
        entry: Arc::default(),
        provider: "a".into(),
        attempts: vec![attempt("a", "", Outcome::Ok, 200)],
        first_token: None,
        usage: None,
        ..answered()
    }
}

fn gauges() -> Gauges {
    let provider = |name: &str, state| Provider {
        name: name.into(),
        state,
        in_flight: 3,
        in_flight_limit: Some(10).filter(|_| name == "a"),
        connections: 4,
        credentials: 2,
        resting: 1,
        models: Some(7),
        has_discovery_failed: Some(false).filter(|_| name == "b"),
        upstreams: vec![(format!("m-{name}").into(), state), ("made-up".into(), "cooling")],
    };
    Gauges {
        in_flight: 5,
        waiting: 1,
        uptime: Duration::from_secs(60),
        reloads: Reloads { done: 2, refused: 1, is_last_done: false, loaded: SystemTime::UNIX_EPOCH + Duration::from_secs(1000) },
        providers: vec![provider("a", "cooling"), provider("b", "closed")],
        ledger: Some(Queue { length: 12, limit: 8192, lost: 3 }),
        traces: Some(SpanCounts { exported: 40, failed: 2, dropped: 1 }),
        server: Some(Server { requests: 6, requests_limit: 1000, connections: 9, connections_limit: 2000 }),
    }
}

/// With everything in it.
fn full() -> Arc<Metrics> {
    let metrics = metrics(true);
    for record in [answered(), failed_over(), hedged(), unknown("nobody-has-it"), passed_through()] {
        metrics.finished(&record, &NAMES);
    }
    for (asked, route, status) in [("POST", "/v1/chat/completions", 200), ("POST", "/v1/chat/completions", 401), ("BREW", "", 404)] {
        metrics.exchanged(Exchange { route, method: method(asked), status }, Duration::from_millis(20));
    }
    metrics
}

/// Without what differs from run to run.
fn stable(page: &str) -> String {
    let is_stable =
        |line: &&str| line.starts_with('#') || !["process_", "llmgw_build_info", "llmgw_log_"].iter().any(|name| line.starts_with(name));
    page.lines().filter(is_stable).map(|line| line.to_owned() + "\n").collect()
}

fn golden(name: &str, page: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics").join(name);
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == page, "{} is stale; run `make bless`", path.display());
}

#[test]
fn records_become_the_page_that_is_checked_in() {
    golden("page.txt", &stable(&full().page(gauges(), Format::Text)));
    golden("page.openmetrics.txt", &stable(&full().page(gauges(), Format::OpenMetrics)));
}

/// `(name, type)` of every family of a page in the text format.
fn families(page: &str) -> Vec<(&str, &str)> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
}

/// The labels that a page's series have, by their metric.
fn labels(page: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut labels = BTreeMap::<&str, BTreeSet<&str>>::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        let metric = ALL.iter().find(|metric| {
            name == metric.name
                || (matches!(metric.kind, Kind::Histogram(_)) && name.rsplit_once('_').is_some_and(|(stem, _)| stem == metric.name))
        });
        let metric = metric.unwrap_or_else(|| panic!("{name} is in no list"));
        let names = rest.split_once('}').map(|(labels, _)| labels).unwrap_or_default().split(',');
        labels
            .entry(metric.name)
            .or_default()
            .extend(names.filter_map(|label| Some(label.split_once('=')?.0)).filter(|name| *name != "le"));
    }
    labels
}

#[test]
fn what_is_listed_is_served_and_nothing_else() {
    let page = full().page(gauges(), Format::Text);
    let on_linux = |metric: &&&super::Metric| cfg!(target_os = "linux") || !metric.name.starts_with("process_");
    let listed: Vec<_> = ALL.iter().filter(on_linux).map(|metric| (metric.name, metric.kind.word())).collect();
    let (mut served, mut sorted) = (families(&page), listed.clone());
    served.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(served, sorted);
    let labels = labels(&page);
    for metric in ALL.iter().filter(on_linux) {
        let have = labels.get(metric.name).unwrap_or_else(|| panic!("{} has no series", metric.name));
        assert_eq!(*have, metric.labels.iter().copied().collect::<BTreeSet<_>>(), "{}", metric.name);
    }
}

#[test]
fn callers_are_a_label_only_where_that_is_configured() {
    for (with_callers, expected) in [(true, 1), (false, 0)] {
        let metrics = metrics(with_callers);
        metrics.finished(&answered(), &NAMES);
        let page = metrics.page(gauges(), Format::Text);
        assert_eq!(page.matches(r#"llmgw_requests_total{caller="team""#).count(), expected, "{page}");
        assert_eq!(page.contains("team"), with_callers);
        // A reload turns it round.
        metrics.follow(&Telemetry { metrics: true, callers: !with_callers, otlp: None }, &NAMES);
        metrics.finished(&answered(), &NAMES);
        let page = metrics.page(gauges(), Format::Text);
        assert!(page.contains(r#"llmgw_requests_total{caller="team",model="gpt-4",provider="b",outcome="ok"} 1"#), "{page}");
        assert!(page.contains(r#"llmgw_requests_total{model="gpt-4",provider="b",outcome="ok"} 1"#), "{page}");
    }
}

#[test]
fn switched_off_nothing_is_counted() {
    let metrics = metrics(false);
    metrics.follow(&Telemetry { metrics: false, callers: false, otlp: None }, &NAMES);
    metrics.finished(&answered(), &NAMES);
    metrics.exchanged(Exchange { route: "/", method: "GET", status: 200 }, Duration::ZERO);
    let page = metrics.page(gauges(), Format::Text);
    assert!(!page.contains("llmgw_requests_total{") && !page.contains("http_server_request_duration_seconds_count{"));
}

fn series(page: &str) -> usize {
    page.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn ten_thousand_names_that_nothing_has_are_one_label() {
    let metrics = metrics(true);
    metrics.finished(&unknown("first"), &NAMES);
    let before = series(&metrics.page(gauges(), Format::Text));
    for number in 0..10_000 {
        metrics.finished(&unknown(&format!("made-up-{number}")), &NAMES);
        // PROVIDER/MODEL is found to be something, but no upstream has it.
        let name: Arc<str> = format!("a/made-up-{number}").into();
        let failed = attempt("a", &format!("made-up-{number}"), Outcome::UpstreamError, 404);
        let record = Record { model: name.to_string(), entry: name, provider: "a".into(), attempts: vec![failed], ..refused() };
        metrics.finished(&record, &NAMES);
    }
    let page = metrics.page(gauges(), Format::Text);
    assert!(!page.contains("made-up"), "{page}");
    assert!(page.contains(r#"llmgw_requests_total{caller="team",model="other",outcome="bad_request"} 10001"#), "{page}");
    assert!(page.contains(r#"llmgw_attempts_total{provider="a",model="other",outcome="upstream_error"} 10000"#), "{page}");
    assert!(series(&page) < before + 120, "{} after {before}", series(&page));
}

/// As an upstream answers that takes any name.
fn answered_to(name: &str) -> Record {
    let record = answered();
    let mut answer = record.attempts[0].clone();
    answer.route.upstream_model = name.into();
    Record { model: name.to_owned(), entry: name.into(), attempts: vec![answer], ..record }
}

#[test]
fn ten_thousand_names_that_are_answered_to_are_as_many_labels_as_there_is_room_for() {
    let metrics = metrics(false);
    for number in 0..10_000 {
        metrics.finished(&answered_to(&format!("made-up-{number}")), &NAMES);
    }
    let page = metrics.page(gauges(), Format::Text);
    for of in ["callers", "requests", "attempts"] {
        assert!(page.contains(&format!("llmgw_metrics_label_sets{{of=\"{of}\"}} {}.0\n", MOST_LABEL_SETS + 1)), "{page}");
        assert!(page.contains(&format!("llmgw_metrics_overflowed_total{{of=\"{of}\"}} {}\n", 10_000 - MOST_LABEL_SETS)), "{of}");
    }
    let left = 10_000 - MOST_LABEL_SETS;
    assert!(page.contains(&format!("llmgw_requests_total{{model=\"other\",provider=\"b\",outcome=\"ok\"}} {left}\n")));
    assert!(page.contains(&format!("llmgw_attempts_total{{provider=\"b\",model=\"other\",outcome=\"ok\"}} {left}\n")));
    assert!(series(&page) < 150 * MOST_LABEL_SETS && page.len() < 15_000_000, "{} in {}", series(&page), page.len());
}

#[test]
fn a_reload_makes_room_for_the_names_of_today() {
    let metrics = metrics(false);
    for number in 0..MOST_LABEL_SETS {
        metrics.finished(&answered_to(&format!("old-{number}")), &NAMES);
    }
    metrics.finished(&answered(), &NAMES);
    let is_there = |metrics: &Arc<Metrics>| metrics.page(gauges(), Format::Text).contains(r#"llmgw_requests_total{model="gpt-4""#);
    assert!(!is_there(&metrics));
    metrics.follow(&Telemetry::default(), &NAMES);
    metrics.finished(&answered(), &NAMES);
    assert!(is_there(&metrics) && !metrics.page(gauges(), Format::Text).contains("old-"));
}

#[test]
fn a_known_name_is_a_label_also_where_it_was_refused_before_anybody_looked_for_it() {
    let metrics = metrics(false);
    for model in ["gpt-4", "made-up"] {
        metrics.finished(&Record { outcome: Outcome::Denied, status: 403, ..unknown(model) }, &NAMES);
    }
    let page = metrics.page(gauges(), Format::Text);
    for model in ["gpt-4", "other"] {
        assert!(page.contains(&format!("llmgw_requests_total{{model=\"{model}\",outcome=\"denied\"}} 1\n")), "{page}");
    }
}

#[test]
fn absurd_names_are_no_labels() {
    let metrics = metrics(false);
    metrics.finished(&answered_to(&"x".repeat(1000)), &NAMES);
    metrics.finished(&answered_to("quo\"te\\\n"), &NAMES);
    let page = metrics.page(gauges(), Format::Text);
    assert!(!page.contains("xxxx") && page.contains(r#"model="quo\"te\\\n""#), "{page}");
}
