//! [`LogFile`]: the log on disk, replaced by day and size, whatever else happens to it.
//!
//! Other programs may move it away, empty or delete it: it is looked at before every write. A disk that is full costs
//! lines, and nothing else. The crates for this rotate by time or by size, and hold on to a file that was moved.

mod old;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use memchr::{memchr, memchr_iter, memrchr};

use crate::config::{Rotate, RotateEvery};

/// How long a file that could not be written is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// How long one that could not be replaced grows on.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// The log on disk.
#[derive(Debug)]
pub(super) struct LogFile {
    /// As configured.
    path: PathBuf,
    rotate: Rotate,
    open: Option<Open>,
    trouble: Option<Trouble>,
    /// When the last attempt to replace it failed.
    stuck: Option<SystemTime>,
    /// This made it, and nothing was written yet.
    is_new: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where it is, links followed; old ones stand beside it. `None`: a device or pipe, which is only written to.
    place: Option<PathBuf>,
    /// The hour or day of its lines.
    period: String,
    size: u64,
    /// It ends within a line.
    is_torn: bool,
}

#[derive(Debug)]
struct Trouble {
    /// When it was last tried.
    since: SystemTime,
    /// Lines that are not in the file.
    lost: usize,
}

/// What became of the file.
#[derive(Debug)]
pub(super) enum News {
    /// Lines are lost from now on.
    Failed(io::Error),
    /// It is written again; so many lines are not in it.
    Mended(usize),
    /// It grows on, for it cannot be replaced.
    Stuck(io::Error),
}

impl LogFile {
    /// Opens it, and makes what is missing of it.
    pub(super) fn open(path: &Path, rotate: Rotate, now: SystemTime) -> io::Result<LogFile> {
        // A link that leads nowhere yet is somebody's all the same.
        let is_new = fs::symlink_metadata(path).is_err();
        let open = Some(Open::new(path, rotate, now)?);
        Ok(LogFile { path: path.to_owned(), rotate, open, trouble: None, stuck: None, is_new })
    }

    /// As configured.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Goes by other rules from now on.
    pub(super) fn set_rotate(&mut self, rotate: Rotate) {
        self.rotate = rotate;
    }

    /// Appends whole lines. Tells what has changed since the last time.
    pub(super) fn write(&mut self, lines: &[u8], now: SystemTime) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(trouble) = self.trouble.as_mut().filter(|trouble| is_within(PAUSE, trouble.since, now)) {
            trouble.lost += count(lines);
            return news;
        }
        let mut rest = lines;
        let ended = self.write_all(&mut rest, now, &mut news);
        let lost = self.trouble.take().map(|trouble| trouble.lost);
        match (ended, lost) {
            (Ok(()), None) => {}
            (Ok(()), Some(lost)) => news.push(News::Mended(lost)),
            (Err(error), lost) => {
                self.trouble = Some(Trouble { since: now, lost: lost.unwrap_or(0) + count(rest) });
                if lost.is_none() {
                    news.push(News::Failed(error));
                }
            }
        }
        news
    }

    /// Takes what is written off `rest`.
    fn write_all(&mut self, rest: &mut &[u8], now: SystemTime, news: &mut Vec<News>) -> io::Result<()> {
        let period = period(self.rotate.every, now);
        self.look_after(now)?;
        while !rest.is_empty() {
            let is_stuck = self.stuck.is_some_and(|since| is_within(LONG_PAUSE, since, now));
            let open = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
            let room = if open.place.is_some() && !is_stuck { self.rotate.max_size.saturating_sub(open.size) } else { u64::MAX };
            if open.size > 0 && !is_stuck && (open.is_older_than(&period) || room < first_line(rest).len() as u64) {
                self.replace(now, news);
                continue;
            }
            open.write(fitting(rest, room), rest)?;
            self.is_new = false;
        }
        Ok(())
    }

    /// Begins the next file; if that is not possible, goes on with this one.
    fn replace(&mut self, now: SystemTime, news: &mut Vec<News>) {
        let Some(open) = &self.open else { return };
        match open.put_away(&self.path, self.rotate, now) {
            Ok(next) => (self.open, self.stuck) = (Some(next), None),
            Err(error) => {
                let was_told = self.stuck.replace(now).is_some();
                news.extend((!was_told).then_some(News::Stuck(error)));
            }
        }
    }

    /// Opens the file that is at the path now, if it is another one.
    fn look_after(&mut self, now: SystemTime) -> io::Result<()> {
        let is_there = match &mut self.open {
            Some(open) if open.place.is_none() => true,
            Some(open) => match fs::metadata(&self.path) {
                Ok(there) => open.is(&there),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            },
            None => false,
        };
        if !is_there {
            // Before anything that can fail: what was opened earlier is not written to any more.
            self.open = None;
            self.open = Some(Open::new(&self.path, self.rotate, now)?);
        }
        Ok(())
    }
}

