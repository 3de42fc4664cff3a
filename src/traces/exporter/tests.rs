use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use super::{Collector, ENOUGH, Exporter, FIRST_PAUSE, GATHER, LAST, PATIENCE, Sent};
use crate::config::{Env, Otlp, OtlpProtocol};
use crate::telemetry::{Record, TraceContext};
use crate::traces::{Counters, Orders, Settings};

/// What a test's collector does, in turn; and when it was sent how many spans.
type Script = Arc<Mutex<(VecDeque<Sent>, Vec<(Instant, usize)>)>>;

struct Scripted(Script);

impl Collector for Scripted {
    fn send(&self, batch: Bytes) -> BoxFuture<'_, Sent> {
        let request = ExportTraceServiceRequest::decode(batch).unwrap();
        let spans = request.resource_spans[0].scope_spans[0].spans.len();
        let mut script = self.0.lock().unwrap();
        script.1.push((Instant::now(), spans));
        let sent = script.0.pop_front();
        match sent {
            Some(sent) => std::future::ready(sent).boxed(),
            // Silent for ever.
            None => std::future::pending().boxed(),
        }
    }
}

struct Bench {
    inbox: mpsc::Sender<Arc<Record>>,
    orders: watch::Sender<Orders>,
    counters: Arc<Counters>,
    script: Script,
    task: JoinHandle<()>,
    begun: Instant,
}

fn settings(endpoint: &str) -> Arc<Settings> {
    let otlp = Otlp::new(endpoint.parse().unwrap(), OtlpProtocol::Http, &Env::for_tests(&[], "."));
    Arc::new(Settings { otlp, scheme: "http", secrets: Vec::new() })
}

impl Bench {
    /// With a collector that does this, in turn, and then is silent.
    fn start(script: impl IntoIterator<Item = Sent>) -> Bench {
        let shared: Script = Arc::new(Mutex::new((script.into_iter().collect(), Vec::new())));
        let (inbox, waiting) = mpsc::channel(4096);
        let (orders, heard) = watch::channel(Orders { settings: Some(settings("http://collector.test")), until: None });
        let counters = Arc::<Counters>::default();
        let script = shared.clone();
        let make = Box::new(move |_: &Otlp| Arc::new(Scripted(script.clone())) as Arc<dyn Collector>);
        let exporter = Exporter { make, ..Exporter::new(waiting, heard, counters.clone()) };
        Bench { inbox, orders, counters, script: shared, task: tokio::spawn(exporter.run()), begun: Instant::now() }
    }

    /// So many requests end, one span each.
    fn requests(&self, count: usize) {
        for _ in 0..count {
            self.inbox.try_send(Arc::new(Record { span: Some(TraceContext::begin()), ..Record::default() })).unwrap();
        }
    }

    /// What was sent so far: after how many milliseconds, and how many spans.
    fn sent(&self) -> Vec<(u128, usize)> {
        self.script.lock().unwrap().1.iter().map(|(at, spans)| ((*at - self.begun).as_millis(), *spans)).collect()
    }

    fn counts(&self) -> (u64, u64) {
        (self.counters.exported.load(Ordering::Relaxed), self.counters.failed.load(Ordering::Relaxed))
    }

    fn end(&self) {
        self.orders.send_modify(|orders| orders.until = Some(Instant::now() + LAST));
    }
}

fn taken() -> Sent {
    Sent::Taken { rejected: 0, reason: String::new() }
}

