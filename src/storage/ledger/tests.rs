//! The ledger over real files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tempfile::tempdir;

use super::query::{By, Filter, Period, Scope, Sum};
use super::{Intake, MOST_RECORDS, Reader};
use crate::hub::{Kind, Outcome, Provenance, Usage};
use crate::storage::{Limits, Store};
use crate::telemetry::record::{Attempt, Cost, Peer, Route, Skip};
use crate::telemetry::{Record, TraceContext};

const DAY: Duration = Duration::from_secs(86_400);
const LIMITS: Limits = Limits { responses: None, keep: DAY, max: 1_000_000_000 };

fn place(directory: &Path) -> PathBuf {
    directory.join("llmgw.db")
}

fn open(directory: &Path) -> Store {
    Store::open(Some(place(directory)), LIMITS)
}

fn route(provider: &str) -> Route {
    Route { via: "gpt-4".into(), provider: provider.into(), upstream_model: format!("m-{provider}").into() }
}

fn attempt(provider: &str, outcome: Outcome) -> Attempt {
    let answered = outcome == Outcome::Ok;
    let usage = Usage { input: 100, cached: 40, cache_write: 7, output: 20, reasoning: 5 };
    Attempt {
        route: route(provider),
        peer: Arc::new(Peer { vendor: "openai".into(), host: "api.example".into(), port: 443 }),
        dialect: Some(Kind::OpenAiChat),
        began: Duration::from_micros(150),
        connect: Some(Duration::from_millis(3)),
        tls: Some(Duration::from_millis(7)),
        first_byte: Some(Duration::from_millis(40)),
        first_token: answered.then_some(Duration::from_millis(55)),
        took: Duration::from_millis(90),
        status: Some(if answered { 200 } else { 500 }),
        outcome,
        reason: (!answered).then(|| "上游说 500".to_owned()),
        usage: answered.then_some((usage, Provenance::Reported)),
        cost: answered.then(|| Cost { usd: 0.25, prices: "2026-11-20".into() }),
        is_hedge: false,
        span: None,
    }
}

/// A failover from `a` to `b`, so long ago.
fn record(id: &str, ago: Duration) -> Record {
    let attempts = vec![attempt("a", Outcome::UpstreamError), attempt("b", Outcome::Ok)];
    Record {
        id: id.into(),
        received: SystemTime::now() - ago,
        client: Some([127, 0, 0, 1].into()),
        caller: "团队".into(),
        endpoint: "/chat/completions".into(),
        dialect: Some(Kind::Anthropic),
        model: "gpt-4".to_owned(),
        stream: true,
        resolved_by: "an entry of `models`".to_owned(),
        plan: vec![route("a"), route("b")],
        skipped: vec![Skip { route: route("c"), reason: "cooling".to_owned(), at: Duration::ZERO }],
        provider: "b".into(),
        upstream_model: "m-b".into(),
        status: 200,
        outcome: Outcome::Ok,
        first_token: Some(Duration::from_millis(145)),
        upstream: Some(Duration::from_millis(140)),
        overhead: Duration::from_micros(321),
        total: Duration::from_millis(200),
        request_bytes: Some(64),
        bytes: 1234,
        chunks: 9,
        usage: attempts[1].usage,
        cost: attempts[1].cost.clone(),
        attempts,
        traceparent: TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ..Record::default()
    }
}

/// A request that nobody was asked for.
fn refused(id: &str, model: &str) -> Record {
    Record {
        id: id.into(),
        received: SystemTime::now(),
        caller: "ci".into(),
        endpoint: "/chat/completions".into(),
        model: model.to_owned(),
        status: 404,
        outcome: Outcome::BadRequest,
        total: Duration::from_millis(300),
        error: Some(format!("the model `{model}` does not exist")),
        ..Record::default()
    }
}

fn write(store: &Store, records: impl IntoIterator<Item = Record>) {
    for record in records {
        store.record(&Arc::new(record));
    }
}

fn reader(directory: &Path) -> Reader {
    Reader::open(&place(directory)).unwrap().expect("a file")
}

