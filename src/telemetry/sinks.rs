//! [`Sinks`]: where the lines of a server go from the log's own thread: into memory, to a file, to stderr.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::config::{Level, LogFormat, Rotate};
use crate::telemetry::batch::{Batch, GATHER};
use crate::telemetry::events::LogTrouble;
use crate::telemetry::lines::Lines;
use crate::telemetry::logfile::{LogFile, News};
use crate::telemetry::plain;

/// Takes lines, and has them written. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sinks {
    /// For lines without colours.
    pub lines: Batch,
    /// For lines with colours, where stderr shows them.
    pub coloured: Batch,
    /// The last of them.
    pub last: Lines,
    file: Arc<Mutex<Wanted>>,
}

/// The file that is written, and what the thread shall do about it next.
#[derive(Default)]
struct Wanted {
    path: Option<PathBuf>,
    change: Option<Change>,
}

enum Change {
    To(Box<LogFile>),
    Rotate(Rotate),
    None,
}

/// What a reload asks for, ready to be put to work; dropped, it changes nothing.
#[must_use]
pub(super) struct Next(Option<PathBuf>, Change);

impl Sinks {
    /// Begins to write. `coloured`: stderr gets lines of its own, and not these.
    pub(super) fn start(format: LogFormat, coloured: bool) -> io::Result<Sinks> {
        // Whoever does not take stderr shall not hold up the file. What is passed on has waited already.
        let gather = if coloured { GATHER } else { Duration::ZERO };
        let stderr = Batch::start("log-stderr", gather, |lines, dropped| {
            // A supervisor may have closed stderr; that is no reason to stop.
            let _ = io::stderr().write_all(lines);
            tell_dropped(dropped);
        })?;
        let (last, file) = (Lines::default(), Arc::<Mutex<Wanted>>::default());
        let mut thread = Thread { format, last: last.clone(), wanted: file.clone(), file: None };
        let passed_on = (!coloured).then(|| stderr.clone());
        let lines = Batch::start("log", GATHER, move |lines, dropped| {
            if let Some(stderr) = &passed_on {
                stderr.add(lines);
            }
            thread.take(lines, SystemTime::now());
            tell_dropped(dropped);
        })?;
        Ok(Sinks { lines, coloured: stderr, last, file })
    }

    /// Waits until all that was said so far is written.
    pub(super) fn flush(&self) {
        self.lines.flush();
        self.coloured.flush();
    }

    /// Opens `path`, unless it is written already.
    pub(super) fn prepare(&self, path: Option<&Path>, rotate: Rotate) -> io::Result<Next> {
        let change = match path {
            None => Change::None,
            Some(path) if lock(&self.file).path.as_deref() == Some(path) => Change::Rotate(rotate),
            Some(path) => Change::To(Box::new(LogFile::open(path, rotate, SystemTime::now())?)),
        };
        Ok(Next(path.map(Path::to_owned), change))
    }

    /// From the next lines on.
    pub(super) fn put(&self, Next(path, change): Next) {
        // What was wanted before and has not come to pass is dropped by whoever writes the file, not here.
        let mut wanted = lock(&self.file);
        let change = match (change, wanted.change.take()) {
            (Change::Rotate(rotate), Some(Change::To(mut file))) => {
                file.set_rotate(rotate);
                Change::To(file)
            }
            (change, _) => change,
        };
        *wanted = Wanted { path, change: Some(change) };
    }
}

/// What the log's own thread has.
struct Thread {
    format: LogFormat,
    last: Lines,
    wanted: Arc<Mutex<Wanted>>,
    file: Option<LogFile>,
}

impl Thread {
    fn take(&mut self, lines: &[u8], now: SystemTime) {
        let text = String::from_utf8_lossy(lines);
        let each: Vec<&str> = text.lines().collect();
        let format = self.format;
        self.last.add(each.into_iter(), |line| take_apart(format, line, now));
        self.change();
        let Some(file) = &mut self.file else { return };
        let news = file.write(lines, now);
        news.iter().for_each(|news| tell(news, file.path()));
    }

    /// Does as a reload has asked for.
    fn change(&mut self) {
        let Some(change) = lock(&self.wanted).change.take() else { return };
        match (change, &mut self.file) {
            (Change::To(file), _) => self.file = Some(*file),
            (Change::Rotate(rotate), Some(file)) => file.set_rotate(rotate),
            (Change::Rotate(_), None) => {}
            (Change::None, _) => self.file = None,
        }
    }
}

fn tell(news: &News, path: &Path) {
    match news {
        News::Failed(reason) => LogTrouble::Failed { path, reason }.emit(),
        News::Mended(lost) => LogTrouble::Mended { path, lost: *lost }.emit(),
        News::Stuck(reason) => LogTrouble::Stuck { path, reason }.emit(),
    }
}

