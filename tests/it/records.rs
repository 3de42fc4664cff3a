//! What observers are told of a request: the way it went, every attempt with its end, what it used and cost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llmgw::hub::{Outcome, Provenance};
use llmgw::telemetry::record::Attempt;
use llmgw::telemetry::{Observer, Record};
use tokio::time::advance;

use crate::gateway::{Behaviour, Gateway, TWO_ROUTES, content, done, finish, hangs, role, says, status, streams, text, usage};

/// Keeps what it is told.
#[derive(Default)]
struct Notebook {
    records: Mutex<Vec<Arc<Record>>>,
    wants_bodies: bool,
}

impl Observer for Notebook {
    fn finished(&self, record: &Arc<Record>) {
        self.records.lock().expect("no panic").push(record.clone());
    }

    fn wants_bodies(&self) -> bool {
        self.wants_bodies
    }
}

impl Notebook {
    /// The only record there is.
    fn only(&self) -> Arc<Record> {
        let mut records = self.records.lock().expect("no panic");
        let record = records.pop().expect("a record");
        assert!(records.is_empty(), "one a request");
        record
    }
}

fn observed(config: &str, upstreams: [Behaviour; 2], wants_bodies: bool) -> (Gateway, Arc<Notebook>) {
    let [a, b] = upstreams;
    let gateway = Gateway::with(config).upstream("a", a).upstream("b", b).start();
    let notebook = Arc::new(Notebook { wants_bodies, ..Notebook::default() });
    gateway.engine.observe_by(vec![notebook.clone()]);
    (gateway, notebook)
}

