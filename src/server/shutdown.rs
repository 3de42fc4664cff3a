//! How a server ends: in stages, each begun by whoever holds a [`Shutdown`].

use std::io;

use tokio::sync::watch;

/// Ends a server. Cheap to clone; all clones are the same one.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<Stage>);

/// How far a server's end has come. Never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Serving.
    Running,
    /// Still serving, but says that it is about to go: load balancers look elsewhere.
    Draining,
    /// Accepts nothing new; finishes what runs.
    Closing,
    /// Over: streams that still run say so and go.
    Ended,
}

impl Shutdown {
    /// Of a server that runs.
    pub fn new() -> Shutdown {
        Shutdown(watch::Sender::new(Stage::Running))
    }

    /// Begins a graceful end; a second call changes nothing.
    pub fn begin(&self) {
        self.advance(Stage::Draining);
    }

    /// Ends at once, cutting what runs.
    pub fn now(&self) {
        self.advance(Stage::Ended);
    }

    /// Whether the end has begun.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() > Stage::Running
    }

    pub(super) fn advance(&self, to: Stage) {
        self.0.send_if_modified(|stage| {
            let moved = to > *stage;
            *stage = to.max(*stage);
            moved
        });
    }

    /// Waits until the server is at `stage` or beyond.
    pub(super) async fn reached(&self, stage: Stage) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|now| *now >= stage).await;
    }
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown::new()
    }
}

/// What the operating system may ask of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT, Ctrl-C.
    Terminate,
    /// SIGHUP.
    Reload,
}

/// The signals of this process, one after the other.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

/// Listens for signals from now on: they no longer end the process by themselves.
#[cfg(unix)]
pub fn signals() -> io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
    })
}

#[cfg(unix)]
impl Signals {
    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

/// The signals of this process, one after the other.
#[cfg(windows)]
pub struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

/// Listens for signals from now on: they no longer end the process by themselves.
#[cfg(windows)]
pub fn signals() -> io::Result<Signals> {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    Ok(Signals { interrupt: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
}

#[cfg(windows)]
impl Signals {
    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        Signal::Terminate
    }
}

#[cfg(test)]
mod tests {
    use super::{Shutdown, Stage};

    #[tokio::test]
    async fn stages_only_go_forward() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_draining());
        shutdown.begin();
        assert!(shutdown.is_draining());
        shutdown.now();
        shutdown.begin();
        shutdown.reached(Stage::Ended).await;
    }
}
