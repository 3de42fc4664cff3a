use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use super::writer::Work;
use super::writer::Writer;
use super::{Directories, RequestFiles, Rules};
use crate::config::{Config, Logging, Origin, Provider, Requests, Rotate, Secret};
use crate::hub::{Kind, Outcome, Provenance, Usage};
use crate::telemetry::record::{Attempt, Bodies, Cost, Peer, Route, Skip};
use crate::telemetry::{LogError, Observer, Record};

const KEY: &str = "correct horse battery";

fn at(time: &str) -> SystemTime {
    humantime::parse_rfc3339(time).unwrap()
}

/// A directory, and files of requests in it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All in `all`, failed ones in `failed`.
    fn logging(&self) -> Logging {
        let requests = Requests { dir: Some(self.path("all")), errors_dir: Some(self.path("failed")), bodies: true };
        Logging { requests, ..Logging::default() }
    }

    /// Who is told of requests, under this configuration.
    fn observer(&self, logging: &Logging) -> Option<Arc<dyn Observer>> {
        let mut provider = Provider::new("a", "http://a.test/v1".parse().unwrap());
        provider.api_keys.push(Secret::new(KEY));
        let config = Config { logging: logging.clone(), ..Config::of_providers(Origin::Mock, vec![provider]) };
        RequestFiles::default().observer(&config)
    }

    /// Has these written.
    fn finished(&self, logging: &Logging, records: impl IntoIterator<Item = Record>) {
        let observer = self.observer(logging).unwrap();
        records.into_iter().for_each(|record| observer.finished(&Arc::new(record)));
        // With the last who tells, the queue comes to its end.
        drop(observer);
    }

    /// Every file below, as it is called from here, by name.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(self.directory.path(), &mut |path| {
            names.push(path.strip_prefix(self.directory.path()).unwrap().to_str().unwrap().to_owned());
        });
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

fn walk(directory: &Path, see: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, see) } else { see(&path) }
    }
}

fn record(id: &str, time: &str, outcome: Outcome) -> Record {
    Record { id: id.into(), received: at(time), outcome, ..Record::default() }
}

