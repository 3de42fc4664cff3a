//! The thread's own: which file a record becomes, and what is told when it becomes none.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::telemetry::Record;
use crate::telemetry::events::RequestFileTrouble;
use crate::telemetry::redact::Known;

use super::Rules;
use super::directory::{make, prune, write_new};
use super::page::page;

/// Longer ids are cut in a file's name; the file itself has them whole.
const LONGEST_ID: usize = 80;

/// A record to write, and how.
pub(super) struct Work {
    pub record: Arc<Record>,
    pub rules: Arc<Rules>,
    pub known: Arc<Known>,
}

/// Writes one file after the other.
#[derive(Default)]
pub(super) struct Writer(HashMap<PathBuf, Place>);

/// What is known of a directory.
#[derive(Default)]
struct Place {
    /// The day on which it was last pruned, and how many days were left.
    pruned: Option<(String, usize)>,
    /// Files that could not be written, since one could.
    lost: usize,
}

impl Writer {
    pub(super) fn write(&mut self, work: &Work, now: SystemTime) {
        let text = page(&work.record, &work.rules, &work.known);
        for path in work.rules.places(&work.record) {
            let place = self.0.entry(path.to_owned()).or_default();
            let pruned = (day(now), work.rules.keep);
            if place.pruned.as_ref() != Some(&pruned) {
                prune(path, &pruned.0, pruned.1);
                place.pruned = Some(pruned);
            }
            place.heed(path, put(path, work, &text));
        }
    }

    /// Files that could not be written to `path`, since one could.
    #[cfg(test)]
    pub(super) fn lost(&self, path: &Path) -> usize {
        self.0.get(path).map_or(0, |place| place.lost)
    }
}

impl Place {
    /// Tells the first of several failures in a row, and their end.
    fn heed(&mut self, path: &Path, result: io::Result<()>) {
        match result {
            Ok(()) if self.lost == 0 => {}
            Ok(()) => RequestFileTrouble::Mended { path, lost: std::mem::take(&mut self.lost) }.emit(),
            Err(reason) => {
                if self.lost == 0 {
                    RequestFileTrouble::Failed { path, reason: &reason }.emit();
                }
                self.lost += 1;
            }
        }
    }
}

fn put(place: &Path, work: &Work, text: &str) -> io::Result<()> {
    let (directory, stem) = (place.join(day(work.record.received)), stem(&work.record, &work.known));
    match write_new(&directory, &stem, text) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(&directory)?;
            write_new(&directory, &stem, text)
        }
        written => written,
    }
}

/// `2026-11-28`, in UTC.
fn day(at: SystemTime) -> String {
    let mut text = humantime::format_rfc3339_seconds(at).to_string();
    text.truncate("2026-11-28".len());
    text
}

/// `081746.123-req-0123456789abcdef`: by name is by time; whatever the id, it names a file here and nowhere else.
fn stem(record: &Record, known: &Known) -> String {
    let time = humantime::format_rfc3339_millis(record.received).to_string();
    let digits: String = time.chars().skip("2026-11-28T".len()).filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // An id comes from the client, who may have put a key where it belongs.
    let id: String = known.redact(&record.id).chars().take(LONGEST_ID).map(|c| if is_safe(c) { c } else { '_' }).collect();
    format!("{digits}-{id}")
}
