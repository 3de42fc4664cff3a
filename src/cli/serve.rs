//! `llmgw serve`: runs the gateway until a signal ends it.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::Context as _;
use clap::ValueHint;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::warn;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::supervisor::{Supervisor, inherited};
use crate::cli::watching::{Watching, changed};
use crate::cli::workers::{LAST_WORDS, Workers};
use crate::config::load::{Loaded, Overrides};
use crate::engine::Engine;
use crate::server::{Options, Reloader, Server, Shutdown, Signal, Signals, signals};
use crate::telemetry::LogHandle;

const EXAMPLES: &str = "\
Examples:
  llmgw serve                            with the configuration that is found
  llmgw serve -c prod.yaml --port 9000
  llmgw serve --port 0                   the system chooses a port; it is printed

Signals: SIGTERM and SIGINT end it, after running requests; a second one ends it at once.
SIGHUP: reload.
systemd: sockets that are handed over (LISTEN_FDS) are used instead of host and port;
readiness, reloads and the watchdog are told to NOTIFY_SOCKET. Unit files are in
config/systemd.";

/// Flags of `llmgw serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address or name to listen on, instead of server.host
    #[arg(long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub host: Option<String>,
    /// Port to listen on, instead of server.port; 0 lets the system choose
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Threads, instead of server.workers; 0: one per core
    #[arg(long, value_name = "N")]
    pub workers: Option<u16>,
    /// Do not reload when the configuration file changes
    #[arg(long)]
    pub no_watch: bool,
    /// Allow a host that others can reach although no keys are configured
    #[arg(long)]
    pub insecure: bool,
}

/// Runs `llmgw serve`. Makes its own runtime: how many threads it has is configured.
pub fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let inherited = inherited(&context.environment)?;
    let overrides = Overrides {
        host: args.host,
        port: args.port,
        workers: args.workers.map(usize::from),
        insecure: args.insecure,
        log_level: context.globals.log_level,
    };
    let preparing = Builder::new_current_thread().enable_all().build()?;
    let loaded = preparing.block_on(context.load_for_use(&overrides))?;
    drop(preparing);
    let log = context.log(&loaded.config, true).map_err(|error| unable(&error))?;
    let _last = LastLines(log.clone());
    // From the moment on that the files were read: an edit while the gateway starts is not lost.
    let watching = (!args.no_watch).then(|| Watching::start(&loaded));
    let reader = watching.as_ref().map(Watching::reader);
    raise_open_files();
    let (runtime, workers) = threads(loaded.config.server.workers).context("cannot start threads")?;
    let options = Options { log: Some(log), inherited, workers: workers.runtimes(), ..Options::from_config(&loaded.config) };
    let on_load = move |loaded: &Loaded| reader.iter().for_each(|tell| tell(loaded));
    let engine = runtime.block_on(async { context.engine(loaded.config, &overrides, on_load) })?;
    let traces = engine.traces().clone();
    let ended = runtime.block_on(serve(engine, options, watching, context));
    // Requests that are cut write their last lines when their runtime drops them. The first one goes last: what others use
    // of it (a connection of HTTP/2 to an upstream) shall not fail them.
    workers.finish();
    runtime.shutdown_timeout(LAST_WORDS);
    traces.finish();
    ended.map(|()| Exit::Done)
}

/// As many threads as `workers`; 0: one per core. Each has a runtime of its own, which was measured to take a tenth less
/// per request than one runtime for all of them. The first one does all else besides: it accepts, and is told what to do.
fn threads(workers: usize) -> io::Result<(Runtime, Workers)> {
    let count = if workers == 0 { available_parallelism().map_or(1, NonZero::get) } else { workers };
    Ok((Builder::new_current_thread().enable_all().build()?, Workers::start(count - 1)?))
}

/// However the server ends, its log is written first.
struct LastLines(LogHandle);

impl Drop for LastLines {
    fn drop(&mut self) {
        self.0.flush();
    }
}

async fn serve(engine: Engine, options: Options, watching: Option<Watching>, context: &Context) -> anyhow::Result<()> {
    let runtimes = options.workers.clone();
    let signals = signals().context("cannot listen for signals")?;
    let supervisor = Supervisor::of(&context.environment);
    let server = Server::bind(engine.clone(), options).await.map_err(|error| unable(&error))?;
    engine.start_tasks();
    let addresses = server.addresses();
    for address in &addresses {
        let purpose = if address.admin { " (administration)" } else { "" };
        // A supervisor may have closed stdout; that is no reason not to serve.
        let _ = context.printer.line(&format!("listening on {address}{purpose}"));
    }
    supervisor.ready(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    supervisor.start_watchdog(runtimes);
    let orders = Orders { signals, watching, shutdown: Shutdown::new(), reloader: server.reloader(), supervisor };
    tokio::select! {
        ended = server.run(orders.shutdown.clone()) => ended.map_err(|error| Failure::failed(error).into()),
        never = orders.obey() => match never {},
    }
}

/// What a gateway is told while it runs, and by whom.
struct Orders {
    signals: Signals,
    watching: Option<Watching>,
    shutdown: Shutdown,
    reloader: Reloader,
    supervisor: Supervisor,
}

impl Orders {
    /// Does what signals and changes of the files ask for, as long as it is polled.
    async fn obey(mut self) -> Infallible {
        // Reading files may take its time, and a signal to end must not wait for it.
        let mut reading: Option<JoinHandle<bool>> = None;
        let mut is_due = false;
        loop {
            tokio::select! {
                signal = self.signals.next() => match signal {
                    Signal::Terminate if self.shutdown.is_draining() => self.shutdown.now(),
                    Signal::Terminate => {
                        self.supervisor.stopping();
                        self.shutdown.begin();
                    }
                    Signal::Reload => is_due = true,
                },
                () = changed(&mut self.watching) => is_due = true,
                taken = finished(&mut reading) => {
                    reading = None;
                    self.tell(|supervisor| supervisor.reloaded(taken));
                }
            }
            // What changed since the files were read is read afterwards, once.
            if is_due && reading.is_none() {
                is_due = false;
                self.tell(Supervisor::reloading);
                let reloader = self.reloader.clone();
                // The reloader logs how it went.
                reading = Some(spawn_blocking(move || reloader.reload(false).is_ok()));
            }
        }
    }

    /// Says how reloads go, but not to somebody who waits for the end.
    fn tell(&self, what: impl FnOnce(&Supervisor)) {
        if !self.shutdown.is_draining() {
            what(&self.supervisor);
        }
    }
}

/// Ready when a reload has ended, with whether it took effect; never without one.
async fn finished(reading: &mut Option<JoinHandle<bool>>) -> bool {
    match reading {
        Some(reading) => reading.await.unwrap_or(false),
        None => pending().await,
    }
}

/// What a configuration asks for cannot be had: a port, a certificate. May bring the way out in its second line.
pub(super) fn unable(error: &impl std::fmt::Display) -> Failure {
    let text = error.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => Failure::usage(message).hint(hint),
        None => Failure::usage(text),
    }
}

/// A connection is an open file, two with its upstream's; the usual soft limit of 1,024 is soon reached.
fn raise_open_files() {
    #[cfg(unix)]
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => warn!(%error, "the limit of open files cannot be raised"),
    }
}

#[cfg(test)]
mod tests {
    use super::unable;

    #[test]
    fn the_way_out_is_a_hint() {
        let failure = unable(&"port 80 is taken\nhint: choose another");
        assert_eq!((failure.message.as_str(), failure.hint.as_deref()), ("port 80 is taken", Some("choose another")));
    }
}
