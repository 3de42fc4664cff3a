//! Where log lines go and which are written: stderr, as text or JSON, at a level that a reload may change.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::config::{Level, LogFormat, Secret};
use crate::telemetry::batch::Batch;
use crate::telemetry::events::Panicked;
use crate::telemetry::plain::Plain;
use crate::telemetry::redact::Known;

/// The crate whose lines the level is for. Dependencies speak up only when something is wrong.
const OURS: &str = env!("CARGO_PKG_NAME");

/// How logging begins.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Least severe level written.
    pub level: Level,
    /// The level came from the command line: a reload does not change it.
    pub pinned: bool,
    /// How lines look.
    pub format: LogFormat,
    /// Colours: stderr is a terminal and nobody said `NO_COLOR`.
    pub ansi: bool,
    /// Lines are gathered and written by a thread of their own: for servers. Whoever begins it ends it with [`LogHandle::flush`].
    pub batched: bool,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another subscriber is installed.
    #[error("logging was set up twice")]
    Twice,
    /// No thread to write lines.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// Changes logging while it runs. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle {
    threshold: Threshold,
    secrets: Secrets,
    pinned: bool,
    batch: Option<Batch>,
}

type Secrets = Arc<ArcSwap<Known>>;

impl LogHandle {
    /// Sets up logging for the whole process.
    pub fn init(options: &LogOptions) -> Result<LogHandle, LogError> {
        let batch = options.batched.then(|| Batch::start(io::stderr())).transpose()?;
        let (subscriber, handle) = match batch.clone() {
            Some(batch) => build(options, move || batch.clone()),
            None => build(options, io::stderr),
        };
        tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
        log_panics();
        Ok(LogHandle { batch, ..handle })
    }

    /// Waits until every line so far is written.
    pub fn flush(&self) {
        if let Some(batch) = &self.batch {
            batch.flush();
        }
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

pub(crate) fn build<O, W>(options: &LogOptions, output: O) -> (Box<dyn Subscriber + Send + Sync>, LogHandle)
where
    O: Fn() -> W + Send + Sync + 'static,
    W: Write,
{
    let secrets = Secrets::default();
    let threshold = Threshold::default();
    threshold.set(options.level);
    let writer = Masking { output, secrets: Arc::clone(&secrets) };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).with_ansi(options.ansi);
    let lines: Box<dyn Layer<_> + Send + Sync> = match options.format {
        LogFormat::Text if options.ansi => Box::new(lines),
        LogFormat::Text => Box::new(lines.fmt_fields(Plain).event_format(Plain)),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false)),
    };
    let subscriber = Registry::default().with(threshold.clone()).with(lines);
    (Box::new(subscriber), LogHandle { threshold, secrets, pinned: options.pinned, batch: None })
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
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{LogHandle, LogOptions, build};
    use crate::config::{Level, LogFormat, Secret};
    use crate::telemetry::events::{TokenChange, TokenChanged};

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        fn text(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, pinned: bool, speak: impl FnOnce(&LogHandle)) -> String {
        let memory = Memory::default();
        let output = memory.clone();
        let options = LogOptions { level: Level::Info, pinned, format, ansi: false, batched: false };
        let (subscriber, handle) = build(&options, move || output.clone());
        tracing::subscriber::with_default(subscriber, || speak(&handle));
        memory.text()
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