impl Drop for LogFile {
    /// What was only prepared leaves nothing behind.
    fn drop(&mut self) {
        if self.is_new && fs::metadata(&self.path).is_ok_and(|there| there.is_file() && there.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Open {
    fn new(path: &Path, rotate: Rotate, now: SystemTime) -> io::Result<Open> {
        let file = append_to(path)?;
        let metadata = file.metadata()?;
        let place = metadata.is_file().then(|| fs::canonicalize(path)).transpose()?;
        let size = metadata.len();
        // Lines of an earlier process belong to their own day.
        let since = if size > 0 { metadata.modified().unwrap_or(now) } else { now };
        Ok(Open { file, place, period: period(rotate.every, since), size, is_torn: false })
    }

    /// Whether this is the file that is `there`. Somebody may have emptied it.
    fn is(&mut self, there: &Metadata) -> bool {
        self.size = there.len();
        self.file.metadata().is_ok_and(|own| is_same(&own, there))
    }

    fn is_older_than(&self, period: &str) -> bool {
        // A clock that is set back begins no new file.
        !period.is_empty() && self.place.is_some() && *self.period < *period
    }

    /// Renames it, throws away those of which there are too many, and begins the next one.
    fn put_away(&self, path: &Path, rotate: Rotate, now: SystemTime) -> io::Result<Open> {
        let place = self.place.as_deref().ok_or(io::ErrorKind::Unsupported)?;
        let suffix = if self.period.is_empty() { period(RotateEvery::Day, now) } else { self.period.clone() };
        old::rename(place, &suffix)?;
        old::prune(place, rotate.keep as usize);
        Open::new(path, rotate, now)
    }

    /// Writes `lines`, which `rest` begins with, and takes what is written off it.
    fn write(&mut self, lines: &[u8], rest: &mut &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.size += 1;
            self.is_torn = false;
        }
        let mut left = lines;
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.is_torn = left[length - 1] != b'\n';
                    self.size += length as u64;
                    (left, *rest) = (&left[length..], &rest[length..]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// `2026-11-28-08`, `2026-11-28`, nothing; in UTC, as the lines' own times.
fn period(every: RotateEvery, at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string().replace('T', "-");
    let length = match every {
        RotateEvery::Hour => "2026-11-28-08".len(),
        RotateEvery::Day => "2026-11-28".len(),
        RotateEvery::Never => 0,
    };
    text.get(..length).unwrap_or_default().to_owned()
}

/// Whether `now` is in the `pause` after `since`; a clock that is set back makes none longer.
fn is_within(pause: Duration, since: SystemTime, now: SystemTime) -> bool {
    now.duration_since(since).is_ok_and(|passed| passed < pause)
}

/// As many whole lines as fit into `room`; one at least.
fn fitting(lines: &[u8], room: u64) -> &[u8] {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines;
    }
    memrchr(b'\n', &lines[..room]).map_or_else(|| first_line(lines), |end| &lines[..=end])
}

fn first_line(lines: &[u8]) -> &[u8] {
    memchr(b'\n', lines).map_or(lines, |end| &lines[..=end])
}

fn count(lines: &[u8]) -> usize {
    memchr_iter(b'\n', lines).count()
}

/// The group may read it: those who collect logs are not who writes them.
fn append_to(path: &Path) -> io::Result<File> {
    let mut directories = DirBuilder::new();
    directories.recursive(true);
    let mut file = OpenOptions::new();
    file.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        directories.mode(0o750);
        file.mode(0o640);
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        directories.create(directory)?;
    }
    file.open(path)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// A file that is open cannot be moved away there.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests;