/// What a record says, but for what was said, and but for a fraction of a microsecond.
fn words(record: &Record) -> String {
    let micros = record.received.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let received = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap());
    format!("{:#?}", Record { received, ..record.clone() })
}

#[test]
fn what_was_written_is_read_whole() {
    let directory = tempdir().unwrap();
    let written = record("req-1", Duration::from_secs(1));
    write(&open(directory.path()), [written.clone()]);
    let found = reader(directory.path()).find("req-1", 10).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(words(&found[0].record), words(&written));
    assert!(found[0].local.starts_with("20") && found[0].local.len() == 23, "{}", found[0].local);
}

/// Each time, with no time for the writer to come to it by itself.
#[tokio::test]
async fn whoever_asks_finds_what_has_just_ended() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for number in 0..20 {
        let id = format!("req-{number}");
        store.record(&Arc::new(record(&id, Duration::ZERO)));
        store.settle().await;
        assert_eq!(reader(directory.path()).find(&id, 1).unwrap().first().map(|entry| entry.record.id.to_string()), Some(id));
    }
}

/// Those too who ask while another one's asking has it written.
#[test]
fn what_is_being_written_is_not_yet_there() {
    let (intake, records) = Intake::new();
    assert!(intake.is_settled());
    intake.take_in(&record("req-1", Duration::ZERO));
    assert!(!intake.is_settled());
    intake.set_writing(true);
    assert!(intake.next(&records).is_some() && !intake.is_settled());
    intake.set_writing(false);
    assert!(intake.is_settled());
}

/// Whatever an upstream says it has used.
#[test]
fn counts_that_cannot_be_true_break_no_sum() {
    let directory = tempdir().unwrap();
    let absurd = Usage { input: u64::MAX, cached: u64::MAX, cache_write: 0, output: u64::MAX, reasoning: 0 }.plausible();
    let with = |id: &str| {
        let mut record = record(id, Duration::ZERO);
        record.attempts[1].usage = Some((absurd, Provenance::Reported));
        record
    };
    write(&open(directory.path()), [with("req-1"), with("req-2"), with("req-3")]);
    let sums = reader(directory.path()).usage(By::Model, &Scope::default()).unwrap();
    assert_eq!(sums.iter().map(|sum| sum.input).sum::<u64>(), 3_000_000_000_000);
    assert_eq!(rows(directory.path(), "requests"), 3);
}

#[test]
fn a_beginning_of_an_id_will_do_and_the_id_itself_comes_first() {
    let directory = tempdir().unwrap();
    let ids = ["req-1", "req-12", "req-2", "other"].map(|id| record(id, Duration::ZERO));
    write(&open(directory.path()), ids);
    let ids = |id: &str| -> Vec<String> {
        reader(directory.path()).find(id, 10).unwrap().iter().map(|entry| entry.record.id.to_string()).collect()
    };
    assert_eq!(ids("req-1"), ["req-1", "req-12"]);
    assert_eq!(ids("oth"), ["other"]);
    assert_eq!(ids("nothing"), [""; 0]);
    assert_eq!(ids("'; DROP TABLE requests; --"), [""; 0]);
}

#[test]
fn pages_follow_each_other_without_a_gap() {
    let directory = tempdir().unwrap();
    // All came in at the same moment.
    let same = record("", Duration::from_secs(5));
    write(&open(directory.path()), (0..25).map(|number| Record { id: format!("req-{number:02}").into(), ..same.clone() }));
    let reader = reader(directory.path());
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = reader.entries(&Filter { before, limit: 10, ..Filter::default() }).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.at);
        seen.extend(page.iter().map(|entry| entry.record.id.to_string()));
    }
    let mut expected: Vec<String> = (0..25).map(|number| format!("req-{number:02}")).collect();
    expected.reverse();
    assert_eq!(seen, expected);
    let newest = reader.entries(&Filter { limit: 5, ..Filter::default() }).unwrap();
    let newer = reader.entries(&Filter { after: Some(newest[4].at), limit: 2, ..Filter::default() }).unwrap();
    let ids: Vec<&str> = newer.iter().map(|entry| &*entry.record.id).collect();
    assert_eq!(ids, ["req-22", "req-21"], "what follows is told from where it was left");
}