fn ends(record: &Record) -> Vec<(&str, Outcome, Option<u16>)> {
    let end = |attempt: &Attempt| (attempt.route.provider.to_string(), attempt.outcome, attempt.status);
    let ends: Vec<_> = record.attempts.iter().map(end).collect();
    ends.into_iter().map(|(provider, outcome, status)| (if provider == "a" { "a" } else { "b" }, outcome, status)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_told_attempt_by_attempt() {
    let priced = format!("{TWO_ROUTES}prices: {{ m-b: {{ input: 1, output: 2 }} }}\n");
    let (gateway, notebook) = observed(&priced, [status(500), says("你好")], false);
    let reply = gateway.ask("gpt-4").await.expect("an answer");
    text(reply).await.expect("whole");
    let record = notebook.only();
    assert_eq!((record.model.as_str(), &*record.caller, record.outcome, record.status), ("gpt-4", "anonymous", Outcome::Ok, 200));
    assert_eq!(record.resolved_by, "an entry of `models`");
    let plan: Vec<String> = record.plan.iter().map(|route| format!("{}/{}", route.provider, route.upstream_model)).collect();
    assert_eq!(plan, ["a/m-a", "b/m-b"]);
    assert_eq!(ends(&record), [("a", Outcome::UpstreamError, Some(500)), ("b", Outcome::Ok, Some(200))]);
    assert_eq!(record.attempts[0].reason.as_deref(), Some("upstream says 500"));
    assert_eq!(
        record.attempts[1].usage.map(|(usage, provenance)| (usage.input, usage.output, provenance)),
        Some((3, 2, Provenance::Reported))
    );
    // Three tokens at one, two at two millionths.
    let cost = record.cost.as_ref().expect("a price is known");
    assert!((cost.usd - 7e-6).abs() < 1e-12 && cost.prices == "config", "{cost:?}");
    assert_eq!(record.attempts[1].peer.host.as_ref(), "b.test");
    assert!(record.bodies.is_none(), "nobody wants them");
}

#[tokio::test(start_paused = true)]
async fn who_was_passed_over_is_told_with_the_reason() {
    let config = format!("{TWO_ROUTES}routing: {{ cooldown: {{ failures: 1, for: 1m, max: 5m }} }}\n");
    let (gateway, notebook) = observed(&config, [status(500), says("乙")], false);
    text(gateway.ask("gpt-4").await.expect("an answer")).await.expect("whole");
    notebook.only();
    text(gateway.ask("gpt-4").await.expect("an answer")).await.expect("whole");
    let record = notebook.only();
    assert_eq!(ends(&record), [("b", Outcome::Ok, Some(200))]);
    let [skip] = record.skipped.as_slice() else { panic!("one: {:?}", record.skipped) };
    assert_eq!((&*skip.route.provider, skip.reason.starts_with("cooling")), ("a", true), "{}", skip.reason);
}

#[tokio::test(start_paused = true)]
async fn the_loser_of_a_race_is_told_as_given_up() {
    let config = format!("{TWO_ROUTES}routing: {{ hedge_after: 1s }}\n");
    let (gateway, notebook) = observed(&config, [hangs(), says("乙")], false);
    text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("whole");
    let record = notebook.only();
    assert!(record.hedged);
    assert_eq!(ends(&record), [("a", Outcome::Abandoned, None), ("b", Outcome::Ok, Some(200))]);
    assert_eq!(record.attempts.iter().map(|attempt| attempt.is_hedge).collect::<Vec<_>>(), [false, true]);
    assert_eq!((record.attempts[1].began, record.attempts[0].took), (Duration::from_secs(1), Duration::from_secs(1)));
    assert!(record.attempts[0].usage.is_some_and(|(usage, _)| usage.input > 0), "the prompt was sent");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_leaves_its_attempt_behind() {
    let (gateway, notebook) = observed(TWO_ROUTES, [hangs(), says("乙")], false);
    let waiting = gateway.ask("gpt-4");
    assert!(tokio::time::timeout(Duration::from_secs(2), waiting).await.is_err());
    let record = notebook.only();
    assert_eq!((record.outcome, record.status), (Outcome::ClientGone, 499));
    assert_eq!(ends(&record), [("a", Outcome::ClientGone, None)]);
    assert_eq!(record.attempts[0].took, Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_counted_as_far_as_it_went() {
    let (gateway, notebook) = observed(TWO_ROUTES, [streams(vec![role(), content("你"), content("好")]), says("乙")], true);
    let said = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("a clean end");
    let record = notebook.only();
    assert_eq!(ends(&record), [("a", Outcome::CutOff, Some(200))]);
    let (usage, provenance) = record.usage.expect("counted");
    assert_eq!((usage.output, provenance), (2, Provenance::Partial));
    assert!(usage.input > 0, "the prompt was sent");
    let bodies = record.bodies.as_ref().expect("wanted");
    assert_eq!(bodies.response, said.as_bytes());
    assert!(std::str::from_utf8(&bodies.request).expect("UTF-8").contains("你好"));
}

#[tokio::test(start_paused = true)]
async fn a_streams_times_are_told() {
    let late = Arc::new(|_: &_, _| {
        let pause = llmgw::transport::memory::Step::Wait(Duration::from_millis(300));
        crate::gateway::events(vec![role(), pause, content("好"), finish("stop"), usage(), done()])
    });
    let (gateway, notebook) = observed(TWO_ROUTES, [late, says("乙")], false);
    let reply = gateway.stream("gpt-4").await.expect("an answer");
    advance(Duration::from_millis(100)).await;
    text(reply).await.expect("whole");
    let record = notebook.only();
    assert_eq!((record.first_token, record.total), (Some(Duration::from_millis(300)), Duration::from_millis(400)));
    let [attempt] = record.attempts.as_slice() else { panic!("one") };
    assert_eq!((attempt.first_byte, attempt.first_token), (Some(Duration::ZERO), Some(Duration::from_millis(300))));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_ask_is_told_too() {
    let (gateway, notebook) = observed(TWO_ROUTES, [says("甲"), says("乙")], false);
    gateway.ask("gpt-5").await.err().expect("no such model");
    let record = notebook.only();
    assert_eq!((record.outcome, record.status, record.attempts.len()), (Outcome::BadRequest, 404, 0));
    assert!(record.has_failed() && record.error.is_some());
}
