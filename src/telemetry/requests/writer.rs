//! The thread's own: which file a record becomes, and what is told when it becomes none.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::telemetry::Record;
use crate::telemetry::events::RequestFileTrouble;

use super::directory::{make, prune, write_new};
use super::page::page;
use super::queue::Work;

/// Longer ids are cut in a file's name; the file itself has them whole.
const LONGEST_ID: usize = 80;

/// Writes one file after the other.
#[derive(Default)]
pub(super) struct Writer {
    /// The day on which each directory was last pruned.
    pruned: HashMap<PathBuf, String>,
    /// Files that could not be written, since one could.
    pub(super) lost: usize,
}

impl Writer {
    pub(super) fn write(&mut self, work: &Work, now: SystemTime) {
        let text = page(&work.record, &work.rules, &work.known);
        let today = day(now);
        for place in work.rules.places(&work.record) {
            if self.pruned.get(place) != Some(&today) {
                prune(place, &today, work.rules.keep);
                self.pruned.insert(place.to_owned(), today.clone());
            }
            self.heed(place, put(place, &work.record, &text));
        }
    }

    /// Tells the first of several failures in a row, and their end.
    fn heed(&mut self, place: &Path, result: io::Result<()>) {
        match result {
            Ok(()) if self.lost == 0 => {}
            Ok(()) => RequestFileTrouble::Mended { lost: std::mem::take(&mut self.lost) }.emit(),
            Err(reason) => {
                if self.lost == 0 {
                    RequestFileTrouble::Failed { path: place, reason: &reason }.emit();
                }
                self.lost += 1;
            }
        }
    }
}

fn put(place: &Path, record: &Record, text: &str) -> io::Result<()> {
    let (directory, stem) = (place.join(day(record.received)), stem(record));
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
fn stem(record: &Record) -> String {
    let time = humantime::format_rfc3339_millis(record.received).to_string();
    let digits: String = time.chars().skip("2026-11-28T".len()).filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id: String = record.id.chars().take(LONGEST_ID).map(|c| if is_safe(c) { c } else { '_' }).collect();
    format!("{digits}-{id}")
}