#[test]
fn filters_narrow_and_what_nobody_used_is_nowhere() {
    let directory = tempdir().unwrap();
    write(&open(directory.path()), [record("req-1", DAY / 2), record("req-2", Duration::ZERO), refused("req-3", "gtp-4")]);
    let reader = reader(directory.path());
    let ids =
        |filter: Filter| -> Vec<String> { reader.entries(&filter).unwrap().iter().map(|entry| entry.record.id.to_string()).collect() };
    let scope = |scope: Scope| Filter { scope, ..Filter::default() };
    assert_eq!(ids(Filter::default()), ["req-3", "req-2", "req-1"]);
    assert_eq!(ids(Filter { only_failed: true, ..Filter::default() }), ["req-3"]);
    assert_eq!(ids(Filter { outcome: Some(Outcome::Ok), ..Filter::default() }), ["req-2", "req-1"]);
    assert_eq!(ids(Filter { outcome: Some(Outcome::CutOff), ..Filter::default() }), [""; 0]);
    assert_eq!(ids(scope(Scope { caller: Some("团队".to_owned()), ..Scope::default() })), ["req-2", "req-1"]);
    assert_eq!(ids(scope(Scope { provider: Some("a".to_owned()), ..Scope::default() })), [""; 0], "it answered none");
    assert_eq!(ids(scope(Scope { model: Some("<script>".to_owned()), ..Scope::default() })), [""; 0]);
    let hour = Period { since: Some(SystemTime::now() - DAY / 24), until: None };
    assert_eq!(ids(scope(Scope { period: hour, ..Scope::default() })), ["req-3", "req-2"]);
    let before = Period { since: None, until: hour.since };
    assert_eq!(ids(scope(Scope { period: before, ..Scope::default() })), ["req-1"]);
    let unknown = &reader.find("req-3", 1).unwrap()[0].record;
    assert_eq!((unknown.model.as_str(), unknown.error.as_deref()), ("gtp-4", Some("the model `gtp-4` does not exist")));
}

#[test]
fn sums_are_by_model_provider_key_and_day() {
    let directory = tempdir().unwrap();
    write(
        &open(directory.path()),
        [record("req-1", DAY * 3), record("req-2", DAY * 3), record("req-3", Duration::ZERO), refused("req-4", "x")],
    );
    let reader = reader(directory.path());
    let sums = |by| -> Vec<(String, u64, u64, u64)> {
        let sums = reader.usage(by, &Scope::default()).unwrap();
        sums.into_iter().map(|sum| (sum.name, sum.requests, sum.failed, sum.attempts)).collect()
    };
    let row = |name: &str, requests, failed, attempts| (name.to_owned(), requests, failed, attempts);
    assert_eq!(sums(By::Model), [row("gpt-4", 3, 0, 6), row("", 1, 1, 0)], "a name that leads nowhere is none");
    assert_eq!(sums(By::Provider), [row("b", 3, 0, 3), row("", 1, 1, 0), row("a", 0, 0, 3)]);
    assert_eq!(sums(By::Upstream)[0], row("b/m-b", 3, 0, 3));
    assert_eq!(sums(By::Key), [row("团队", 3, 0, 6), row("ci", 1, 1, 0)]);
    let days = sums(By::Day);
    assert_eq!(days.len(), 2);
    assert!(days[0].0 < days[1].0 && days[0].1 == 2, "{days:?}");
    let sum = &reader.usage(By::Provider, &Scope::default()).unwrap()[0];
    assert_eq!((sum.input, sum.cached, sum.cache_write, sum.output, sum.reasoning), (300, 120, 21, 60, 15));
    assert_eq!((sum.cost, sum.unpriced, sum.uncertain, sum.bytes), (0.75, 0, 0, 3702));
    assert_eq!((sum.mean_ms, sum.mean_first_token_ms), (Some(200.0), Some(145.0)));
    let today = Scope { period: Period { since: Some(SystemTime::now() - DAY), until: None }, ..Scope::default() };
    assert_eq!(reader.usage(By::Model, &today).unwrap()[0].requests, 1);
    let points = reader.series(&Scope { model: Some("gpt-4".to_owned()), ..Scope::default() }, 60_000).unwrap();
    assert_eq!(points.iter().map(|point| point.sum.requests).collect::<Vec<_>>(), [2, 1]);
    let latency = reader.latency(&Scope::default()).unwrap();
    assert_eq!((latency.requests, latency.p50, latency.p99, latency.first_token_p95), (3, Some(200.0), Some(200.0), Some(145.0)));
    assert_eq!(reader.names_of(By::Key).unwrap(), ["ci", "团队"]);
}

