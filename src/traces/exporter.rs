//! The thread that makes spans of accounts and sends them: gathers, sends, waits, sends again.
//!
//! By OTLP's rules: a batch that may be taken later is sent again, after a pause that doubles, or as long as the collector
//! asks for; what it refuses is not. Meanwhile the queue fills, and then drops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use rand::RngExt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::attributes::Attributes;
use super::said::said;
use super::sender::{Collector, Sender, Sent};
use super::spans::{View, spans};
use super::{Counters, LAST, Orders, Settings, held};
use crate::config::Otlp;
use crate::telemetry::Record;
use crate::telemetry::conventions::{self as names, Names};
use crate::telemetry::events::TracesTrouble;
use crate::telemetry::redact::Known;

/// How long a span may wait for company: who looks at a trace has not turned to it yet.
const GATHER: Duration = Duration::from_secs(1);

/// So many spans are sent without waiting for more (OpenTelemetry's default).
const ENOUGH: usize = 512;

/// So many bytes are. Collectors take 4 MiB over gRPC, and a single request may come on top.
const ENOUGH_BYTES: usize = 1024 * 1024;

/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a batch is tried for: as long as a collector may take to be started anew.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a collector is made.
type Make = Box<dyn Fn(&Otlp) -> Arc<dyn Collector> + Send>;

/// The thread's own.
pub(super) struct Exporter {
    inbox: mpsc::Receiver<Arc<Record>>,
    orders: watch::Receiver<Orders>,
    counters: Arc<Counters>,
    make: Make,
    desk: Option<Desk>,
    /// The last batch failed, and that was said.
    is_failing: bool,
}

/// What batches are made and sent with.
#[derive(Clone)]
struct Desk {
    settings: Arc<Settings>,
    view: View,
    /// What is masked in contents; `None`: there are none.
    known: Option<Arc<Known>>,
    resource: Resource,
    collector: Arc<dyn Collector>,
}

/// Spans on their way.
#[derive(Default)]
struct Batch {
    spans: Vec<Span>,
    bytes: usize,
}

impl Exporter {
    pub(super) fn new(inbox: mpsc::Receiver<Arc<Record>>, orders: watch::Receiver<Orders>, counters: Arc<Counters>) -> Exporter {
        let make: Make = Box::new(|otlp| Arc::new(Sender::new(otlp)));
        Exporter { inbox, orders, counters, make, desk: None, is_failing: false }
    }