/// When a line was written, how severe it is, and the rest of it.
fn take_apart(format: LogFormat, line: &str, now: SystemTime) -> (SystemTime, Level, &str) {
    let parts = match format {
        LogFormat::Text => plain::take_apart(line),
        LogFormat::Json => from_json(line),
    };
    parts.unwrap_or((now, Level::Info, line))
}

/// What stands in every line of JSON.
#[derive(Deserialize)]
struct Common<'a> {
    timestamp: &'a str,
    level: &'a str,
}

fn from_json(line: &str) -> Option<(SystemTime, Level, &str)> {
    let common: Common<'_> = serde_json::from_str(line).ok()?;
    Some((humantime::parse_rfc3339(common.timestamp).ok()?, plain::parse_level(common.level)?, line))
}

fn tell_dropped(lines: usize) {
    if lines > 0 {
        LogTrouble::Dropped { lines }.emit();
    }
}

fn lock(wanted: &Mutex<Wanted>) -> MutexGuard<'_, Wanted> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;
    use std::sync::{Arc, Mutex};
    use std::time::SystemTime;

    use super::{Sinks, Thread};
    use crate::config::{Level, LogFormat, Logging, Rotate};
    use crate::telemetry::lines::Lines;
    use crate::telemetry::logging::{LogOptions, build};

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written when `speak` speaks.
    fn written(format: LogFormat, speak: impl FnOnce()) -> Vec<u8> {
        let memory = Memory::default();
        let output = memory.clone();
        let logging = Logging { format, level: Level::Trace, ..Logging::default() };
        let options = LogOptions { logging, pinned: false, ansi: false, server: false };
        let (subscriber, _) = build(&options, move || output.clone());
        tracing::subscriber::with_default(subscriber, speak);
        let written = memory.0.lock().unwrap();
        written.clone()
    }

    #[test]
    fn what_is_kept_of_a_line_is_what_it_says() {
        for (format, text) in [(LogFormat::Text, "request{id=7}: 好 model=\"m\""), (LogFormat::Json, "{\"timestamp\":")] {
            let before = SystemTime::now();
            let lines = written(format, || {
                let _span = tracing::error_span!("request", id = 7).entered();
                tracing::warn!(model = "m", "好");
                tracing::error!("two\nlines");
                tracing::trace!("three");
            });
            let last = Lines::default();
            let mut thread = Thread { format, last: last.clone(), wanted: Arc::default(), file: None };
            thread.take(&lines, SystemTime::UNIX_EPOCH);
            let read = last.after(0, Level::Trace);
            let levels: Vec<Level> = read.lines.iter().map(|line| line.level).collect();
            assert_eq!(levels, [Level::Warn, Level::Error, Level::Trace], "{read:?}");
            assert!(read.lines[0].text.starts_with(text), "{read:?}");
            let ago = before.duration_since(read.lines[0].time).unwrap_or_default();
            assert!(ago.as_millis() == 0 && read.lines[2].time <= SystemTime::now(), "{read:?}");
        }
    }

    #[test]
    fn a_reload_changes_the_file_with_the_next_lines() {
        let directory = tempfile::tempdir().unwrap();
        let sinks = Sinks::start(LogFormat::Text, true).unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).ok();
        let say = |line: &str| {
            sinks.lines.add(line.as_bytes());
            sinks.flush();
        };
        let change = |path: Option<&Path>, rotate| sinks.put(sinks.prepare(path, rotate).unwrap());
        say("to nobody\n");
        let (one, two) = (directory.path().join("one.log"), directory.path().join("two.log"));
        change(Some(&one), Rotate::default());
        change(Some(&one), Rotate { max_size: 4, keep: 0, ..Rotate::default() });
        say("one\n");
        say("rotated\n");
        assert_eq!(read("one.log").as_deref(), Some("rotated\n"), "the later rules count");
        drop(sinks.prepare(Some(&two), Rotate::default()));
        assert_eq!(read("two.log"), None, "what was only checked changes nothing");
        change(Some(&two), Rotate::default());
        say("two\n");
        change(None, Rotate::default());
        say("to nobody\n");
        assert_eq!((read("one.log").as_deref(), read("two.log").as_deref()), (Some("rotated\n"), Some("two\n")));
        assert!(sinks.prepare(Some(directory.path()), Rotate::default()).is_err());
        let all: Vec<_> = sinks.last.after(0, Level::Trace).lines.into_iter().map(|line| line.text.to_string()).collect();
        assert_eq!(all, ["to nobody", "one", "rotated", "two", "to nobody"]);
    }
}