#[test]
fn what_was_used_of_late_is_by_the_minute_the_hour_and_the_day() {
    let directory = tempdir().unwrap();
    write(&open(directory.path()), [record("req-1", Duration::ZERO), record("req-2", Duration::ZERO), refused("req-3", "x")]);
    let (reader, now) = (reader(directory.path()), SystemTime::now());
    let minute = reader.recent(now).unwrap().minute;
    assert!((30.0..91.0).contains(&minute.seconds), "{}", minute.seconds);
    assert_eq!((minute.requests, minute.failed, minute.input, minute.output, minute.cost), (3, 1, 200, 40, 0.5));
    assert_eq!((minute.success_rate, minute.requests_per_second), (Some(2.0 / 3.0), 3.0 / minute.seconds));
    assert_eq!((minute.latency.requests, minute.latency.p95, minute.output_per_second), (2, Some(200.0), 40.0 / minute.seconds));
    let names = |sums: &[Sum]| sums.iter().map(|sum| format!("{} {}", sum.name, sum.requests)).collect::<Vec<_>>();
    assert_eq!(names(&minute.models), ["gpt-4 2", " 1"]);
    assert_eq!(names(&minute.keys), ["团队 2", "ci 1"]);

    let later = reader.recent(now + Duration::from_secs(40 * 60)).unwrap();
    assert_eq!((later.minute.requests, later.minute.success_rate, later.hour.requests), (0, None, 3));
    let tomorrow = reader.recent(now + 2 * DAY).unwrap().today;
    assert!(tomorrow.requests == 0 && tomorrow.seconds <= 25.0 * 3_600.0, "{tomorrow:?}");
}

#[test]
fn a_price_that_nobody_knows_is_not_nothing() {
    let directory = tempdir().unwrap();
    let mut unpriced = record("req-1", Duration::ZERO);
    unpriced.attempts[1].cost = None;
    unpriced.attempts[1].usage = unpriced.attempts[1].usage.map(|(usage, _)| (usage, Provenance::Partial));
    unpriced.cost = None;
    write(&open(directory.path()), [unpriced]);
    let reader = reader(directory.path());
    assert!(reader.find("req-1", 1).unwrap()[0].record.cost.is_none());
    let sum = &reader.usage(By::Model, &Scope::default()).unwrap()[0];
    assert_eq!((sum.cost, sum.unpriced, sum.uncertain), (0.0, 1, 1));
}

#[test]
fn many_at_once_lose_rows_but_no_sums_and_it_says_how_many() {
    let directory = tempdir().unwrap();
    let many = MOST_RECORDS as u64 * 4;
    let store = open(directory.path());
    let record = Arc::new(record("req-1", Duration::ZERO));
    for _ in 0..many {
        store.record(&record);
    }
    let figures = store.figures();
    assert!(figures.queued <= MOST_RECORDS && figures.lost > 0, "{figures:?}");
    drop(store);
    let reader = reader(directory.path());
    assert_eq!(reader.usage(By::Model, &Scope::default()).unwrap()[0].requests, many);
    let lost = reader.lost(&Period::default()).unwrap();
    assert!(lost >= figures.lost, "{lost}");
    assert_eq!(rows(directory.path(), "requests") + lost, many);
}