fn again(after: Option<u64>) -> Sent {
    Sent::Again { after: after.map(Duration::from_secs), reason: "down".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn spans_wait_for_company_but_not_for_long() {
    let bench = Bench::start([taken(), taken()]);
    bench.requests(2);
    sleep(GATHER / 2).await;
    bench.requests(1);
    assert_eq!(bench.sent(), []);
    sleep(GATHER).await;
    assert_eq!(bench.sent(), [(GATHER.as_millis(), 3)]);
    sleep(10 * GATHER).await;
    bench.requests(1);
    sleep(2 * GATHER).await;
    assert_eq!((bench.sent()[1].1, bench.counts()), (1, (4, 0)));
}

#[tokio::test(start_paused = true)]
async fn many_spans_wait_for_nothing() {
    let bench = Bench::start([taken(), taken()]);
    bench.requests(2 * ENOUGH + 1);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.sent(), [(0, ENOUGH), (0, ENOUGH)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_is_sent_again_after_longer_and_longer_pauses() {
    let bench = Bench::start([again(None), again(None), again(None), taken()]);
    bench.requests(1);
    sleep(Duration::from_secs(60)).await;
    let times: Vec<u128> = bench.sent().iter().map(|(at, _)| *at).collect();
    assert_eq!((times.len(), bench.counts()), (4, (1, 0)), "{times:?}");
    for (place, pause) in times.windows(2).map(|pair| pair[1] - pair[0]).enumerate() {
        let most = FIRST_PAUSE.as_millis() << place;
        assert!((most / 2..=most + 1).contains(&pause), "{pause} after {place}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_collectors_own_pause_counts_and_what_it_refuses_is_not_sent_again() {
    let refused = Sent::Refused { reason: "HTTP status 400".to_owned() };
    let rejecting = Sent::Taken { rejected: 1, reason: "too old".to_owned() };
    let bench = Bench::start([again(Some(40)), taken(), refused, rejecting]);
    for _ in 0..3 {
        bench.requests(2);
        sleep(Duration::from_secs(60)).await;
    }
    let times: Vec<u128> = bench.sent().iter().map(|(at, _)| *at).collect();
    assert_eq!((times[1] - times[0], times.len()), (40_000, 4));
    assert_eq!(bench.counts(), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_stays_away_is_given_up_and_the_next_batch_begins_anew() {
    let bench = Bench::start((0..100).map(|_| again(None)));
    bench.requests(1);
    sleep(PATIENCE + 2 * GATHER).await;
    let tries = bench.sent().len();
    assert!((5..20).contains(&tries) && bench.counts() == (0, 1), "{tries}");
    // Longer than there is patience for.
    bench.script.lock().unwrap().0 = VecDeque::from([again(Some(3600)), taken()]);
    bench.requests(1);
    sleep(2 * GATHER).await;
    assert_eq!(bench.counts(), (0, 2));
    bench.requests(1);
    sleep(2 * GATHER).await;
    assert_eq!(bench.counts(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_end_sends_what_waits_and_waits_for_nobody_for_long() {
    let bench = Bench::start([taken(), again(None), taken()]);
    bench.requests(ENOUGH + 3);
    sleep(Duration::from_millis(1)).await;
    bench.end();
    bench.task.await.unwrap();
    assert_eq!(bench.counters.exported.load(Ordering::Relaxed), ENOUGH as u64 + 3);

    // Silent, though it was asked before the end.
    let bench = Bench::start([]);
    bench.requests(1);
    sleep(2 * GATHER).await;
    bench.requests(1);
    let ending = Instant::now();
    bench.end();
    bench.task.await.unwrap();
    assert_eq!((ending.elapsed(), bench.counters.failed.load(Ordering::Relaxed)), (LAST, 2));
}

#[tokio::test(start_paused = true)]
async fn another_address_is_tried_at_once_and_none_ends_the_trying() {
    let bench = Bench::start([again(Some(60)), taken()]);
    bench.requests(1);
    sleep(2 * GATHER).await;
    bench.orders.send_modify(|orders| orders.settings = Some(settings("http://other.test")));
    sleep(GATHER).await;
    assert_eq!(bench.counts(), (1, 0));
    bench.script.lock().unwrap().0 = VecDeque::from([again(Some(60))]);
    bench.requests(1);
    sleep(2 * GATHER).await;
    bench.orders.send_modify(|orders| orders.settings = None);
    bench.requests(1);
    sleep(GATHER).await;
    assert_eq!(bench.counts(), (1, 1), "what comes late is nobody's");
}

#[tokio::test(start_paused = true)]
async fn when_nobody_is_left_who_could_end_it_it_ends_itself() {
    let bench = Bench::start([again(None), again(None), again(None), again(None), again(None), again(None)]);
    bench.requests(1);
    advance(2 * GATHER).await;
    let Bench { task, counters, .. } = { bench };
    task.await.unwrap();
    assert_eq!(counters.failed.load(Ordering::Relaxed), 1);
}
