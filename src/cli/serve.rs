//! `llmgw serve`: runs the gateway until a signal ends it.

use std::convert::Infallible;
use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueHint;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::config::Watch;
use crate::config::load::{Loaded, Overrides};
use crate::engine::Engine;
use crate::server::{Options, Reloader, Server, Shutdown, Signal, Signals, signals};
use crate::telemetry::LogHandle;

const EXAMPLES: &str = "\
Examples:
  llmgw serve                            with the configuration that is found
  llmgw serve -c prod.yaml --port 9000
  llmgw serve --port 0                   the system chooses a port; it is printed

Signals: SIGTERM and SIGINT end it, after running requests; a second one ends it at once. SIGHUP: reload.";

/// More than dropping what still runs takes; a lookup of a name that hangs must not hold up the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    let overrides = Overrides {
        host: args.host,
        port: args.port,
        workers: args.workers.map(usize::from),
        insecure: args.insecure,
        log_level: context.globals.log_level,
    };
    let preparing = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let loaded = preparing.block_on(context.load_for_use(&overrides))?;
    drop(preparing);
    let log = context.log(&loaded.config, true)?;
    let _last = LastLines(log.clone());
    // From the moment on that the files were read: an edit while the gateway starts is not lost.
    let watching = (!args.no_watch).then(|| Watching::start(loaded.files));
    let files = watching.as_ref().map(|watching| watching.files.clone());
    raise_open_files();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if loaded.config.server.workers > 0 {
        builder.worker_threads(loaded.config.server.workers);
    }
    let runtime = builder.enable_all().build().context("cannot start threads")?;
    let options = Options { log: Some(log), ..Options::from_config(&loaded.config) };
    let on_load = move |loaded: &Loaded| tell_files(files.as_ref(), &loaded.files);
    let engine = runtime.block_on(async { context.engine(loaded.config, &overrides, on_load) })?;
    let ended = runtime.block_on(serve(engine, options, watching, context));
    // Requests that are cut write their last lines when the runtime drops them.
    runtime.shutdown_timeout(LAST_WORDS);
    ended.map(|()| Exit::Done)
}

/// However the server ends, its log is written first.
struct LastLines(LogHandle);

impl Drop for LastLines {
    fn drop(&mut self) {
        self.0.flush();
    }
}

async fn serve(engine: Engine, options: Options, watching: Option<Watching>, context: &Context) -> anyhow::Result<()> {
    let signals = signals().context("cannot listen for signals")?;
    let server = Server::bind(engine.clone(), options).await.map_err(|error| unable(&error))?;
    engine.start_tasks();
    for address in server.addresses() {
        let purpose = if address.admin { " (administration)" } else { "" };
        // A supervisor may have closed stdout; that is no reason not to serve.
        let _ = context.printer.line(&format!("listening on {address}{purpose}"));
    }
    let (reloader, shutdown) = (server.reloader(), Shutdown::new());
    tokio::select! {
        ended = server.run(shutdown.clone()) => ended.map_err(|error| Failure::failed(error).into()),
        never = obey(signals, watching, &shutdown, &reloader) => match never {},
    }
}

/// Does what signals and changes of the files ask for, as long as it is polled.
async fn obey(mut signals: Signals, mut watching: Option<Watching>, shutdown: &Shutdown, reloader: &Reloader) -> Infallible {
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Terminate if shutdown.is_draining() => shutdown.now(),
                Signal::Terminate => shutdown.begin(),
                Signal::Reload => reload(reloader).await,
            },
            () = changed(&mut watching) => reload(reloader).await,
        }
    }
}

/// Reading files may take its time, and a signal to end must not wait for a worker. The reloader logs how it went.
async fn reload(reloader: &Reloader) {
    let reloader = reloader.clone();
    let _ = tokio::task::spawn_blocking(move || reloader.reload(false)).await;
}

/// Ready when a watched file has changed; never without a watch.
async fn changed(watching: &mut Option<Watching>) {
    match watching {
        Some(watching) => watching.changed().await,
        None => pending().await,
    }
}

/// Watches the files of the configuration, which a reload may have changed to others.
struct Watching {
    /// What the configuration was last read from, and what it names.
    files: watch::Sender<Vec<PathBuf>>,
    latest: watch::Receiver<Vec<PathBuf>>,
    notify: mpsc::Sender<()>,
    changes: mpsc::Receiver<()>,
    /// Dropping it ends the watch.
    _watch: Option<Watch>,
}

impl Watching {
    fn start(files: Vec<PathBuf>) -> Watching {
        let (notify, changes) = mpsc::channel(1);
        let _watch = start_watch(&files, notify.clone());
        let (files, latest) = watch::channel(files);
        Watching { files, latest, notify, changes, _watch }
    }

    /// The content of a file has changed. Cancel safe: a change that was not told stays to be told.
    async fn changed(&mut self) {
        loop {
            tokio::select! {
                // `self` holds both senders, so neither ends.
                Some(()) = self.changes.recv() => return,
                Ok(()) = self.latest.changed() => {
                    let files = self.latest.borrow_and_update().clone();
                    self._watch = start_watch(&files, self.notify.clone());
                    // What changed since it was read would have been seen by neither watch.
                    let _ = self.notify.try_send(());
                }
            }
        }
    }
}

/// Has other files watched, if these are others.
fn tell_files(watched: Option<&watch::Sender<Vec<PathBuf>>>, read: &[PathBuf]) {
    let Some(watched) = watched else { return };
    watched.send_if_modified(|files| {
        let are_others = *files != read;
        if are_others {
            *files = read.to_vec();
        }
        are_others
    });
}

fn start_watch(files: &[PathBuf], notify: mpsc::Sender<()>) -> Option<Watch> {
    if files.is_empty() {
        return None;
    }
    match Watch::start(files, notify) {
        Ok(watch) => Some(watch),
        Err(error) => {
            warn!(%error, "the configuration file cannot be watched; SIGHUP and `llmgw reload` still work");
            None
        }
    }
}

/// What a configuration asks for cannot be had: a port, a certificate. May bring the way out in its second line.
fn unable(error: &impl std::fmt::Display) -> Failure {
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
    use std::fs;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{Watching, tell_files, unable};

    #[tokio::test]
    async fn a_file_that_a_reload_adds_is_watched() {
        let directory = tempfile::tempdir().unwrap();
        let (file, key) = (directory.path().join("llmgw.yaml"), directory.path().join("keys").join("key"));
        fs::create_dir(directory.path().join("keys")).unwrap();
        fs::write(&file, "one").unwrap();
        fs::write(&key, "sk-1").unwrap();
        let mut watching = Watching::start(vec![file.clone()]);
        let told = watching.files.clone();
        let mut expect_change = async || timeout(Duration::from_secs(20), watching.changed()).await.expect("a change is told");

        tell_files(Some(&told), &[file.clone(), key.clone()]);
        expect_change().await;
        fs::write(&key, "sk-2").unwrap();
        expect_change().await;
        tell_files(Some(&told), &[file.clone(), key.clone()]);
        fs::write(&file, "two").unwrap();
        expect_change().await;
    }

    #[test]
    fn the_way_out_is_a_hint() {
        let failure = unable(&"port 80 is taken\nhint: choose another");
        assert_eq!((failure.message.as_str(), failure.hint.as_deref()), ("port 80 is taken", Some("choose another")));
    }
}
