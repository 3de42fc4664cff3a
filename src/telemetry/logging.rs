//! Where log lines go and which are written: stderr and, of a server, files and memory; as text or JSON, at a level that a
//! reload may change.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Config, Level, LogFormat, Logging, Secret};
use crate::telemetry::batch::Batch;
use crate::telemetry::events::Panicked;
use crate::telemetry::lines::Lines;
use crate::telemetry::plain::Plain;
use crate::telemetry::redact::Known;
use crate::telemetry::requests::Directories;
use crate::telemetry::sinks::{Next, Sinks};

/// The crate whose lines the level is for. Dependencies speak up only when something is wrong.
const OURS: &str = env!("CARGO_PKG_NAME");

/// How logging begins.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// What the configuration says.
    pub logging: Logging,
    /// The level came from the command line: a reload does not change it.
    pub pinned: bool,
    /// Colours: stderr is a terminal and nobody said `NO_COLOR`.
    pub ansi: bool,
    /// Lines are gathered and written by threads of their own, also to `logging.file`, and the last ones are kept in
    /// memory. Whoever begins it ends it with [`LogHandle::flush`].
    pub server: bool,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another subscriber is installed.
    #[error("logging was set up twice")]
    Twice,
    /// No thread to write lines.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A file or directory that is named in the configuration cannot be written.
    #[error("`{key}`: cannot write `{}`: {error}", path.display())]
    Unwritable {
        /// The key that names it.
        key: &'static str,
        /// It.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Changes logging while it runs. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle {
    threshold: Threshold,
    secrets: Secrets,
    pinned: bool,
    /// What only a server has.
    sinks: Option<Sinks>,
}

type Secrets = Arc<ArcSwap<Known>>;

/// What a new configuration means for the log. Dropped, it changes nothing.
#[must_use]
pub struct Prepared {
    handle: LogHandle,
    level: Level,
    secrets: Vec<Secret>,
    files: Option<(Next, Directories)>,
}

impl LogHandle {
    fn new(options: &LogOptions) -> LogHandle {
        let threshold = Threshold::default();
        threshold.set(options.logging.level);
        LogHandle { threshold, secrets: Secrets::default(), pinned: options.pinned, sinks: None }
    }

    fn masking<O>(&self, output: O) -> Masking<O> {
        Masking { output, secrets: Arc::clone(&self.secrets) }
    }

    /// Sets up logging for the whole process.
    pub fn init(options: &LogOptions) -> Result<LogHandle, LogError> {
        let coloured = options.ansi && options.logging.format == LogFormat::Text;
        let sinks = options.server.then(|| Sinks::start(options.logging.format, coloured)).transpose().map_err(LogError::Thread)?;
        let (subscriber, handle) = match sinks.clone() {
            Some(Sinks { lines, coloured: stderr, .. }) if coloured => {
                let to = |batch: Batch| move || batch.clone();
                build_both(options, to(lines), to(stderr))
            }
            Some(Sinks { lines, .. }) => build(options, move || lines.clone()),
            None => build(options, io::stderr),
        };
        let handle = LogHandle { sinks, ..handle };
        handle.put(handle.prepare_files(&options.logging)?);
        tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
        log_panics();
        Ok(handle)
    }

    /// Waits until every line so far is written.
    pub fn flush(&self) {
        if let Some(sinks) = &self.sinks {
            sinks.flush();
        }
    }

    /// The last lines, of a server.
    pub fn lines(&self) -> Option<&Lines> {
        self.sinks.as_ref().map(|sinks| &sinks.last)
    }

    /// Writes lines from `level` on, unless the command line said otherwise.
    pub fn set_level(&self, level: Level) {
        if !self.pinned {
            self.threshold.set(level);
        }
    }

    /// Masks these in every line from now on, beside everything that looks like a key.
    pub fn set_secrets(&self, secrets: Vec<Secret>) {
        self.secrets.store(Arc::new(Known::new(secrets)));
    }

    /// Level, files and secrets of `config`; fails where its files cannot be written.
    pub fn prepare(&self, config: &Config) -> Result<Prepared, LogError> {
        let files = self.prepare_files(&config.logging)?;
        Ok(Prepared { handle: self.clone(), level: config.logging.level, secrets: config.secrets(), files })
    }

    fn prepare_files(&self, logging: &Logging) -> Result<Option<(Next, Directories)>, LogError> {
        let Some(sinks) = &self.sinks else { return Ok(None) };
        let next = sinks.prepare(logging.file.as_deref(), logging.rotate).map_err(|error| LogError::Unwritable {
            key: "logging.file",
            path: logging.file.clone().unwrap_or_default(),
            error,
        })?;
        Ok(Some((next, Directories::make(logging)?)))
    }

    fn put(&self, files: Option<(Next, Directories)>) {
        if let (Some(sinks), Some((next, directories))) = (&self.sinks, files) {
            sinks.put(next);
            directories.keep();
        }
    }
}

impl Prepared {
    /// Puts it to work.
    pub fn apply(self) {
        let Prepared { handle, level, secrets, files } = self;
        handle.set_secrets(secrets);
        handle.set_level(level);
        handle.put(files);
    }
}

/// Has panics write a line like everything else: what they say may hold a secret, and stderr would show it as it is.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload();
        let message = said.downcast_ref::<String>().map(String::as_str).or(said.downcast_ref::<&str>().copied());
        let message = message.unwrap_or("without a message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        Panicked { message, place: &place }.emit();
    }));
}

/// Lines go to `output`, in colours if these are asked for.
pub(crate) fn build<O, W>(options: &LogOptions, output: O) -> (Box<dyn Subscriber + Send + Sync>, LogHandle)
where
    O: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    let handle = LogHandle::new(options);
    let lines = layer(options, options.ansi, handle.masking(output));
    (Box::new(Registry::default().with(handle.threshold.clone()).with(lines)), handle)
}

