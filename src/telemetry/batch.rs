//! [`Batch`]: lines gathered in memory and written by a thread of their own, many at a time.
//!
//! A request that waited for a slow disk, or for whoever reads a pipe, would wait for its log; and a write a line is two
//! system calls a request. What the sink does not take in time is dropped and counted, never waited for.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::telemetry::dropped;

/// How long a line may wait for company: too short for a person to see.
const GATHER: Duration = Duration::from_millis(50);

/// As much is written without waiting for more.
const ENOUGH: usize = 64 * 1024;

/// More than this does not wait for a sink that is stuck.
const MOST: usize = 4 * 1024 * 1024;

/// How long the end waits for a sink that is stuck.
const LAST: Duration = Duration::from_secs(2);

/// Gathers lines. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(super) struct Batch(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write, or it is urgent now.
    filled: Condvar,
    /// All that came before was written.
    written: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    is_urgent: bool,
    is_writing: bool,
}

impl Batch {
    /// Writes to `sink` from a thread that ends with the process.
    pub(super) fn start(sink: impl Write + Send + 'static) -> io::Result<Batch> {
        let batch = Batch::default();
        let shared = batch.0.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_to(sink))?;
        Ok(batch)
    }

    /// Adds a whole line.
    pub(super) fn add(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.lines.len() + line.len() > MOST {
            state.dropped += 1;
            dropped::add_log_lines(1);
            return;
        }
        let (was_empty, was_enough) = (state.lines.is_empty(), state.lines.len() >= ENOUGH);
        state.lines.extend_from_slice(line);
        let is_enough = state.lines.len() >= ENOUGH && !was_enough;
        drop(state);
        if was_empty || is_enough {
            self.0.filled.notify_one();
        }
    }

    /// Waits until all that was added so far is written, unless the sink is stuck.
    pub(super) fn flush(&self) {
        let mut state = self.0.lock();
        state.is_urgent = true;
        self.0.filled.notify_one();
        let is_pending = |state: &mut State| !state.lines.is_empty() || state.is_writing;
        let _ = self.0.written.wait_timeout_while(state, LAST, is_pending);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        loop {
            let dropped = self.gather(&mut lines);
            if dropped > 0 {
                let _ = writeln!(lines, "log: {dropped} lines were dropped: whoever takes them is too slow");
            }
            // A supervisor may have closed stderr; that is no reason to stop.
            let _ = sink.write_all(&lines).and_then(|()| sink.flush());
            lines.clear();
            self.lock().is_writing = false;
            self.written.notify_all();
        }
    }

    /// Waits for lines, then for more of them, and moves them to `lines`; how many were dropped before.
    fn gather(&self, lines: &mut Vec<u8>) -> u64 {
        let is_empty = |state: &mut State| state.lines.is_empty();
        let mut state = self.filled.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + GATHER;
        while !state.is_urgent && state.lines.len() < ENOUGH {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (state.is_urgent, state.is_writing) = (false, true);
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
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::{Batch, MOST};

    /// Hands over what is written, once `gate` lets it; that it would write is told before.
    struct Sink {
        gate: Option<(SyncSender<()>, Receiver<()>)>,
        written: SyncSender<Vec<u8>>,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some((begun, gate)) = &self.gate {
                let _ = begun.send(());
                let _ = gate.recv();
            }
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_in_order_and_several_at_once() {
        let (written, received) = sync_channel(100_000);
        let batch = Batch::start(Sink { gate: None, written }).unwrap();
        for number in 0..1000 {
            batch.add(format!("第 {number} 行\n").as_bytes());
        }
        batch.flush();
        let pieces: Vec<Vec<u8>> = received.try_iter().collect();
        let lines: String = (0..1000).map(|number| format!("第 {number} 行\n")).collect();
        assert_eq!(String::from_utf8(pieces.concat()).unwrap(), lines);
        assert!(pieces.len() < 100, "{} writes", pieces.len());
    }

    #[test]
    fn a_sink_that_is_stuck_costs_lines_but_neither_time_nor_memory() {
        let (open, gate) = sync_channel(100_000);
        let (begun, stuck) = sync_channel(100_000);
        let (written, received) = sync_channel(100_000);
        let batch = Batch::start(Sink { gate: Some((begun, gate)), written }).unwrap();
        let line = [b'x'; 1024];
        batch.add(&line);
        stuck.recv().unwrap();
        for _ in 0..2 * MOST / line.len() {
            batch.add(&line);
        }
        assert!(batch.0.lock().lines.len() <= MOST && batch.0.lock().dropped > 0);
        drop(open);
        batch.flush();
        batch.add(b"again\n");
        batch.flush();
        let text = received.try_iter().collect::<Vec<_>>().concat();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("lines were dropped") && text.ends_with("again\n"));
    }
}
