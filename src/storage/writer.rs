//! The thread that has the file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::config::KeptResponses;
use crate::storage::database::{Database, Trouble};
use crate::storage::ledger::{Batch, MANY_RECORDS, Packed, Scribe};
use crate::storage::{Found, Kept, LAST, Shared, now};
use crate::telemetry::events::StorageTrouble;

/// How often what has grown too old is thrown away.
const SWEEP: Duration = Duration::from_secs(60);

/// When that is done for the first time.
const FIRST_SWEEP: Duration = Duration::from_secs(2);

/// So long records are gathered, to be written together.
const GATHER: Duration = Duration::from_millis(200);

/// Writing goes on for so long at a time: a request on the same processor may have to wait for the end of it.
const STRETCH: Duration = Duration::from_millis(2);

/// The same for somebody who waits to read what there is now: a full queue is a tenth of that, on a processor of its own.
const SETTLE: Duration = Duration::from_millis(100);

/// One part of so many of the time goes into writing, where others want the processor: a gateway that has all to do is not
/// slowed down. What does not fit waits, and at last is lost. Measured, one core with 20,000 requests a second and stretches of
/// 10 ms: recording takes 2.6 percent of the throughput and writes 2,200 rows a second; with twice this share 5 percent, and
/// 3,800 rows. In stretches of 2 ms it writes 3,200.
const BUSY_SHARE: u32 = 100;

/// The same where nobody else wants it.
const IDLE_SHARE: u32 = 10;

/// What the thread is asked to do.
pub(super) enum Work {
    Keep(Box<Kept>),
    Find {
        id: String,
        owner: String,
        reply: SyncSender<Found>,
    },
    Forget {
        id: String,
        owner: String,
        reply: SyncSender<bool>,
    },
    /// There are records to be written.
    Records,
    /// Somebody wants to read those that there are now.
    Settle {
        reply: oneshot::Sender<()>,
    },
}

/// The thread's own.
pub(super) struct Writer {
    path: Option<PathBuf>,
    work: Receiver<Work>,
    records: Receiver<Packed>,
    scribe: Scribe,
    shared: Arc<Shared>,
    /// The last thing failed, and that was said.
    is_failing: bool,
    /// What is kept of answers, about: others may write to the file too.
    bytes: u64,
}

impl Writer {
    pub(super) fn new(path: Option<PathBuf>, (work, records): (Receiver<Work>, Receiver<Packed>), shared: Arc<Shared>) -> Writer {
        Writer { path, work, records, scribe: Scribe::default(), shared, is_failing: false, bytes: 0 }
    }

    /// Works until nobody can ask for anything any more. Where the file cannot be used, ends at once: that is how all others
    /// learn of it.
    pub(super) fn run(mut self) {
        let path = self.path.clone().unwrap_or_default();
        let opened = if self.path.is_some() { Database::open(&path) } else { Err(Trouble::Nowhere) };
        let mut database = match opened {
            Ok(database) => database,
            Err(trouble) => {
                self.shared.is_unusable.store(true, Ordering::Relaxed);
                StorageTrouble::Unusable { path: &path.display().to_string(), reason: &trouble.to_string() }.emit();
                return;
            }
        };
        if self.shared.limits().responses.is_some() {
            self.sweep_responses(&mut database);
        }
        // After its first work: a command that ends soon has no time for it.
        let mut sweep_at = Instant::now() + FIRST_SWEEP;
        let (mut write_at, mut rested_at) = (None, Instant::now());
        loop {
            let next = write_at.map_or(sweep_at, |at: Instant| at.min(sweep_at));
            match self.work.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(work) => self.take(&mut database, work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.finish(&mut database),
            }
            if write_at.is_some_and(|at| at <= Instant::now()) {
                let (began, used) = (Instant::now(), processor_time());
                self.write(&mut database, began + STRETCH);
                let took = began.elapsed();
                let used = processor_time().zip(used).map_or(took, |(now, before)| now.saturating_sub(before));
                (write_at, rested_at) = (None, began + took + rest(took, used));
            }
            let queued = self.shared.intake.figures().queued;
            if queued > 0 {
                let gather = if queued < MANY_RECORDS { GATHER } else { Duration::ZERO };
                let at = rested_at.max(Instant::now() + gather);
                write_at = Some(write_at.map_or(at, |before| at.min(before)));
            }
            let is_too_much = self.shared.limits().responses.is_some_and(|limits| self.bytes > limits.max);
            if sweep_at <= Instant::now() || is_too_much {
                let has_more = self.sweep(&mut database);
                sweep_at = Instant::now() + if has_more { GATHER } else { SWEEP };
            }
        }
    }

