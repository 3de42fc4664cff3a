//! [`RequestFiles`]: one file per request, or per failed request, for whoever wants to look at one closely.
//!
//! A file is pretty JSON: the whole account of the request and, when asked for, what was said, masked and cut. All of it
//! is done by one thread behind a bounded queue: a disk that is slow or full costs files, and nothing else.

mod body;
mod directory;
mod page;
mod queue;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::config::{Config, Logging};
use crate::telemetry::events::RequestFileTrouble;
use crate::telemetry::redact::Known;
use crate::telemetry::{LogError, Observer, Record};

use directory::Made;
use queue::Queue;
use writer::Work;

/// Has requests written to files. Dropped, it writes first what waits.
#[derive(Default)]
pub struct RequestFiles {
    /// Made when files are first asked for.
    queue: OnceLock<Queue>,
}

/// Directories that can be written to. Those that were not there are removed unless they are kept.
#[must_use]
pub(super) struct Directories(Vec<Made>);

/// Writes as one configuration says.
struct Files {
    queue: Queue,
    rules: Arc<Rules>,
    known: Arc<Known>,
}

/// What is written, and where to.
#[derive(Debug)]
struct Rules {
    /// Where all go.
    dir: Option<PathBuf>,
    /// Where failed ones go.
    errors_dir: Option<PathBuf>,
    /// With what was said.
    bodies: bool,
    /// What looks like a key in a body is masked too; secrets of the configuration always are.
    redact: bool,
    /// Of how many days before today.
    keep: usize,
}

impl RequestFiles {
    /// Who is to be told of requests under `config`; `None`: it asks for no files.
    pub fn observer(&self, config: &Config) -> Option<Arc<dyn Observer>> {
        let rules = Rules::of(&config.logging);
        let path = rules.dir.as_deref().or(rules.errors_dir.as_deref())?;
        match self.queue() {
            Ok(queue) => Some(Arc::new(Files { queue, rules: Arc::new(rules), known: Arc::new(Known::new(config.secrets())) })),
            Err(reason) => {
                RequestFileTrouble::Failed { path, reason: &reason }.emit();
                None
            }
        }
    }

    fn queue(&self) -> io::Result<Queue> {
        if let Some(queue) = self.queue.get() {
            return Ok(queue.clone());
        }
        let queue = Queue::start()?;
        Ok(self.queue.get_or_init(|| queue).clone())
    }
}

impl Directories {
    /// Makes the directories that `logging` names, and tries whether files can be made in them.
    pub(super) fn make(logging: &Logging) -> Result<Directories, LogError> {
        let rules = Rules::of(logging);
        let named = [("logging.requests.dir", &rules.dir), ("logging.requests.errors_dir", &rules.errors_dir)];
        let named = named.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?)));
        let made = named.map(|(key, path)| {
            let unwritable = |error| LogError::Unwritable { key, path: path.to_owned(), error };
            Made::make(path).map_err(unwritable)
        });
        made.collect::<Result<_, _>>().map(Directories)
    }

    /// They stay.
    pub(super) fn keep(self) {
        self.0.into_iter().for_each(Made::keep);
    }
}

impl Observer for Files {
    fn finished(&self, record: &Arc<Record>) {
        if self.rules.places(record).next().is_some() {
            self.queue.add(Work { record: record.clone(), rules: self.rules.clone(), known: self.known.clone() });
        }
    }

    fn wants_bodies(&self) -> bool {
        self.rules.bodies
    }
}

impl Rules {
    fn of(logging: &Logging) -> Rules {
        let requests = logging.requests.clone();
        Rules {
            dir: requests.dir,
            errors_dir: requests.errors_dir,
            bodies: requests.bodies,
            redact: logging.redact,
            keep: logging.rotate.keep as usize,
        }
    }

    /// Where the file of `record` goes.
    fn places(&self, record: &Record) -> impl Iterator<Item = &Path> {
        let failed = self.errors_dir.as_deref().filter(|dir| record.has_failed() && self.dir.as_deref() != Some(dir));
        self.dir.as_deref().into_iter().chain(failed)
    }
}