fn full() -> Record {
    let route = |provider: &str| Route { via: "gpt-4".into(), provider: provider.into(), upstream_model: "m".into() };
    let usage = Some((Usage { input: 3, output: 2, ..Usage::default() }, Provenance::Reported));
    let attempt = |provider: &str, outcome| Attempt {
        route: route(provider),
        peer: Arc::new(Peer { vendor: "openai".into(), host: "a.example".into(), port: 443 }),
        dialect: Some(Kind::OpenAiChat),
        began: Duration::from_millis(1),
        connect: Some(Duration::from_micros(1240)),
        tls: None,
        first_byte: Some(Duration::from_millis(20)),
        first_token: None,
        took: Duration::from_millis(30),
        status: Some(200),
        outcome,
        reason: None,
        usage,
        cost: Some(Cost { usd: 0.25, prices: "config".into() }),
        is_hedge: false,
        span: None,
    };
    Record {
        client: Some("127.0.0.1".parse().unwrap()),
        caller: "team-a".into(),
        endpoint: "/chat/completions".into(),
        dialect: Some(Kind::OpenAiChat),
        model: "gpt-4".into(),
        resolved_by: "an entry of `models`".into(),
        plan: vec![route("a"), route("b")],
        skipped: vec![Skip { route: route("c"), reason: "cooling".into(), at: Duration::ZERO }],
        attempts: vec![
            Attempt { status: None, reason: Some("connection refused".into()), ..attempt("a", Outcome::UpstreamError) },
            attempt("b", Outcome::Ok),
        ],
        provider: "b".into(),
        upstream_model: "m".into(),
        status: 200,
        total: Duration::from_millis(50),
        request_bytes: Some(40),
        bytes: 20,
        chunks: 1,
        usage,
        bodies: Some(Bodies {
            request: Bytes::from(format!(r#"{{"model":"gpt-4","messages":[{{"role":"user","content":"你好 {KEY}"}}]}}"#)),
            response: Bytes::from("data: {\"delta\":\"您好\"}\n\n"),
            is_cut: false,
            secrets: Vec::new(),
        }),
        ..record("req-1", "2026-11-28T08:17:46.123456Z", Outcome::Ok)
    }
}

#[test]
fn a_file_has_the_whole_account_and_what_was_said() {
    let place = Place::new();
    place.finished(&place.logging(), [full()]);
    assert_eq!(place.names(), ["all/2026-11-28/081746.123-req-1.json"]);
    let text = fs::read_to_string(place.path("all/2026-11-28/081746.123-req-1.json")).unwrap();
    assert!(text.starts_with("{\n  \"id\": \"req-1\",\n  \"received\": \"2026-11-28T08:17:46.123Z\",\n"), "{text}");
    assert!(text.contains("你好 corre****tery") && !text.contains(KEY), "{text}");
    let page = place.read("all/2026-11-28/081746.123-req-1.json");
    assert_eq!(page["attempts"][0]["reason"], "connection refused");
    assert_eq!(page["attempts"][0].get("status"), None, "what is not known is left out");
    assert_eq!(page["attempts"][1]["connect_ms"], 1.24);
    assert_eq!(page["attempts"][1]["usage"]["output"], 2);
    assert_eq!(page["skipped"][0], json!({ "via": "gpt-4", "provider": "c", "upstream_model": "m", "reason": "cooling" }));
    assert_eq!(page["request"]["messages"][0]["content"], "你好 corre****tery");
    assert_eq!(page["response"], "data: {\"delta\":\"您好\"}\n\n");
}

#[test]
fn failed_ones_have_a_place_of_their_own() {
    let place = Place::new();
    let time = "2026-11-28T08:00:00Z";
    let outcomes = [Outcome::Ok, Outcome::ClientGone, Outcome::GivenBack, Outcome::UpstreamError, Outcome::Denied];
    place.finished(&place.logging(), outcomes.map(|outcome| record(outcome.as_str(), time, outcome)));
    let names = place.names();
    let failed: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("failed/2026-11-28/080000.000-")).collect();
    assert_eq!(failed, ["denied.json", "given_back.json", "upstream_error.json"]);
    assert_eq!(names.len(), outcomes.len() + failed.len());
    // In one place, each has one file.
    let mut logging = place.logging();
    logging.requests.errors_dir = logging.requests.dir.clone();
    place.finished(&logging, [record("once", time, Outcome::Internal)]);
    assert_eq!(place.names().iter().filter(|name| name.contains("once")).count(), 1);
}

#[test]
fn bodies_stand_in_no_file_unless_asked_for() {
    let place = Place::new();
    let mut logging = place.logging();
    logging.requests.bodies = false;
    assert!(!place.observer(&logging).unwrap().wants_bodies());
    // Another observer wanted them.
    place.finished(&logging, [full()]);
    let text = fs::read_to_string(place.path(&place.names()[0])).unwrap();
    assert!(text.contains("\"attempts\"") && !text.contains("你好") && !text.contains("您好"), "{text}");
}

#[test]
fn without_redaction_what_only_looks_like_a_key_is_shown_in_bodies_alone() {
    let place = Place::new();
    let looks = "sk-0123456789abcdef";
    let bodies = Bodies { request: Bytes::from(format!("{looks} {KEY}")), ..Bodies::default() };
    let record = Record { model: looks.to_owned(), bodies: Some(bodies), ..full() };
    place.finished(&Logging { redact: false, ..place.logging() }, [record]);
    let page = place.read(&place.names()[0]);
    assert_eq!((&page["model"], &page["request"]), (&json!("sk-01****cdef"), &json!("sk-0123456789abcdef corre****tery")));
}

#[test]
fn whatever_the_id_the_file_is_where_it_belongs_and_none_is_overwritten() {
    let place = Place::new();
    let ids = ["../../etc/passwd", "a/b\\c:d", "好", "", ".hidden", &"x".repeat(500), "same", "same", "same", "sk-0123456789abcdef"];
    place.finished(&place.logging(), ids.map(|id| record(id, "2026-11-28T08:00:00Z", Outcome::Ok)));
    let long = format!("all/2026-11-28/080000.000-{}.json", "x".repeat(80));
    let expected = [
        "all/2026-11-28/080000.000-.hidden.json",
        "all/2026-11-28/080000.000-.json",
        "all/2026-11-28/080000.000-.._.._etc_passwd.json",
        "all/2026-11-28/080000.000-_.json",
        "all/2026-11-28/080000.000-a_b_c_d.json",
        "all/2026-11-28/080000.000-same-2.json",
        "all/2026-11-28/080000.000-same-3.json",
        "all/2026-11-28/080000.000-same.json",
        "all/2026-11-28/080000.000-sk-01____cdef.json",
        &long,
    ];
    let mut names = place.names();
    names.sort();
    let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn old_days_go_and_nothing_else() {
    let place = Place::new();
    for old in ["2020-01-01/a.json", "2020-01-02/a.json", "2020-01-03/a.json", "2020-01-01/note.txt", "other/a.json", "9999-12-31/a.json"] {
        let path = place.path("all").join(old);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let rotate = Rotate { keep: 1, ..Rotate::default() };
    place.finished(&Logging { rotate, ..place.logging() }, [record("new", "2026-11-28T08:00:00Z", Outcome::Ok)]);
    let expected = [
        "all/2020-01-01/note.txt",
        "all/2020-01-03/a.json",
        "all/2026-11-28/080000.000-new.json",
        "all/9999-12-31/a.json",
        "all/other/a.json",
    ];
    assert_eq!(place.names(), expected);
    assert!(!place.path("all/2020-01-02").exists());
}

#[cfg(unix)]
#[test]
fn they_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.finished(&place.logging(), [record("new", "2026-11-28T08:00:00Z", Outcome::Ok)]);
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("all/2026-11-28/080000.000-new.json") & !0o600, 0);
    assert_eq!((mode("all") & !0o700, mode("all/2026-11-28") & !0o700), (0, 0));
}

#[test]
fn a_place_that_cannot_be_written_is_refused_with_its_key_and_nothing_is_left() {
    let place = Place::new();
    fs::write(place.path("failed"), "").unwrap();
    let refused = Directories::make(&place.logging()).err();
    let Some(LogError::Unwritable { key, path, .. }) = refused else { panic!("it is a file") };
    assert_eq!((key, path), ("logging.requests.errors_dir", place.path("failed")));
    assert!(!place.path("all").exists());
    fs::remove_file(place.path("failed")).unwrap();
    Directories::make(&place.logging()).unwrap().keep();
    assert!(place.path("all").is_dir() && place.path("failed").is_dir());
    assert!(place.observer(&Logging::default()).is_none(), "nobody asked for files");
}

#[test]
fn a_directory_that_is_lost_costs_files_until_it_is_back() {
    let place = Place::new();
    let mut writer = Writer::default();
    let mut write = |id| {
        let record = Arc::new(record(id, "2026-11-28T08:00:00Z", Outcome::Internal));
        writer.write(&Work { record, rules: Arc::new(Rules::of(&place.logging())), known: Arc::default() }, SystemTime::now());
        (writer.lost(&place.path("all")), writer.lost(&place.path("failed")))
    };
    fs::write(place.path("all"), "").unwrap();
    assert_eq!((write("lost"), write("lost")), ((1, 0), (2, 0)), "each place by itself");
    fs::remove_file(place.path("all")).unwrap();
    assert_eq!(write("found"), (0, 0));
    assert!(place.names().contains(&"all/2026-11-28/080000.000-found.json".to_owned()));
}