    /// Writes what there is, until then at most.
    fn write(&mut self, database: &mut Database, until: Instant) {
        let shared = self.shared.clone();
        shared.intake.set_writing(true);
        let (sums, lost) = shared.intake.take_sums();
        let mut next = || shared.intake.next(&self.records);
        let batch = Batch { records: &mut next, until, sums: &sums, lost };
        let (taken, written) = self.scribe.write(database, batch);
        if self.heed(written).is_none() {
            shared.intake.lose(taken);
            shared.intake.give_back(sums, lost);
        }
        shared.intake.set_writing(false);
    }

    /// Nobody asks any more: what has come in is written yet, unless the disk is stuck.
    fn finish(&mut self, database: &mut Database) {
        self.write(database, Instant::now() + LAST / 2);
        let mut left = 0;
        while self.shared.intake.next(&self.records).is_some() {
            left += 1;
        }
        if left > 0 {
            self.shared.intake.lose(left);
            self.write(database, Instant::now());
        }
    }

    fn take(&mut self, database: &mut Database, work: Work) {
        // Whoever asked may have gone away.
        match work {
            Work::Records => {}
            Work::Settle { reply } => {
                // Whoever asked before may have had it written already; and a disk that fails is tried often enough.
                if self.shared.intake.figures().queued > 0 && !self.is_failing {
                    self.write(database, Instant::now() + SETTLE);
                }
                let _ = reply.send(());
            }
            Work::Keep(kept) => self.keep(database, &kept),
            Work::Find { id, owner, reply } => {
                let since = now().saturating_sub(milliseconds(self.kept_responses().keep));
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
        let (bytes, most) = (kept.bytes(), self.kept_responses().max);
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

    /// How much is kept of answers; where none are any more, those that are there go as they would have.
    fn kept_responses(&self) -> KeptResponses {
        self.shared.limits().responses.unwrap_or_default()
    }

    /// Throws away what is too old, or too much; `true`: there is more of it.
    fn sweep(&mut self, database: &mut Database) -> bool {
        self.sweep_responses(database);
        let limits = self.shared.limits();
        let swept = self.scribe.sweep(database, limits.keep, limits.max);
        self.heed(swept).unwrap_or(false)
    }

    fn sweep_responses(&mut self, database: &mut Database) {
        let limits = self.kept_responses();
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

/// How long nothing is written after something was, which took so long and used the processor for so long. Where these
/// differ much, others had it in between (or the disk was slow).
fn rest(took: Duration, used: Duration) -> Duration {
    let share = if took > used * 3 / 2 { BUSY_SHARE } else { IDLE_SHARE };
    used * share
}

/// For how long this thread has had a processor; `None`: nobody knows here.
fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    return Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).ok();
    #[cfg(not(unix))]
    None
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;
    use std::time::{Duration, Instant, SystemTime};

    use super::Writer;
    use crate::storage::database::Database;
    use crate::storage::ledger::{By, Filter, Intake, Period, Reader, Scope};
    use crate::storage::{Limits, Shared};
    use crate::telemetry::Record;

    #[test]
    fn a_full_disk_loses_rows_but_no_sums_and_it_says_how_many() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("llmgw.db");
        let limits = Limits { responses: None, keep: Duration::from_secs(60), max: 1_000_000 };
        let (intake, records) = Intake::new();
        let shared = Arc::new(Shared::new(limits, intake));
        let (_work, waiting) = sync_channel(1);
        let mut writer = Writer::new(Some(path.clone()), (waiting, records), shared.clone());
        let mut database = Database::open(&path).unwrap();
        let pages: i64 = database.0.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let take_in = |count: usize| {
            for _ in 0..count {
                let error = Some("长".repeat(1000));
                shared.intake.take_in(&Record { received: SystemTime::now(), error, ..Record::default() });
            }
        };
        let mut write = |database: &mut Database| writer.write(database, Instant::now() + Duration::from_secs(60));
        database.0.execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
        take_in(300);
        write(&mut database);
        let lost = shared.intake.figures().lost;
        assert_eq!((lost > 0, shared.intake.figures().queued as u64 + lost), (true, 300), "the rest waits for better times");
        database.0.execute_batch("PRAGMA max_page_count = 1000000").unwrap();
        take_in(2);
        write(&mut database);
        let reader = Reader::open(&path).unwrap().unwrap();
        let rows = reader.entries(&Filter { limit: 1_000, ..Filter::default() }).unwrap().len() as u64;
        assert_eq!((rows, reader.lost(&Period::default()).unwrap()), (302 - lost, lost));
        assert_eq!(reader.usage(By::Model, &Scope::default()).unwrap()[0].requests, 302);
    }
}
