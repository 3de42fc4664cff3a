//! [`Sinks`]: where the lines of a server go: into memory, to stderr, to a file.
//!
//! Each has a thread of its own, and one is in front of them: whatever does not take its lines holds up no other.

mod file;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::config::{Level, LogFormat, Rotate};
use crate::telemetry::batch::{Batch, GATHER};
use crate::telemetry::events::LogTrouble;
use crate::telemetry::lines::Lines;
use crate::telemetry::plain;

use file::FileSink;
pub(super) use file::Next;

/// Takes lines, and has them written. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sinks {
    /// For lines without colours.
    pub lines: Batch,
    /// For lines with colours, where stderr shows them.
    pub coloured: Batch,
    /// The last of them.
    pub last: Lines,
    file: FileSink,
}

impl Sinks {
    /// Begins to write. `coloured`: stderr gets lines of its own, and not these.
    pub(super) fn start(format: LogFormat, coloured: bool) -> io::Result<Sinks> {
        // What is passed on has waited already.
        let gather = if coloured { GATHER } else { Duration::ZERO };
        let stderr = Batch::start("log-stderr", gather, |lines, dropped| {
            // A supervisor may have closed stderr; that is no reason to stop.
            let _ = io::stderr().write_all(lines);
            tell_dropped(dropped);
        })?;
        let (last, file) = (Lines::default(), FileSink::default());
        let (kept, passed_on) = (last.clone(), ((!coloured).then(|| stderr.clone()), file.clone()));
        let lines = Batch::start("log", GATHER, move |lines, dropped| {
            passed_on.0.iter().for_each(|stderr| stderr.add(lines));
            passed_on.1.add(lines);
            keep(&kept, format, lines, SystemTime::now());
            tell_dropped(dropped);
        })?;
        Ok(Sinks { lines, coloured: stderr, last, file })
    }

    /// Waits until all that was said so far is written, unless somebody is stuck.
    pub(super) fn flush(&self) {
        self.lines.flush();
        self.coloured.flush();
        self.file.flush();
    }

    /// Opens `path`, unless it is written already.
    pub(super) fn prepare(&self, path: Option<&Path>, rotate: Rotate) -> io::Result<Next> {
        self.file.prepare(path, rotate)
    }

    /// From the next lines on. Waits until those before are written: they belong into the old file.
    pub(super) fn put(&self, next: Next) {
        self.lines.flush();
        self.file.flush();
        self.file.put(next);
    }
}

/// Keeps `lines` in memory.
fn keep(last: &Lines, format: LogFormat, lines: &[u8], now: SystemTime) {
    let text = simdutf8::basic::from_utf8(lines).map_or_else(|_| String::from_utf8_lossy(lines), Cow::Borrowed);
    let take_apart = match format {
        LogFormat::Text => plain::take_apart,
        LogFormat::Json => from_json,
    };
    last.add(&text, take_apart, now);
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::SystemTime;

    use super::{Sinks, keep};
    use crate::config::{Level, LogFormat, Logging, Rotate};
    use crate::telemetry::lines::Lines;
    use crate::telemetry::logging::{LogOptions, build};
    use crate::telemetry::testing::Memory;

    /// What is written when `speak` speaks.
    fn written(format: LogFormat, speak: impl FnOnce()) -> Vec<u8> {
        let memory = Memory::default();
        let output = memory.clone();
        let logging = Logging { format, level: Level::Trace, ..Logging::default() };
        let options = LogOptions { logging, pinned: false, ansi: false, server: false };
        let (subscriber, _) = build(&options, move || output.clone());
        tracing::subscriber::with_default(subscriber, speak);
        memory.take().into_bytes()
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
            keep(&last, format, &lines, SystemTime::UNIX_EPOCH);
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