#[test]
fn what_is_too_old_goes_and_its_sums_stay() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    write(&store, (0..10).map(|number| record(&format!("old-{number}"), DAY * 3 + Duration::from_secs(number * 60))));
    write(&store, [record("new", Duration::ZERO)]);
    drop(store);
    assert_eq!(rows(directory.path(), "requests"), 11);
    let before = rows(directory.path(), "sums");
    sweep(directory.path(), LIMITS);
    assert_eq!((rows(directory.path(), "requests"), rows(directory.path(), "attempts")), (1, 2));
    assert!(rows(directory.path(), "sums") < before, "minutes of three days ago are put together");
    assert_eq!(reader(directory.path()).usage(By::Model, &Scope::default()).unwrap()[0].requests, 11);
    sweep(directory.path(), LIMITS);
    assert_eq!(reader(directory.path()).usage(By::Model, &Scope::default()).unwrap()[0].requests, 11, "put together once");
}

#[test]
fn what_is_too_much_goes_the_oldest_first() {
    let directory = tempdir().unwrap();
    let body = "好".repeat(2_000);
    let fat =
        |number: u64| Record { error: Some(body.clone()), ..record(&format!("req-{number:04}"), Duration::from_secs(9_000 - number)) };
    // As many at a time as may wait.
    for first in (0..3_000).step_by(1_000) {
        write(&open(directory.path()), (first..first + 1_000).map(fat));
    }
    sweep(directory.path(), Limits { max: 12_000_000, ..LIMITS });
    let left = reader(directory.path()).entries(&Filter { limit: 10_000, ..Filter::default() }).unwrap();
    assert_eq!((left.len(), &*left[0].record.id, &*left[999].record.id), (1_000, "req-2999", "req-2000"));
    let size = std::fs::metadata(place(directory.path())).unwrap().len();
    assert!(size < 12_000_000, "{size}");
}

#[test]
fn a_file_of_the_first_version_is_brought_up_with_what_is_in_it() {
    let directory = tempdir().unwrap();
    let old = Connection::open(place(directory.path())).unwrap();
    old.execute_batch(include_str!("../tables/1-responses.sql")).unwrap();
    old.execute_batch("INSERT INTO responses VALUES ('resp_1', 'anna', 'm', 1, NULL, NULL, '[]', '{}', 4); PRAGMA user_version = 1")
        .unwrap();
    drop(old);
    assert!(Reader::open(&place(directory.path())).unwrap().is_none(), "nobody has written to it yet");
    write(&open(directory.path()), [record("req-1", Duration::ZERO)]);
    assert_eq!(reader(directory.path()).find("req-1", 1).unwrap().len(), 1);
    assert_eq!(rows(directory.path(), "responses"), 1);
}

#[test]
fn what_is_no_ledger_is_said_to_be_none() {
    let directory = tempdir().unwrap();
    assert!(Reader::open(&place(directory.path())).unwrap().is_none());
    std::fs::write(place(directory.path()), "no database at all, but a page of text".repeat(100)).unwrap();
    let error = Reader::open(&place(directory.path())).err().expect("damaged").to_string();
    assert!(error.contains("damaged") && error.contains("--set-aside"), "{error}");
    std::fs::remove_file(place(directory.path())).unwrap();
    Connection::open(place(directory.path())).unwrap().execute_batch("PRAGMA user_version = 1000").unwrap();
    let error = Reader::open(&place(directory.path())).err().expect("later").to_string();
    assert!(error.contains("later version"), "{error}");
}

#[test]
fn two_processes_write_into_one_file() {
    let directory = tempdir().unwrap();
    std::thread::scope(|scope| {
        for process in ["a", "b"] {
            let store = open(directory.path());
            scope.spawn(move || write(&store, (0..100).map(|number| record(&format!("{process}-{number}"), Duration::ZERO))));
        }
    });
    assert_eq!(rows(directory.path(), "requests"), 200);
    assert_eq!(reader(directory.path()).usage(By::Model, &Scope::default()).unwrap()[0].requests, 200);
}

fn rows(directory: &Path, table: &str) -> u64 {
    let connection = Connection::open(place(directory)).unwrap();
    let count: i64 = connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    u64::try_from(count).unwrap()
}

/// As the thread does from time to time, until there is nothing more to do.
fn sweep(directory: &Path, limits: Limits) {
    let mut database = crate::storage::database::Database::open(&place(directory)).unwrap();
    while super::Scribe::default().sweep(&mut database, limits.keep, limits.max).unwrap() {}
}
