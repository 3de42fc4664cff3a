//! [`Lines`]: the last lines of the server's own log, in memory, for whoever administers it.
//!
//! Filled by the log's own thread, so no request pays for it. A reader keeps its place as a sequence number: who is slow
//! learns how many lines it missed, and holds up nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use memchr::{memchr_iter, memrchr};
use serde::{Serialize, Serializer};
use tokio::sync::watch;

use crate::config::Level;
use crate::hub::text::beginning;

/// As many are kept.
const MOST_LINES: usize = 1000;

/// As many bytes are kept of all of them, should they be long; and of the last ones in any case.
const MOST_BYTES: usize = 1 << 20;

/// Who reads a line gets no more of it.
const LONGEST: usize = 8 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Counts the lines of this process, from 1.
    pub sequence: u64,
    /// When it was written.
    #[serde(serialize_with = "as_rfc3339")]
    pub time: SystemTime,
    /// How severe it is.
    pub level: Level,
    /// The rest of it; where the log is JSON, all of it.
    pub text: Arc<str>,
}

/// What a reader gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Oldest first.
    pub lines: Vec<Line>,
    /// How many before them are not kept any more, of whatever level.
    pub missed: u64,
    /// The last line there is, of whatever level: where to go on from.
    pub last: u64,
}

/// The last lines. Cheap to clone; all clones are the same ones.
#[derive(Clone, Debug)]
pub struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    chunks: VecDeque<Chunk>,
    /// Of all chunks.
    lines: usize,
    /// Of all chunks.
    bytes: usize,
    last: u64,
}

/// Lines that came together. They are taken apart when somebody reads them, which is hardly ever.
#[derive(Debug)]
struct Chunk {
    text: Box<str>,
    lines: usize,
    take_apart: TakeApart,
    came: SystemTime,
}

/// When a line was written, how severe it is, and the rest of it.
pub(super) type TakeApart = fn(&str) -> Option<(SystemTime, Level, &str)>;

impl Default for Lines {
    fn default() -> Lines {
        Lines(Arc::new(Shared { kept: Mutex::default(), last: watch::Sender::new(0) }))
    }
}

impl Lines {
    /// The lines after that one which are at least as severe as `least`; after 0: all that are kept. A number of
    /// another process, which this one has not reached, counts as 0.
    pub fn after(&self, sequence: u64, least: Level) -> Read {
        let kept = self.lock();
        let sequence = if sequence > kept.last { 0 } else { sequence };
        let first = kept.last - kept.lines.min(MOST_LINES) as u64 + 1;
        let mut next = kept.last - kept.lines as u64 + 1;
        let mut lines = Vec::new();
        for chunk in &kept.chunks {
            let from = sequence.max(first - 1).saturating_sub(next - 1);
            let unseen = chunk.text.lines().zip(next..).skip(usize::try_from(from).unwrap_or(usize::MAX));
            lines.extend(unseen.map(|(line, sequence)| chunk.read(line, sequence)).filter(|line| line.level <= least));
            next += chunk.lines as u64;
        }
        Read { lines, missed: first.saturating_sub(sequence + 1), last: kept.last }
    }

    /// Reads them as they are written, from that one on.
    pub fn follow(&self, sequence: u64, least: Level) -> Follower {
        Follower { lines: self.clone(), written: self.0.last.subscribe(), sequence, least }
    }

