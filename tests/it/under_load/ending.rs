//! SIGTERM under load: what was accepted is finished; a second one ends it at once.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::load::{CALLERS, Load, STREAMS};
use super::upstream::Upstream;
use super::{Gateway, until};

fn config(upstream: &Upstream) -> String {
    format!("providers:\n{}models: {{ gpt-4: {{ routes: [{{ provider: a, model: m }}] }} }}\n", upstream.provider("a", ""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_a_signal_is_finished() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::start(&config(&upstream));
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(200).await;
    gateway.signal(Signal::TERM);
    gateway.refuses().await;
    load.until("every caller's refusal", |tally| tally.refused() == CALLERS).await;
    upstream.open_gate();
    let tally = load.ended().await;
    gateway.ends(0).says(&["shutting down"]);
    tally.agrees_with(&[&upstream]);
    assert!(tally.whole() >= STREAMS + 200 && tally.last_answers() > 0, "{} {}", tally.whole(), tally.last_answers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_drains_every_answer_says_that_it_is_the_connections_last() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::start(&(config(&upstream) + "server: { drain: 1s }\n"));
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(100).await;
    gateway.signal(Signal::TERM);
    // Each caller comes back over a new connection while the gateway still takes them.
    load.until("answers that end a connection", |tally| tally.last_answers() >= 3 * CALLERS).await;
    load.until("every caller's refusal", |tally| tally.refused() == CALLERS).await;
    upstream.open_gate();
    load.ended().await.agrees_with(&[&upstream]);
    gateway.ends(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once_and_frees_the_upstream() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::start(&(config(&upstream) + "server: { shutdown_grace: 1h }\n"));
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(50).await;
    gateway.signal(Signal::TERM);
    gateway.refuses().await;
    let begun = Instant::now();
    gateway.signal(Signal::TERM);
    gateway.ends(0).says(&["ended at once"]);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let left = || upstream.accounts().values().map(|account| account.left).sum::<usize>();
    until("the upstream's freedom", async || left() >= STREAMS).await;
    let tally = load.ended().await;
    let accounts = upstream.accounts();
    assert!(accounts.values().all(|account| account.got == 1 && account.finished + account.left == 1), "{accounts:?}");
    assert!(tally.whole() >= 50);
}
