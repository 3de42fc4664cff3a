//! Records that wait to be written: bounded, and never waited for.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::telemetry::events::RequestFileTrouble;

use super::writer::{Work, Writer};

/// So many records may wait: what a slow disk needs a few seconds for.
const MOST: usize = 4096;

/// So many bytes of bodies may wait. A single larger one is taken alone.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long the end waits for a disk that is stuck.
const LAST: Duration = Duration::from_secs(2);

/// Records that wait, and the thread that writes them. Cheap to clone; all clones are one. When the last is dropped, what
/// waits is written first.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Handle>);

#[derive(Default)]
struct Handle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// All that came before was written.
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    bytes: usize,
    /// Not taken since all that waited was written.
    dropped: usize,
    is_busy: bool,
    /// Nobody adds anything any more.
    is_over: bool,
}

impl Queue {
    /// Writes from a thread of its own.
    pub(super) fn start() -> io::Result<Queue> {
        let queue = Queue::default();
        let shared = queue.0.0.clone();
        thread::Builder::new().name("request-files".to_owned()).spawn(move || shared.run())?;
        Ok(queue)
    }

    /// Adds a record. Waits for nothing.
    pub(super) fn add(&self, work: Work) {
        let (shared, bytes) = (&self.0.0, work.bytes());
        let mut state = shared.lock();
        let has_room = state.waiting.len() < MOST && (state.bytes == 0 || state.bytes + bytes <= MOST_BYTES);
        if has_room {
            state.bytes += bytes;
            state.waiting.push_back(work);
        } else {
            state.dropped += 1;
        }
        let is_first_dropped = !has_room && state.dropped == 1;
        drop(state);
        shared.filled.notify_one();
        if is_first_dropped {
            RequestFileTrouble::TooMany.emit();
        }
    }
}

impl Handle {
    /// Waits until all that was added so far is written, unless the disk is stuck.
    fn flush(&self) {
        let is_pending = |state: &mut State| !state.waiting.is_empty() || state.is_busy;
        let _ = self.0.emptied.wait_timeout_while(self.0.lock(), LAST, is_pending);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.filled.notify_one();
        self.flush();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut writer = Writer::default();
        while let Some(work) = self.next() {
            writer.write(&work, SystemTime::now());
            self.wrote(&work);
        }
    }

    /// Waits for a record; `None`: there will be none.
    fn next(&self) -> Option<Work> {
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.is_over;
        let mut state = self.filled.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let work = state.waiting.pop_front();
        state.is_busy = work.is_some();
        work
    }

    fn wrote(&self, work: &Work) {
        let mut state = self.lock();
        state.is_busy = false;
        state.bytes -= work.bytes();
        if !state.waiting.is_empty() {
            return;
        }
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        self.emptied.notify_all();
        if dropped > 0 {
            RequestFileTrouble::Dropped { requests: dropped }.emit();
        }
    }
}

impl Work {
    /// What it holds, beside what every record takes.
    fn bytes(&self) -> usize {
        self.record.bodies.as_ref().map_or(0, |bodies| bodies.request.len() + bodies.response.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use bytes::Bytes;

    use super::{MOST, MOST_BYTES, Queue, Work};
    use crate::telemetry::Record;
    use crate::telemetry::record::Bodies;
    use crate::telemetry::redact::Known;
    use crate::telemetry::requests::Rules;

    fn work(bytes: usize) -> Work {
        let bodies = Bodies { request: Bytes::from(vec![b'x'; bytes]), ..Bodies::default() };
        let record = Record { bodies: Some(bodies), ..Record::default() };
        let rules = Rules { dir: None, errors_dir: None, bodies: true, redact: true, keep: 0 };
        static KNOWN: LazyLock<Arc<Known>> = LazyLock::new(Arc::default);
        Work { record: Arc::new(record), rules: Arc::new(rules), known: KNOWN.clone() }
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        // Nobody takes anything out; they are forgotten, for their end would wait for that.
        let queue = std::mem::ManuallyDrop::new(Queue::default());
        let counts = |queue: &Queue| {
            let state = queue.0.0.lock();
            (state.waiting.len(), state.dropped)
        };
        (0..MOST + 3).for_each(|_| queue.add(work(0)));
        assert_eq!(counts(&queue), (MOST, 3));
        let queue = std::mem::ManuallyDrop::new(Queue::default());
        queue.add(work(MOST_BYTES + 1));
        queue.add(work(1));
        assert_eq!(counts(&queue), (1, 1), "a larger one is taken alone");
    }

    #[test]
    fn all_is_written_by_the_end() {
        let queue = Queue::start().unwrap();
        let shared = queue.0.0.clone();
        (0..100).for_each(|_| queue.clone().add(work(1000)));
        drop(queue);
        let state = shared.lock();
        assert_eq!((state.waiting.len(), state.bytes, state.dropped), (0, 0, 0));
    }
}
