//! The ledger: what happened to each request, row by row, and sums of it.
//!
//! Rows come through a bounded queue, and as many of them are written as fit into a small share of the time; what is too
//! much is counted as lost. Sums are added up in memory before that, so that they hold whatever becomes of the rows.

mod names;
mod packed;
pub mod query;
pub mod read;
mod rows;
mod sums;
mod sweep;
#[cfg(test)]
mod tests;
mod time;
mod write;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::telemetry::Record;

pub(super) use packed::Packed;
pub use query::{By, Entry, Filter, Latency, Period, Point, Recent, Scope, Span, Sum};
pub use read::Reader;
pub(super) use sums::Sums;
pub(super) use write::{Batch, Scribe};

/// So many records may wait to be written: about what is written in one go. Where requests are faster than the disk for
/// long, more would only take memory out of the processor's caches.
const MOST_RECORDS: usize = 1024;

/// From here on they are written without waiting for more.
pub(super) const MANY_RECORDS: usize = MOST_RECORDS / 2;

/// So many bytes may wait to be written: names and errors may be long, and plans too.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Where records come in.
pub(super) struct Intake {
    queue: SyncSender<Packed>,
    waiting: AtomicUsize,
    bytes: AtomicUsize,
    /// What was taken out last is not in the file yet.
    is_writing: AtomicBool,
    sums: Mutex<Sums>,
    /// Rows that were lost and not yet said to be in the file.
    lost: AtomicU64,
    /// All that were lost.
    lost_ever: AtomicU64,
}

/// How the ledger is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Records that wait to be written.
    pub queued: usize,
    /// So many may.
    pub capacity: usize,
    /// Records whose rows were lost since the start; their sums were not.
    pub lost: u64,
}

impl Intake {
    /// And where they come out.
    pub(super) fn new() -> (Intake, Receiver<Packed>) {
        let (queue, records) = sync_channel(MOST_RECORDS);
        let (waiting, bytes, is_writing) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let (sums, lost, lost_ever) = (Mutex::default(), AtomicU64::new(0), AtomicU64::new(0));
        (Intake { queue, waiting, bytes, is_writing, sums, lost, lost_ever }, records)
    }

    /// Takes a record in; `true`: it is the first that waits, or with it there are many.
    pub(super) fn take_in(&self, record: &Record) -> bool {
        self.sums().add(record);
        let waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
        if waiting >= MOST_RECORDS || !self.queues(Packed::of(record)) {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            self.lose(1);
        }
        waiting == 0 || waiting + 1 == MANY_RECORDS
    }

    /// Whether there was room.
    fn queues(&self, packed: Packed) -> bool {
        let bytes = packed.size();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before == 0 || before + bytes <= MOST_BYTES;
        let is_in = has_room && self.queue.try_send(packed).is_ok();
        if !is_in {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_in
    }

    /// Whether all that came in is in the file. Records are looked for first: whoever takes the last one out has said before
    /// that it is being written.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0 && !self.is_writing.load(Ordering::Acquire)
    }

    /// From now on, or no more, what is taken out is not in the file yet.
    pub(super) fn set_writing(&self, is_writing: bool) {
        self.is_writing.store(is_writing, Ordering::Release);
    }

    /// These were lost.
    pub(super) fn lose(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
        self.lost_ever.fetch_add(records, Ordering::Relaxed);
    }

    /// The next one, if there is one.
    pub(super) fn next(&self, records: &Receiver<Packed>) -> Option<Packed> {
        match records.try_recv() {
            Ok(record) => {
                self.waiting.fetch_sub(1, Ordering::AcqRel);
                self.bytes.fetch_sub(record.size(), Ordering::Relaxed);
                Some(record)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// What has come together since this was last asked.
    pub(super) fn take_sums(&self) -> (Sums, u64) {
        (std::mem::take(&mut *self.sums()), self.lost.swap(0, Ordering::Relaxed))
    }

    /// It could not be written: it comes with what follows.
    pub(super) fn give_back(&self, sums: Sums, lost: u64) {
        self.sums().add_all(sums);
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Figures {
        let (queued, lost) = (self.waiting.load(Ordering::Relaxed), self.lost_ever.load(Ordering::Relaxed));
        Figures { queued, capacity: MOST_RECORDS, lost }
    }

    fn sums(&self) -> std::sync::MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