    /// Adds the lines of `text`, which came at `came`; the last of many.
    pub(super) fn add(&self, text: &str, take_apart: TakeApart, came: SystemTime) {
        let mut kept = self.lock();
        kept.add(text, take_apart, came);
        self.0.last.send_replace(kept.last);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunk {
    fn read(&self, line: &str, sequence: u64) -> Line {
        let (time, level, text) = (self.take_apart)(line).unwrap_or((self.came, Level::Info, line));
        Line { sequence, time, level, text: cut(text) }
    }
}

impl Kept {
    fn add(&mut self, text: &str, take_apart: TakeApart, came: SystemTime) {
        let bytes = text.as_bytes();
        let all = memchr_iter(b'\n', bytes).count() + usize::from(bytes.last().is_some_and(|last| *last != b'\n'));
        // From the end, for what is before the last of many is not looked at.
        let (mut lines, mut from) = (0, bytes.len());
        while lines < all.min(MOST_LINES) && bytes.len() - from < MOST_BYTES {
            let end = from - usize::from(bytes[from - 1] == b'\n');
            from = memrchr(b'\n', &bytes[..end]).map_or(0, |newline| newline + 1);
            lines += 1;
        }
        self.last += all as u64;
        if lines < all {
            self.chunks.clear();
            (self.lines, self.bytes) = (0, 0);
        }
        let text: Box<str> = text[from..].into();
        self.lines += lines;
        self.bytes += text.len();
        self.chunks.push_back(Chunk { text, lines, take_apart, came });
        self.forget();
    }

    /// Forgets the oldest: whole chunks, as soon as what is left of them is enough, or too much.
    fn forget(&mut self) {
        while let Some(oldest) = self.chunks.front()
            && (self.lines - oldest.lines >= MOST_LINES || self.bytes - oldest.text.len() >= MOST_BYTES)
        {
            self.lines -= oldest.lines;
            self.bytes -= oldest.text.len();
            self.chunks.pop_front();
        }
    }
}

/// Reads lines as they are written.
#[derive(Debug)]
pub struct Follower {
    lines: Lines,
    written: watch::Receiver<u64>,
    sequence: u64,
    least: Level,
}

impl Follower {
    /// Waits until there is something to tell: lines, or that some were missed. Cancel safe: what was not handed over
    /// stays to be.
    pub async fn next(&mut self) -> Read {
        loop {
            self.written.mark_unchanged();
            let read = self.lines.after(self.sequence, self.least);
            self.sequence = read.last;
            if !read.lines.is_empty() || read.missed > 0 {
                return read;
            }
            // `lines` holds the sender, so it never ends.
            let _ = self.written.changed().await;
        }
    }
}

/// `text` to the length that is shown, saying how long it was.
fn cut(text: &str) -> Arc<str> {
    if text.len() <= LONGEST {
        return Arc::from(text);
    }
    Arc::from(format!("{}… ({} bytes)", beginning(text, LONGEST), text.len()))
}

fn as_rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*time))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use futures_util::FutureExt;

    use super::{LONGEST, Lines, MOST_BYTES, MOST_LINES, Read};
    use crate::config::Level;
    use crate::telemetry::plain::parse_level;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    /// `warn 好`, at the seventh second.
    fn take_apart(line: &str) -> Option<(SystemTime, Level, &str)> {
        let (level, text) = line.split_once(' ')?;
        Some((at(7), parse_level(&level.to_ascii_uppercase())?, text))
    }

    fn add(lines: &Lines, said: &[(Level, &str)]) {
        let text: String = said.iter().map(|(level, text)| format!("{level:?} {text}\n")).collect();
        lines.add(&text, take_apart, at(1));
    }

    fn add_numbered(lines: &Lines, numbers: std::ops::Range<usize>) {
        let text: String = numbers.map(|number| format!("第 {number} 行\n")).collect();
        lines.add(&text, take_apart, at(1));
    }

    fn said(read: &Read) -> Vec<(u64, &str)> {
        read.lines.iter().map(|line| (line.sequence, &*line.text)).collect()
    }

    #[test]
    fn lines_are_read_by_level_and_from_where_one_was() {
        let lines = Lines::default();
        assert_eq!(lines.after(0, Level::Trace), Read::default());
        add(&lines, &[(Level::Info, "一"), (Level::Error, "二"), (Level::Debug, "三")]);
        let all = lines.after(0, Level::Trace);
        assert_eq!((said(&all), all.missed, all.last), (vec![(1, "一"), (2, "二"), (3, "三")], 0, 3));
        assert_eq!(said(&lines.after(0, Level::Warn)), [(2, "二")]);
        assert_eq!(said(&lines.after(1, Level::Info)), [(2, "二")]);
        assert_eq!(lines.after(3, Level::Trace), Read { last: 3, ..Read::default() });
        assert_eq!(said(&lines.after(99, Level::Trace)).len(), 3, "a number of another process");
    }

    #[test]
    fn the_last_thousand_are_kept_and_what_was_missed_is_told() {
        let lines = Lines::default();
        add_numbered(&lines, 0..700);
        add_numbered(&lines, 700..1400);
        let read = lines.after(100, Level::Trace);
        assert_eq!((read.lines.len(), read.missed, read.last), (MOST_LINES, 300, 1400));
        assert_eq!(said(&read)[0], (401, "第 400 行"));
        add_numbered(&lines, 1400..9000);
        let read = lines.after(1400, Level::Trace);
        assert_eq!((read.lines.len(), read.missed, read.last), (MOST_LINES, 6600, 9000));
        assert_eq!(said(&read)[0], (8001, "第 8000 行"));
    }

    #[test]
    fn long_lines_are_cut_and_all_of_them_are_bounded() {
        let lines = Lines::default();
        let long = "长".repeat(LONGEST);
        (0..2 * MOST_BYTES / LONGEST).for_each(|_| add(&lines, &[(Level::Info, &long)]));
        let read = lines.after(0, Level::Trace);
        let bytes: usize = read.lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes <= MOST_BYTES && bytes > MOST_BYTES / 4, "{bytes}");
        assert!(read.missed > 0 && read.lines[0].text.ends_with("长… (24576 bytes)"), "{}", read.lines[0].text);
    }

    #[tokio::test]
    async fn a_follower_waits_for_what_it_asked_for() {
        let lines = Lines::default();
        add(&lines, &[(Level::Info, "before")]);
        let mut follower = lines.follow(0, Level::Info);
        assert_eq!(said(&follower.next().await), [(1, "before")]);
        assert!(follower.next().now_or_never().is_none());
        add(&lines, &[(Level::Debug, "not asked for")]);
        assert!(follower.next().now_or_never().is_none());
        let next = tokio::spawn(async move { (follower.next().await, follower) });
        add(&lines, &[(Level::Warn, "later")]);
        let (read, mut follower) = next.await.unwrap();
        assert_eq!((said(&read), read.missed), (vec![(3, "later")], 0));
        add_numbered(&lines, 0..1500);
        let read = follower.next().await;
        assert_eq!((read.lines.len(), read.missed), (MOST_LINES, 500), "who is slow is told");
    }

    #[test]
    fn a_line_is_plain_json() {
        let lines = Lines::default();
        add(&lines, &[(Level::Warn, "好")]);
        let json = serde_json::to_value(lines.after(0, Level::Trace)).unwrap();
        let line = serde_json::json!({ "sequence": 1, "time": "1970-01-01T00:00:07.000000Z", "level": "warn", "text": "好" });
        assert_eq!(json, serde_json::json!({ "lines": [line], "missed": 0, "last": 1 }));
    }
}
