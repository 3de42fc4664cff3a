//! Where the accounts of all requests come together: how many are on their way, and who is told when one has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::engine::live::Snapshot;
use crate::telemetry::events::RequestFinished;
use crate::telemetry::{Metrics, Observer, Record};

/// What all meters of an engine report to.
#[derive(Default)]
pub struct Accounts {
    running: AtomicU64,
    /// Told beside the observers: it wants to know which names the request's configuration has.
    pub(super) metrics: Arc<Metrics>,
    observers: ArcSwap<Vec<Arc<dyn Observer>>>,
    wants_bodies: AtomicBool,
    wants_spans: AtomicBool,
}

impl Accounts {
    /// From now on these are told, and no others.
    pub fn observe_by(&self, observers: Vec<Arc<dyn Observer>>) {
        self.wants_bodies.store(observers.iter().any(|observer| observer.wants_bodies()), Ordering::Relaxed);
        self.wants_spans.store(observers.iter().any(|observer| observer.wants_spans()), Ordering::Relaxed);
        self.observers.store(Arc::new(observers));
    }

    /// Requests on their way.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether somebody wants more than the log has.
    pub(super) fn are_watched(&self) -> bool {
        self.metrics.is_on() || !self.observers.load().is_empty()
    }

    pub(super) fn wants_bodies(&self) -> bool {
        self.wants_bodies.load(Ordering::Relaxed)
    }

    pub(super) fn wants_spans(&self) -> bool {
        self.wants_spans.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self, mut record: Box<Record>, snapshot: &Snapshot) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        record.mask(&snapshot.secrets);
        RequestFinished(&record).emit();
        self.metrics.finished(&record, snapshot);
        let observers = self.observers.load();
        if observers.is_empty() {
            return;
        }
        let record: Arc<Record> = record.into();
        for observer in observers.iter() {
            observer.finished(&record);
        }
    }
}
