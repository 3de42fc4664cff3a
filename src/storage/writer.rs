//! The thread that has the file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use crate::storage::database::{Database, Trouble};
use crate::storage::{Found, Kept, Shared, now};
use crate::telemetry::events::StorageTrouble;

/// How often what has grown too old is thrown away.
const SWEEP: Duration = Duration::from_secs(60);

/// What the thread is asked to do.
pub(super) enum Work {
    Keep(Box<Kept>),
    Find { id: String, owner: String, reply: SyncSender<Found> },
    Forget { id: String, owner: String, reply: SyncSender<bool> },
}

/// The thread's own.
pub(super) struct Writer {
    path: Option<PathBuf>,
    work: Receiver<Work>,
    shared: Arc<Shared>,
    /// The last thing failed, and that was said.
    is_failing: bool,
    /// What is kept, about: others may write to the file too.
    bytes: u64,
}

impl Writer {
    pub(super) fn new(path: Option<PathBuf>, work: Receiver<Work>, shared: Arc<Shared>) -> Writer {
        Writer { path, work, shared, is_failing: false, bytes: 0 }
    }

    /// Works until nobody can ask for anything any more. Where the file cannot be used, ends at once: that is how all others
    /// learn of it.
    pub(super) fn run(mut self) {
        let path = self.path.clone().unwrap_or_default();
        let opened = if self.path.is_some() { Database::open(&path) } else { Err(Trouble::Nowhere) };
        let mut database = match opened {
            Ok(database) => database,
            Err(trouble) => {
                StorageTrouble::Unusable { path: &path.display().to_string(), reason: &trouble.to_string() }.emit();
                return;
            }
        };
        self.sweep(&mut database);
        let mut swept = Instant::now();
        loop {
            match self.work.recv_timeout(SWEEP.saturating_sub(swept.elapsed())) {
                Ok(work) => self.take(&mut database, work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if swept.elapsed() >= SWEEP || self.bytes > self.shared.limits().max {
                self.sweep(&mut database);
                swept = Instant::now();
            }
        }
    }

    fn take(&mut self, database: &mut Database, work: Work) {
        // Whoever asked may have gone away.
        match work {
            Work::Keep(kept) => self.keep(database, &kept),
            Work::Find { id, owner, reply } => {
                let since = now().saturating_sub(milliseconds(self.shared.limits().keep));
                if let Some(found) = self.heed(database.find(&id, &owner, since)) {
                    let _ = reply.send(found);
                }
            }
            Work::Forget { id, owner, reply } => {
                if let Some(was_there) = self.heed(database.forget(&id, &owner)) {
                    let _ = reply.send(was_there);
                }
            }
        }
    }

    fn keep(&mut self, database: &mut Database, kept: &Kept) {
        let (bytes, most) = (kept.bytes(), self.shared.limits().max);
        // All others would have to give way to it, and then it would not fit either.
        let result = if bytes as u64 > most { Err(Trouble::TooLarge) } else { database.keep(kept, bytes as u64) };
        if self.heed(result).is_some() {
            self.bytes += bytes as u64;
        }
        if self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed) == bytes {
            // All that waited is written: what is dropped from now on is another matter.
            self.shared.has_dropped.store(false, Ordering::Relaxed);
        }
    }

    fn sweep(&mut self, database: &mut Database) {
        let limits = self.shared.limits();
        let since = now().saturating_sub(milliseconds(limits.keep));
        if let Some(bytes) = self.heed(database.sweep(since, limits.max)) {
            self.bytes = bytes;
        }
    }

    /// What came of it; a failure is told, the first of several in a row.
    fn heed<T>(&mut self, result: Result<T, Trouble>) -> Option<T> {
        match result {
            Ok(value) => {
                self.is_failing = false;
                Some(value)
            }
            Err(trouble) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    StorageTrouble::Failed { reason: &trouble.to_string() }.emit();
                }
                None
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
