//! The log's file, behind a thread of its own that is started when a file is first wanted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use crate::config::Rotate;
use crate::telemetry::batch::Batch;
use crate::telemetry::events::LogTrouble;
use crate::telemetry::logfile::{LogFile, News};

use super::tell_dropped;

/// Takes lines for the file, if there is one. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(super) struct FileSink(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: OnceLock<Batch>,
    wanted: Mutex<Wanted>,
}

/// The file that shall be written, and what the thread must do about it next.
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
pub(in crate::telemetry) struct Next(Option<PathBuf>, Change);

impl FileSink {
    pub(super) fn add(&self, lines: &[u8]) {
        if let Some(batch) = self.0.lines.get() {
            batch.add(lines);
        }
    }

    pub(super) fn flush(&self) {
        if let Some(batch) = self.0.lines.get() {
            batch.flush();
        }
    }

    pub(super) fn prepare(&self, path: Option<&Path>, rotate: Rotate) -> io::Result<Next> {
        let change = match path {
            None => Change::None,
            Some(path) if self.0.wanted().path.as_deref() == Some(path) => Change::Rotate(rotate),
            Some(path) => {
                self.start()?;
                Change::To(Box::new(LogFile::open(path, rotate, SystemTime::now())?))
            }
        };
        Ok(Next(path.map(Path::to_owned), change))
    }

    pub(super) fn put(&self, Next(path, change): Next) {
        let mut wanted = self.0.wanted();
        let change = match (change, wanted.change.take()) {
            // It came before the first line did.
            (Change::Rotate(rotate), Some(Change::To(mut file))) => {
                file.set_rotate(rotate);
                Change::To(file)
            }
            (change, _) => change,
        };
        *wanted = Wanted { path, change: Some(change) };
    }

    /// Starts the thread, unless it runs.
    fn start(&self) -> io::Result<()> {
        if self.0.lines.get().is_none() {
            let (shared, mut file) = (self.0.clone(), None);
            let batch = Batch::start("log-file", Duration::ZERO, move |lines, dropped| {
                shared.change(&mut file);
                file.iter_mut().for_each(|file| write(file, lines));
                tell_dropped(dropped);
            })?;
            let _ = self.0.lines.set(batch);
        }
        Ok(())
    }
}

impl Shared {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does with `file` as a reload has asked for.
    fn change(&self, file: &mut Option<LogFile>) {
        let Some(change) = self.wanted().change.take() else { return };
        match (change, file) {
            (Change::To(next), file) => *file = Some(*next),
            (Change::Rotate(rotate), Some(file)) => file.set_rotate(rotate),
            (Change::Rotate(_), None) => {}
            (Change::None, file) => *file = None,
        }
    }
}

fn write(file: &mut LogFile, lines: &[u8]) {
    for news in file.write(lines, SystemTime::now()) {
        match &news {
            News::Failed(reason) => LogTrouble::Failed { path: file.path(), reason }.emit(),
            News::Mended(lost) => LogTrouble::Mended { path: file.path(), lost: *lost }.emit(),
            News::Stuck(reason) => LogTrouble::Stuck { path: file.path(), reason }.emit(),
        }
    }
}