/// Lines without colours go to `output`, and with colours to `coloured`.
fn build_both<O, W>(options: &LogOptions, output: O, coloured: O) -> (Box<dyn Subscriber + Send + Sync>, LogHandle)
where
    O: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    let handle = LogHandle::new(options);
    let lines = layer(options, false, handle.masking(output));
    let coloured = layer(options, true, handle.masking(coloured));
    (Box::new(Registry::default().with(handle.threshold.clone()).with(lines).with(coloured)), handle)
}

fn layer<S, O, W>(options: &LogOptions, ansi: bool, writer: Masking<O>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    O: Fn() -> W + Send + Sync + 'static,
    W: Write + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).with_ansi(ansi);
    match options.logging.format {
        LogFormat::Text if ansi => Box::new(lines),
        LogFormat::Text => Box::new(lines.fmt_fields(Plain).event_format(Plain)),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false)),
    }
}

/// The least severe level that is written, as a filter. Each place in the code is asked once, and again after a change; the
/// library's own filter that can change takes a lock whenever a span is entered or left.
#[derive(Clone, Default)]
struct Threshold(Arc<AtomicU8>);

impl Threshold {
    const LEVELS: [LevelFilter; 5] = [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];

    fn set(&self, level: Level) {
        let position = match level {
            Level::Error => 0,
            Level::Warn => 1,
            Level::Info => 2,
            Level::Debug => 3,
            Level::Trace => 4,
        };
        self.0.store(position, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    fn level(&self) -> LevelFilter {
        Threshold::LEVELS.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or(LevelFilter::TRACE)
    }

    fn lets_through(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let is_ours = target.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        *metadata.level() <= if is_ours { self.level() } else { self.level().min(LevelFilter::WARN) }
    }
}

impl<S: Subscriber> Layer<S> for Threshold {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lets_through(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.lets_through(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level())
    }
}

/// Masks secrets in each line before it is written.
struct Masking<O> {
    output: O,
    secrets: Secrets,
}

impl<'a, O, W> MakeWriter<'a> for Masking<O>
where
    O: Fn() -> W + 'a,
    W: Write,
{
    type Writer = MaskingWriter<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskingWriter { output: (self.output)(), secrets: &self.secrets }
    }
}

/// Writes one line.
struct MaskingWriter<'a, W> {
    output: W,
    secrets: &'a Secrets,
}

impl<W: Write> Write for MaskingWriter<'_, W> {
    // The formatter hands over a whole line at once, so no secret is ever split between two calls.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = simdutf8::basic::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
        self.output.write_all(self.secrets.load().redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LogHandle, LogOptions, build};
    use crate::config::{Level, LogFormat, Logging, Secret};
    use crate::telemetry::events::{TokenChange, TokenChanged};
    use crate::telemetry::testing::Memory;

    fn logged(format: LogFormat, pinned: bool, speak: impl FnOnce(&LogHandle)) -> String {
        let memory = Memory::default();
        let output = memory.clone();
        let logging = Logging { format, ..Logging::default() };
        let options = LogOptions { logging, pinned, ansi: false, server: false };
        let (subscriber, handle) = build(&options, move || output.clone());
        tracing::subscriber::with_default(subscriber, || speak(&handle));
        memory.take()
    }

    #[test]
    fn every_line_in_a_request_carries_its_id_and_no_secret() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(format, false, |handle| {
                handle.set_secrets(vec![Secret::new("open sesame!!")]);
                let span = tracing::error_span!("request", id = "req-7");
                span.in_scope(|| tracing::info!(said = "open sesame!!", "key sk-abcdefghijklmnop"));
            });
            assert!(text.contains("req-7"), "{text}");
            assert!(!text.contains("sesame") && !text.contains("ijklm"), "{text}");
        }
    }

    #[test]
    fn json_lines_are_flat() {
        let text = logged(LogFormat::Json, false, |_| tracing::info!(model = "gpt-4", "finished"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["model"], "gpt-4");
        assert_eq!(line["message"], "finished");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn the_level_changes_at_runtime_and_only_for_us() {
        let text = logged(LogFormat::Text, false, |handle| {
            tracing::debug!("one");
            handle.set_level(Level::Debug);
            tracing::debug!("two");
            tracing::debug!(target: "hyper", "three");
            tracing::warn!(target: "hyper", "four");
            handle.set_level(Level::Error);
            tracing::warn!(target: "hyper", "five");
        });
        let heard: Vec<_> = ["one", "two", "three", "four", "five"].into_iter().filter(|word| text.contains(word)).collect();
        assert_eq!(heard, ["two", "four"], "{text}");
    }

    #[test]
    fn a_token_that_came_says_how_long_it_is_used() {
        let text = logged(LogFormat::Text, false, |_| {
            let expires_in = Duration::from_secs(90);
            for change in [TokenChange::Fetched, TokenChange::Dropped, TokenChange::Expired, TokenChange::Reused] {
                TokenChanged { provider: "legacy", change, expires_in }.emit();
            }
        });
        let said: Vec<_> = text.lines().filter_map(|line| line.split_once("token ")).map(|(_, said)| said).collect();
        let expected = [
            "fetched provider=\"legacy\" expires_in_s=90",
            "dropped after a 401 provider=\"legacy\" expires_in_s=90",
            "expired provider=\"legacy\"",
        ];
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn a_level_from_the_command_line_stays() {
        let text = logged(LogFormat::Text, true, |handle| {
            handle.set_level(Level::Debug);
            tracing::debug!("hidden");
        });
        assert_eq!(text, "");
    }
}