    /// Works on this thread until it is told to end, or nobody can tell it anything any more.
    pub(super) fn run_to_end(self) {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.run()),
            Err(error) => TracesTrouble::Unusable { reason: &error.to_string() }.emit(),
        }
    }

    async fn run(mut self) {
        loop {
            self.renew();
            let (batch, is_last) = self.gather().await;
            if !batch.spans.is_empty() {
                self.deliver(batch).await;
            }
            if is_last {
                return;
            }
        }
    }

    /// Takes over what was ordered last.
    fn renew(&mut self) {
        let settings = self.orders.borrow_and_update().settings.clone();
        let is_same = |desk: &Desk| settings.as_ref().is_some_and(|settings| Arc::ptr_eq(settings, &desk.settings));
        if !self.desk.as_ref().is_some_and(is_same) {
            self.desk = settings.map(|settings| Desk::new((self.make)(&settings.otlp), settings));
        }
    }

    /// The next batch, and whether it is the last.
    async fn gather(&mut self) -> (Batch, bool) {
        let mut batch = Batch::default();
        let mut due = None;
        while !batch.is_full() {
            // Told to end, or told nothing any more.
            if self.orders.borrow().until.is_some() || self.orders.has_changed().is_err() {
                let Ok(record) = self.inbox.try_recv() else { return (batch, true) };
                self.take(&record, &mut batch);
                continue;
            }
            let is_due = async { if let Some(due) = due { sleep_until(due).await } else { std::future::pending().await } };
            tokio::select! {
                record = self.inbox.recv() => match record {
                    Some(record) => {
                        self.take(&record, &mut batch);
                        due.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                    None => return (batch, true),
                },
                // What was gathered goes to where it was to go, unless that fails.
                Ok(()) = self.orders.changed() => if self.orders.borrow().until.is_none() {
                    self.orders.mark_changed();
                    break;
                },
                () = is_due => break,
            }
        }
        (batch, false)
    }

    fn take(&mut self, record: &Record, batch: &mut Batch) {
        let bytes = held(record);
        if self.counters.waiting.fetch_sub(bytes, Ordering::Relaxed) == bytes && self.inbox.is_empty() {
            // All that waited is taken: what is dropped from now on is another matter.
            self.counters.has_dropped.store(false, Ordering::Relaxed);
        }
        if self.desk.is_none() {
            self.renew();
        }
        // Where nothing is exported any more, what came late is nobody's.
        if let Some(desk) = &self.desk {
            desk.spans(record).into_iter().for_each(|span| batch.add(span));
        }
    }

    /// Sends `batch`, again and again if need be.
    async fn deliver(&mut self, batch: Batch) {
        let Some(mut desk) = self.desk.clone() else { return };
        let (count, body) = (batch.spans.len(), desk.body(batch.spans));
        let (mut pause, mut give_up) = (FIRST_PAUSE, Instant::now() + PATIENCE);
        loop {
            let mut end = self.orders.clone();
            let sent = tokio::select! {
                sent = desk.collector.send(body.clone()) => sent,
                () = time_is_up(&mut end) => Sent::Again { after: None, reason: "the gateway ended before an answer came".to_owned() },
            };
            let (after, reason) = match sent {
                Sent::Taken { rejected, reason } => return self.taken(count, rejected, &reason),
                Sent::Refused { reason } => return self.failed(count, &TracesTrouble::Refused { spans: count, reason: &reason }),
                Sent::Again { after, reason } => (after, reason),
            };
            let until = self.orders.borrow().until;
            let until = until.or_else(|| self.orders.has_changed().is_err().then(|| Instant::now() + LAST));
            give_up = until.map_or(give_up, |until| give_up.min(until));
            let wait = after.unwrap_or_else(|| pause.mul_f64(rand::rng().random_range(0.5..=1.0)));
            pause = (pause * 2).min(LONGEST_PAUSE);
            if Instant::now() + wait >= give_up {
                return self.failed(count, &TracesTrouble::Lost { spans: count, reason: &reason });
            }
            if !std::mem::replace(&mut self.is_failing, true) {
                TracesTrouble::Undelivered { reason: &reason }.emit();
            }
            tokio::select! {
                () = sleep(wait) => {}
                // Another address may do, and the end waits for nobody.
                Ok(()) = self.orders.changed() => {
                    self.renew();
                    let Some(renewed) = self.desk.clone() else { return Counters::count(&self.counters.failed, count) };
                    desk = renewed;
                }
            }
        }
    }

    fn taken(&mut self, count: usize, rejected: u64, reason: &str) {
        let rejected = usize::try_from(rejected).unwrap_or(count).min(count);
        Counters::count(&self.counters.exported, count - rejected);
        if rejected > 0 {
            return self.failed(rejected, &TracesTrouble::Refused { spans: rejected, reason });
        }
        if std::mem::take(&mut self.is_failing) {
            TracesTrouble::Over.emit();
        }
    }

    /// The first of several failures in a row is told.
    fn failed(&mut self, count: usize, trouble: &TracesTrouble<'_>) {
        Counters::count(&self.counters.failed, count);
        let is_new = !std::mem::replace(&mut self.is_failing, true);
        if is_new || matches!(trouble, TracesTrouble::Lost { .. }) {
            trouble.emit();
        }
    }
}

/// Waits until the end has come, and its time is over.
async fn time_is_up(orders: &mut watch::Receiver<Orders>) {
    loop {
        let until = orders.borrow_and_update().until;
        if let Some(until) = until {
            return sleep_until(until).await;
        }
        if orders.changed().await.is_err() {
            return sleep(LAST).await;
        }
    }
}

impl Desk {
    fn new(collector: Arc<dyn Collector>, settings: Arc<Settings>) -> Desk {
        let otlp = &settings.otlp;
        Desk {
            view: View { names: Names::of(otlp.conventions), scheme: settings.scheme },
            known: otlp.contents.then(|| Arc::new(Known::new(settings.secrets.clone()))),
            resource: resource(otlp),
            collector,
            settings,
        }
    }

    fn spans(&self, record: &Record) -> Vec<Span> {
        spans(record, self.view, said(record, self.view.names, self.known.as_deref()))
    }

    fn body(&self, spans: Vec<Span>) -> Bytes {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let scope = Some(InstrumentationScope { name: env!("CARGO_PKG_NAME").to_owned(), version, ..InstrumentationScope::default() });
        let scope_spans = vec![ScopeSpans { scope, spans, schema_url: String::new() }];
        let resource_spans = vec![ResourceSpans { resource: Some(self.resource.clone()), scope_spans, schema_url: String::new() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
    }
}

/// Who sends. What the environment says counts before what we say.
fn resource(otlp: &Otlp) -> Resource {
    let mut about = Attributes::default();
    otlp.resource.iter().for_each(|(name, value)| about.put(name, value.as_str()));
    let own = [
        (names::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
        (names::SDK_NAME, env!("CARGO_PKG_NAME")),
        (names::SDK_LANGUAGE, "rust"),
        (names::SDK_VERSION, env!("CARGO_PKG_VERSION")),
    ];
    for (name, value) in own {
        if !about.has(name) {
            about.put(name, value);
        }
    }
    Resource { attributes: about.into_inner(), ..Resource::default() }
}

impl Batch {
    fn add(&mut self, span: Span) {
        self.bytes += span.encoded_len();
        self.spans.push(span);
    }

    fn is_full(&self) -> bool {
        self.spans.len() >= ENOUGH || self.bytes >= ENOUGH_BYTES
    }
}

#[cfg(test)]
mod tests;
