//! [`Batch`]: lines gathered in memory and taken by a thread of their own, many at a time.
//!
//! A request that waited for a slow disk, or for whoever reads a pipe, would wait for its log; and a write a line is two
//! system calls a request. What is not taken in time is dropped and counted, never waited for.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use memchr::memchr_iter;

use crate::telemetry::background::step_back;
use crate::telemetry::dropped;

/// How long a line may wait for company: too short for a person to see.
pub(super) const GATHER: Duration = Duration::from_millis(50);

/// As much is taken without waiting for more.
const ENOUGH: usize = 64 * 1024;

/// More than this does not wait for a thread that is stuck.
const MOST: usize = 4 * 1024 * 1024;

/// How long the end waits for a thread that is stuck.
const LAST: Duration = Duration::from_secs(2);

/// Gathers lines. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(super) struct Batch(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to take, or it is urgent now.
    filled: Condvar,
    /// All that came before was taken.
    taken: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: usize,
    is_urgent: bool,
    is_busy: bool,
}

impl Batch {
    /// Hands whole lines to `take`, with how many were dropped before them, from a thread that ends with the process.
    /// They may wait for company as long as `gather`.
    pub(super) fn start(name: &str, gather: Duration, take: impl FnMut(&[u8], usize) + Send + 'static) -> io::Result<Batch> {
        let batch = Batch::default();
        let shared = batch.0.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            step_back();
            shared.run(gather, take);
        })?;
        Ok(batch)
    }

    /// Adds whole lines.
    pub(super) fn add(&self, lines: &[u8]) {
        let mut state = self.0.lock();
        if state.lines.len() + lines.len() > MOST {
            let count = memchr_iter(b'\n', lines).count();
            state.dropped += count;
            dropped::add_log_lines(count as u64);
            return;
        }
        let (was_empty, was_enough) = (state.lines.is_empty(), state.lines.len() >= ENOUGH);
        state.lines.extend_from_slice(lines);
        let is_enough = state.lines.len() >= ENOUGH && !was_enough;
        drop(state);
        if was_empty || is_enough {
            self.0.filled.notify_one();
        }
    }

    /// Waits until all that was added so far is taken, unless the thread is stuck.
    pub(super) fn flush(&self) {
        let mut state = self.0.lock();
        state.is_urgent = true;
        self.0.filled.notify_one();
        let is_pending = |state: &mut State| !state.lines.is_empty() || state.is_busy;
        let _ = self.0.taken.wait_timeout_while(state, LAST, is_pending);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, gather: Duration, mut take: impl FnMut(&[u8], usize)) {
        let mut lines = Vec::new();
        loop {
            let dropped = self.gather(gather, &mut lines);
            take(&lines, dropped);
            lines.clear();
            self.lock().is_busy = false;
            self.taken.notify_all();
        }
    }

    /// Waits for lines, then for more of them, and moves them to `lines`; how many were dropped before.
    fn gather(&self, gather: Duration, lines: &mut Vec<u8>) -> usize {
        let is_empty = |state: &mut State| state.lines.is_empty();
        let mut state = self.filled.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + gather;
        while !state.is_urgent && state.lines.len() < ENOUGH {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (state.is_urgent, state.is_busy) = (false, true);
        std::mem::swap(&mut state.lines, lines);
        std::mem::take(&mut state.dropped)
    }
}

impl Write for Batch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Batch::flush(self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::{Batch, GATHER, MOST};

    #[test]
    fn lines_come_out_in_order_and_several_at_once() {
        let (taken, received) = sync_channel(100_000);
        let batch = Batch::start("test", GATHER, move |lines, _| taken.send(lines.to_vec()).unwrap()).unwrap();
        for number in 0..1000 {
            batch.add(format!("第 {number} 行\n").as_bytes());
        }
        batch.flush();
        let pieces: Vec<Vec<u8>> = received.try_iter().collect();
        let lines: String = (0..1000).map(|number| format!("第 {number} 行\n")).collect();
        assert_eq!(String::from_utf8(pieces.concat()).unwrap(), lines);
        assert!(pieces.len() < 100, "taken {} times", pieces.len());
    }

    #[test]
    fn a_thread_that_is_stuck_costs_lines_but_neither_time_nor_memory() {
        let (open, gate) = sync_channel::<()>(0);
        let (begun, stuck) = sync_channel(100_000);
        let (taken, received) = sync_channel(100_000);
        let batch = Batch::start("test", GATHER, move |lines, dropped| {
            begun.send(()).unwrap();
            let _ = gate.recv();
            taken.send((lines.to_vec(), dropped)).unwrap();
        })
        .unwrap();
        let lines = [[b'x'; 511].as_slice(), b"\n"].concat().repeat(2);
        batch.add(&lines);
        stuck.recv().unwrap();
        let added = 2 * MOST / lines.len();
        (0..added).for_each(|_| batch.add(&lines));
        assert!(batch.0.lock().lines.len() <= MOST && batch.0.lock().dropped > 0);
        drop(open);
        batch.flush();
        batch.add(b"again\n");
        batch.flush();
        let taken: Vec<(Vec<u8>, usize)> = received.try_iter().collect();
        let dropped: usize = taken.iter().map(|(_, dropped)| dropped).sum();
        let text = String::from_utf8(taken.into_iter().flat_map(|(lines, _)| lines).collect()).unwrap();
        assert_eq!(text.lines().count() + dropped, 2 * (added + 1) + 1);
        assert!(dropped > 0 && text.ends_with("x\nagain\n"));
    }
}
