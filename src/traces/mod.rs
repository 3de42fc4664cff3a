//! Traces: accounts of requests as OpenTelemetry's spans, sent to a collector.
//!
//! [`Traces`] is told of requests that have ended and hands them, through a bounded queue, to a thread of its own
//! (`exporter`), which makes spans of them (`spans`, with `said` and `contents` of what was said) and sends them in batches
//! (`sender`). Nobody waits for it: what finds the queue full is dropped and counted. It has a runtime of its own, so that
//! neither a long conversation that is read for its contents nor a slow collector takes anything from requests, and that
//! what waits can still be sent when the server is gone.
//!
//! Knows nothing of how a request is answered; which spans there are was decided with the requests (`engine/meter`).

mod attributes;
mod contents;
mod exporter;
mod grpc;
mod model_call;
mod said;
mod sender;
mod spans;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::config::proxy::masked;
use crate::config::{Config, Otlp, Secret};
use crate::telemetry::events::{TracesOn, TracesTrouble};
use crate::telemetry::metrics::SpanCounts;
use crate::telemetry::{Observer, Record};

use exporter::Exporter;

/// So many requests may wait to be looked at (OpenTelemetry's default for spans): seconds of a busy gateway.
const MOST_WAITING: usize = 2048;

/// So many bytes of bodies may wait with them. A single larger one is taken alone.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long the end waits for a collector: a part of what systems give a process to end.
const LAST: Duration = Duration::from_secs(5);

/// Exports traces, when it is told where to. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Traces(Arc<Inner>);

struct Inner {
    inbox: mpsc::Sender<Arc<Record>>,
    orders: watch::Sender<Orders>,
    counters: Arc<Counters>,
    is_on: AtomicBool,
    wants_contents: AtomicBool,
    thread: Mutex<Thread>,
}

/// The thread that sends.
enum Thread {
    /// There was no need of it yet.
    Idle(Box<Exporter>),
    /// It runs until the other end of this is closed.
    Running(Receiver<()>),
    /// It was told to end, or could not be started.
    Over,
}

/// What the thread is told.
#[derive(Clone, Default)]
struct Orders {
    settings: Option<Arc<Settings>>,
    /// The end has come: until then, what waits is sent.
    until: Option<Instant>,
}

/// What follows from a configuration that exports traces.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    otlp: Otlp,
    scheme: &'static str,
    /// What stands in no trace.
    secrets: Vec<Secret>,
}

#[derive(Debug, Default)]
struct Counters {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    /// Bytes of bodies that wait.
    waiting: AtomicUsize,
    /// Something was dropped, and that was said.
    has_dropped: AtomicBool,
}

impl Settings {
    /// What `config` says; `None`: no traces are exported.
    pub fn of(config: &Config) -> Option<Settings> {
        let otlp = config.telemetry.otlp.clone()?;
        let scheme = if config.server.tls.is_some() { "https" } else { "http" };
        let secrets = if otlp.contents { config.secrets() } else { Vec::new() };
        Some(Settings { otlp, scheme, secrets })
    }
}

impl Default for Traces {
    fn default() -> Traces {
        Traces::new()
    }
}

impl Traces {
    /// Exports nothing until it is told where to. Starts nothing.
    pub fn new() -> Traces {
        let (inbox, waiting) = mpsc::channel(MOST_WAITING);
        let (orders, heard) = watch::channel(Orders::default());
        let counters = Arc::<Counters>::default();
        let exporter = Exporter::new(waiting, heard, counters.clone());
        Traces(Arc::new(Inner {
            inbox,
            orders,
            counters,
            is_on: AtomicBool::new(false),
            wants_contents: AtomicBool::new(false),
            thread: Mutex::new(Thread::Idle(Box::new(exporter))),
        }))
    }

    /// From now on to where `settings` say; `None`: nowhere. What waits still goes to where it was to go.
    pub fn follow(&self, settings: Option<Settings>) {
        let inner = &self.0;
        let (is_on, contents) = (settings.is_some(), settings.as_ref().is_some_and(|settings| settings.otlp.contents));
        inner.orders.send_if_modified(|orders| {
            let is_new = orders.settings.as_deref() != settings.as_ref();
            if is_new {
                if let Some(Settings { otlp, .. }) = &settings {
                    TracesOn { endpoint: &masked(&otlp.endpoint), protocol: otlp.protocol.word(), contents: otlp.contents }.emit();
                }
                orders.settings = settings.map(Arc::new);
            }
            is_new
        });
        let is_on = is_on && inner.start();
        inner.is_on.store(is_on, Ordering::Relaxed);
        inner.wants_contents.store(is_on && contents, Ordering::Relaxed);
    }

    /// Whether it exports anything.
    pub fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// Sends what waits, and ends; waits for that, but no longer than some seconds. Not for a thread that serves requests.
    pub fn finish(&self) {
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Thread::Running(ended) = std::mem::replace(&mut *thread, Thread::Over) {
            self.0.orders.send_modify(|orders| orders.until = Some(Instant::now() + LAST));
            let _ = ended.recv_timeout(LAST + Duration::from_secs(1));
        }
    }

    /// What became of everything so far.
    pub fn counts(&self) -> SpanCounts {
        let Counters { exported, failed, dropped, .. } = &*self.0.counters;
        let [exported, failed, dropped] = [exported, failed, dropped].map(|counter| counter.load(Ordering::Relaxed));
        SpanCounts { exported, failed, dropped }
    }
}

impl Inner {
    /// Starts the thread, unless it runs; whether it does.
    fn start(&self) -> bool {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        *thread = match std::mem::replace(&mut *thread, Thread::Over) {
            Thread::Idle(exporter) => {
                let (alive, ended): (SyncSender<()>, _) = sync_channel(0);
                let spawned = thread::Builder::new().name("traces".to_owned()).spawn(move || {
                    let _alive = alive;
                    exporter.run_to_end();
                });
                match spawned {
                    Ok(_) => Thread::Running(ended),
                    Err(error) => {
                        TracesTrouble::Unusable { reason: &error.to_string() }.emit();
                        Thread::Over
                    }
                }
            }
            other => other,
        };
        matches!(*thread, Thread::Running(_))
    }
}

impl Counters {
    fn count(counter: &AtomicU64, how_many: usize) {
        counter.fetch_add(how_many as u64, Ordering::Relaxed);
    }
}

/// Bytes of bodies that are held as long as the record is.
fn held(record: &Record) -> usize {
    record.bodies.as_ref().map_or(0, |bodies| bodies.request.len() + bodies.response.len())
}

impl Observer for Traces {
    fn finished(&self, record: &Arc<Record>) {
        let Inner { inbox, counters, is_on, .. } = &*self.0;
        if record.span.is_none() || !is_on.load(Ordering::Relaxed) {
            return;
        }
        let bytes = held(record);
        let before = counters.waiting.fetch_add(bytes, Ordering::Relaxed);
        let has_room = bytes == 0 || before == 0 || before + bytes <= MOST_BYTES;
        if has_room && inbox.try_send(record.clone()).is_ok() {
            return;
        }
        counters.waiting.fetch_sub(bytes, Ordering::Relaxed);
        Counters::count(&counters.dropped, 1);
        if !counters.has_dropped.swap(true, Ordering::Relaxed) {
            TracesTrouble::Dropped.emit();
        }
    }

    fn wants_bodies(&self) -> bool {
        self.0.wants_contents.load(Ordering::Relaxed)
    }

    fn wants_spans(&self) -> bool {
        self.is_on()
    }
}
