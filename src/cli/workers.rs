//! Threads that serve beside the one that everything else runs on.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// For work aside to end, such as a reload. A lookup of a name that hangs must not hold up the end.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// Threads, each with a runtime of its own, on which what begins there stays: nothing is shared that threads would have to
/// agree on. Dropping them ends them, but does not wait.
pub struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Dropping it ends the thread.
    stop: oneshot::Sender<()>,
    /// Disconnected when the thread has ended.
    ended: mpsc::Receiver<()>,
}

impl Workers {
    /// Starts `count` of them.
    pub fn start(count: usize) -> io::Result<Workers> {
        (1..=count).map(Worker::start).collect::<io::Result<_>>().map(Workers)
    }

    /// Where to give them work.
    pub fn runtimes(&self) -> Vec<Handle> {
        self.0.iter().map(|worker| worker.runtime.clone()).collect()
    }

    /// Ends them: drops what still runs there, and waits for that, but not for ever.
    pub fn finish(self) {
        let end = Instant::now() + 2 * LAST_WORDS;
        let (stops, ended): (Vec<_>, Vec<_>) = self.0.into_iter().map(|worker| (worker.stop, worker.ended)).unzip();
        drop(stops);
        for ended in ended {
            // Says nothing, ever.
            let _ = ended.recv_timeout(end.saturating_duration_since(Instant::now()));
        }
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let ((stop, stopped), (ending, ended)) = (oneshot::channel::<()>(), mpsc::sync_channel(1));
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            let _ending = ending;
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(LAST_WORDS);
        })?;
        Ok(Worker { runtime: handle, stop, ended })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use super::Workers;

    #[test]
    fn what_runs_on_them_is_dropped_when_they_end() {
        let workers = Workers::start(2).unwrap();
        let held = Arc::new(());
        for runtime in workers.runtimes() {
            let held = held.clone();
            runtime.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
        }
        assert_eq!(Arc::strong_count(&held), 3);
        workers.finish();
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
